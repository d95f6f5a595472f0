import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A server on loopback that answers as a test wants, well-behaved or not, and remembers what it was asked.
final class LoopbackServer: Sendable {
    struct Request: Sendable {
        let method: String
        let path: String
        /// Names in lower case.
        let headers: [(name: String, value: String)]
        let body: String

        func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    }

    enum Answer: Sendable {
        /// These bytes, and the connection stays open.
        case bytes([UInt8])
        case bytesThenClose([UInt8])
        case silence
        /// Breaks the connection without a farewell.
        case reset
    }

    fileprivate final class Log: Sendable {
        private let state = Mutex((requests: [Request](), connections: 0))

        var requests: [Request] { state.withLock { $0.requests } }
        var connections: Int { state.withLock { $0.connections } }

        func heard(_ request: Request) { state.withLock { $0.requests.append(request) } }
        func connected() { state.withLock { $0.connections += 1 } }
    }

    let port: Int
    private let listener: any Channel
    private let log: Log

    var requests: [Request] { log.requests }
    var connections: Int { log.connections }

    /// Listens at once. `prepare` runs on every new connection, as for TLS.
    init(
        prepare: @escaping @Sendable (any Channel) throws -> Void = { _ in },
        answer: @escaping @Sendable (Request) -> Answer
    ) async throws {
        let log = Log()
        self.log = log
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel)
                    log.connected()
                    try channel.pipeline.syncOperations.addHandler(Conversation(log: log, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
    }

    func stop() { listener.close(promise: nil) }
}

/// One connection.
private final class Conversation: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let log: LoopbackServer.Log
    private let answer: @Sendable (LoopbackServer.Request) -> LoopbackServer.Answer
    private var received = ""

    init(log: LoopbackServer.Log, answer: @escaping @Sendable (LoopbackServer.Request) -> LoopbackServer.Answer) {
        self.log = log
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += String(buffer: unwrapInboundIn(data))
        while let request = next() {
            log.heard(request)
            respond(answer(request), context.channel)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func next() -> LoopbackServer.Request? {
        guard let end = received.firstRange(of: "\r\n\r\n") else { return nil }
        let lines = received[..<end.lowerBound].split(separator: "\r\n")
        let start = lines.first?.split(separator: " ") ?? []
        guard start.count >= 2 else { return nil }
        let headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: parts[0].lowercased(), value: String((parts.last ?? "").drop { $0 == " " }))
        }
        let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        let rest = received[end.upperBound...]
        guard rest.utf8.count >= length else { return nil }
        let body = String(decoding: rest.utf8.prefix(length), as: UTF8.self)
        received = String(decoding: rest.utf8.dropFirst(length), as: UTF8.self)
        return LoopbackServer.Request(
            method: String(start[0]), path: String(start[1]), headers: headers, body: body)
    }

    private func respond(_ answer: LoopbackServer.Answer, _ channel: any Channel) {
        switch answer {
        case .bytes(let bytes): channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        case .bytesThenClose(let bytes):
            channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { _ in channel.close(promise: nil) }
        case .silence: break
        case .reset:
            let set = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            (set ?? channel.eventLoop.makeSucceededVoidFuture()).whenComplete { _ in channel.close(promise: nil) }
        }
    }
}

extension LoopbackServer.Answer {
    static func http(_ status: Int = 200, _ headers: [(String, String)] = [], _ body: String = "") -> Self {
        .bytes(head(status, headers + [("Content-Length", "\(body.utf8.count)")]) + Array(body.utf8))
    }

    static func json(_ status: Int = 200, _ headers: [(String, String)] = [], _ body: String) -> Self {
        .http(status, [("Content-Type", "application/json")] + headers, body)
    }

    static func html(_ status: Int = 200, _ headers: [(String, String)] = []) -> Self {
        .http(status, [("Content-Type", "text/html")] + headers, "<!doctype html><title>Welcome</title>")
    }

    /// The events, and the stream stays open.
    static func events(_ text: String, _ headers: [(String, String)] = []) -> Self {
        let chunk = "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
        return .bytes(
            head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")] + headers)
                + Array(chunk.utf8))
    }

    static func head(_ status: Int, _ headers: [(String, String)]) -> [UInt8] {
        let lines = ["HTTP/1.1 \(status) -"] + headers.map { "\($0.0): \($0.1)" }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }
}
