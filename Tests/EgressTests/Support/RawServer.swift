import NIOCore
import NIOPosix

/// Answers the first bytes of a connection, whatever they are.
final class RawServer: Sendable {
    let port: Int
    private let listener: any Channel

    init(_ answer: ScriptedServer.Answer) async throws {
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Responder(answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
    }

    func stop() { listener.close(promise: nil) }
}

private final class Responder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answer: ScriptedServer.Answer

    init(answer: ScriptedServer.Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = context.channel
        switch answer {
        case .bytes(let bytes): channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        case .bytesThenClose(let bytes):
            channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { _ in channel.close(promise: nil) }
        case .silence, .drip, .endless: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
