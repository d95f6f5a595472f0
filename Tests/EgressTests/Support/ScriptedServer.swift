import NIOCore
import NIOPosix
import Synchronization

/// A server on loopback that answers byte for byte as a test wants, well-behaved or not, and remembers what it was asked.
final class ScriptedServer: Sendable {
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
        /// The head, and then the chunk again and again.
        case drip(head: [UInt8], chunk: [UInt8])
        case endless(head: [UInt8], chunk: [UInt8])
    }

    /// What happened so far.
    fileprivate final class Log: Sendable {
        private let state = Mutex((requests: [Request](), connections: 0))

        var requests: [Request] { state.withLock { $0.requests } }
        var connections: Int { state.withLock { $0.connections } }

        func heard(_ request: Request) { state.withLock { $0.requests.append(request) } }
        func connected() { state.withLock { $0.connections += 1 } }
    }

    let host: String
    let port: Int
    private let listener: any Channel
    private let log: Log

    var requests: [Request] { log.requests }
    var connections: Int { log.connections }
    var origin: String { "http://\(host):\(port)" }

    /// Listens at once. `prepare` runs on every new connection, as for TLS.
    init(
        on host: String = "127.0.0.1", port: Int = 0,
        prepare: @escaping @Sendable (any Channel) throws -> Void = { _ in },
        answer: @escaping @Sendable (Request) -> Answer
    ) async throws {
        let log = Log()
        self.host = host
        self.log = log
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel)
                    log.connected()
                    try channel.pipeline.syncOperations.addHandler(Conversation(log: log, answer: answer))
                }
            }
            .bind(host: host, port: port).get()
        self.port = listener.localAddress?.port ?? 0
    }

    func stop() { listener.close(promise: nil) }
}

/// One connection.
private final class Conversation: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let log: ScriptedServer.Log
    private let answer: @Sendable (ScriptedServer.Request) -> ScriptedServer.Answer
    private var received = ""

    init(log: ScriptedServer.Log, answer: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Answer) {
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

    private func next() -> ScriptedServer.Request? {
        guard let end = received.firstRange(of: "\r\n\r\n") else { return nil }
        let lines = received[..<end.lowerBound].split(separator: "\r\n")
        let start = lines[0].split(separator: " ")
        let headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: parts[0].lowercased(), value: String(parts[1].drop { $0 == " " }))
        }
        let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        let rest = received[end.upperBound...]
        guard rest.utf8.count >= length else { return nil }
        let body = String(decoding: rest.utf8.prefix(length), as: UTF8.self)
        received = String(decoding: rest.utf8.dropFirst(length), as: UTF8.self)
        return ScriptedServer.Request(
            method: String(start[0]), path: String(start[1]), headers: headers, body: body)
    }

    private func respond(_ answer: ScriptedServer.Answer, _ channel: any Channel) {
        switch answer {
        case .bytes(let bytes): channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        case .bytesThenClose(let bytes):
            channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { _ in channel.close(promise: nil) }
        case .silence: break
        case .drip(let head, let chunk):
            channel.writeAndFlush(ByteBuffer(bytes: head), promise: nil)
            Self.send(chunk, every: .milliseconds(20), channel)
        case .endless(let head, let chunk):
            channel.writeAndFlush(ByteBuffer(bytes: head), promise: nil)
            Self.send(chunk, every: .microseconds(100), channel)
        }
    }

    /// The pause of a flood lets the loop, which is the client's too, do something else in between.
    private static func send(_ chunk: [UInt8], every pause: TimeAmount, _ channel: any Channel) {
        channel.eventLoop.scheduleTask(in: pause) {
            channel.writeAndFlush(ByteBuffer(bytes: chunk)).whenSuccess { send(chunk, every: pause, channel) }
        }
    }
}

extension ScriptedServer.Answer {
    /// A response as it should be.
    static func http(
        _ status: Int = 200, _ headers: [(String, String)] = [], body: [UInt8] = Array("ok".utf8)
    ) -> Self {
        .bytes(head(status, headers + [("Content-Length", "\(body.count)")]) + body)
    }

    static func redirect(_ status: Int, _ location: String) -> Self {
        .http(status, [("Location", location)], body: [])
    }

    static func head(_ status: Int = 200, _ headers: [(String, String)]) -> [UInt8] {
        let lines = ["HTTP/1.1 \(status) -"] + headers.map { "\($0.0): \($0.1)" }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }
}
