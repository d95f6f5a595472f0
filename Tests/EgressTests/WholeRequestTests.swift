import Egress
import NIOCore
import NIOPosix
import Testing

/// A response that comes before its request was sent brings the HTTP client out of step, and the process down with it. So a
/// request goes out in one piece.
@Suite(.timeLimit(.minutes(1))) struct WholeRequestTests {
    private static let count = 400

    private static func outcomes(of url: String, through egress: Egress) async -> [Outcome] {
        await withTaskGroup(of: Outcome.self) { group in
            for number in 0..<count {
                group.addTask {
                    let body = Array("{\"number\":\(number)}".utf8)
                    return await egress.outcome(
                        of: EgressRequest(
                            purpose: .webhook, method: "POST", url: url,
                            headers: [(name: "Content-Type", value: "application/json")], body: body,
                            timeout: .seconds(30)))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// It answers every piece that it gets, so that a request in two pieces would have two answers.
    @Test func headAndBodyComeTogether() async throws {
        let server = try await RawServer(.http(200, body: []))
        defer { server.stop() }
        try await Door.open(allowing: ["127.0.0.1/32:\(server.port)"]) { egress in
            let outcomes = await Self.outcomes(of: "http://127.0.0.1:\(server.port)/", through: egress)
            #expect(outcomes == [Outcome](repeating: .status(200), count: Self.count))
        }
    }

    @Test func answersThatNobodyAskedForDoNoHarm() async throws {
        let server = try await EagerServer()
        defer { server.stop() }
        try await Door.open(allowing: ["127.0.0.1/32:\(server.port)"]) { egress in
            let outcomes = await Self.outcomes(of: "http://127.0.0.1:\(server.port)/", through: egress)
            #expect(outcomes.count == Self.count)
            for case .leaked(let error) in outcomes { Issue.record("leaked: \(error)") }
        }
    }
}

/// Answers when somebody connects, and each piece that it gets twice.
private final class EagerServer: Sendable {
    let port: Int
    private let listener: any Channel

    init() async throws {
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Babbler())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
    }

    func stop() { listener.close(promise: nil) }
}

private final class Babbler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(Self.answer), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for _ in 0..<2 { context.writeAndFlush(wrapOutboundOut(Self.answer), promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
