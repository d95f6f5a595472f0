import NIOCore
import NIOPosix
import Synchronization

/// A receiver on loopback that answers byte for byte as a test wants, well-behaved or not.
final class Receiver: Sendable {
    struct Request: Sendable {
        let start: String
        /// Names in lower case.
        let headers: [String: String]
        let body: String
    }

    enum Answer: Sendable {
        case bytes(String)
        case silence
        /// Hangs up without a word.
        case reset

        static func status(_ status: Int, _ headers: [(String, String)] = [], body: String = "") -> Answer {
            let lines = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
            return .bytes("HTTP/1.1 \(status) -\r\nContent-Length: \(body.utf8.count)\r\n\(lines)\r\n\(body)")
        }
    }

    let port: Int
    private let listener: any Channel
    private let log: Log

    fileprivate final class Log: Sendable {
        private let state = Mutex((requests: [Request](), answer: Answer.status(204)))

        var requests: [Request] { state.withLock { $0.requests } }

        func set(_ answer: Answer) { state.withLock { $0.answer = answer } }

        func answer(_ request: Request) -> Answer {
            state.withLock { state in
                state.requests.append(request)
                return state.answer
            }
        }
    }

    var requests: [Request] { log.requests }
    var url: String { "http://127.0.0.1:\(port)/hook?team=1" }

    func answer(_ answer: Answer) { log.set(answer) }

    init() async throws {
        let log = Log()
        self.log = log
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Conversation(log: log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
    }

    func stop() async { try? await listener.close() }
}

/// One connection.
private final class Conversation: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let log: Receiver.Log
    private var received = ""

    init(log: Receiver.Log) { self.log = log }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += String(buffer: unwrapInboundIn(data))
        while let request = next() {
            switch log.answer(request) {
            case .bytes(let bytes):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: bytes)), promise: nil)
            case .silence: break
            case .reset: context.close(promise: nil)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func next() -> Receiver.Request? {
        guard let end = received.firstRange(of: "\r\n\r\n") else { return nil }
        let lines = received[..<end.lowerBound].split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        let rest = received[end.upperBound...]
        guard rest.utf8.count >= length else { return nil }
        let body = String(decoding: rest.utf8.prefix(length), as: UTF8.self)
        received = String(decoding: rest.utf8.dropFirst(length), as: UTF8.self)
        return Receiver.Request(start: String(lines[0]), headers: headers, body: body)
    }
}
