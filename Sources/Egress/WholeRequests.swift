import NIOCore
import NIOHTTP1

/// Sends each request in one go, and lets nothing in meanwhile.
///
/// The HTTP client hands a request over in pieces, and a response that comes between two of them brings it out of step: it
/// gives back a connection that it has let go of already, and ends the process for it. Any server could do that by answering as
/// soon as it has the head, or before. Bodies are in memory anyway, so to wait for the last piece costs nothing.
final class WholeRequests: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// Of the request that is being handed over; empty between two.
    private var parts: [HTTPClientRequestPart] = []
    private var early: [ByteBuffer] = []

    /// Next to the encoder, where requests are not yet bytes and responses still are.
    static func add(to channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let encoder = try pipeline.handler(type: HTTPRequestEncoder.self)
        try pipeline.addHandler(WholeRequests(), position: .after(encoder))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        guard case .end = part else {
            parts.append(part)
            // The next piece is not handed over before; should this one fail, the last will.
            promise?.succeed()
            return
        }
        for part in parts { context.write(wrapOutboundOut(part), promise: nil) }
        parts = []
        context.write(wrapOutboundOut(part), promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        guard parts.isEmpty else { return }
        context.flush()
        guard !early.isEmpty else { return }
        let loop = context.eventLoop
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: loop)
        // Once the client is done with what it does by this flush.
        loop.execute { bound.value.handler.release(bound.value.context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard parts.isEmpty, early.isEmpty else {
            early.append(unwrapInboundIn(data))
            return
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // While it is held back nothing more is read.
        if early.isEmpty { context.fireChannelReadComplete() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        release(context)
        context.fireChannelInactive()
    }

    /// What came before its request was sent belongs to none.
    private func release(_ context: ChannelHandlerContext) {
        let buffers = early
        early = []
        guard parts.isEmpty, !buffers.isEmpty else { return }
        for buffer in buffers { context.fireChannelRead(wrapInboundOut(buffer)) }
        context.fireChannelReadComplete()
    }
}
