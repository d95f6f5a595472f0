import HTTPTypes
package import NIOCore
package import NIOHTTPTypes

/// Closes the channel after an answer that says `Connection: close`, when the client may still be sending. Our side is shut
/// first and what still arrives is dropped for a moment, so that the answer is not lost to a reset (RFC 9112, 9.6).
package final class CloseAfterAnswer: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPRequestPart
    package typealias InboundOut = HTTPRequestPart
    package typealias OutboundIn = HTTPResponsePart
    package typealias OutboundOut = HTTPResponsePart

    private enum State { case open, closing, closed }

    private var state = State.open
    private static let grace = TimeAmount.seconds(1)

    package init() {}

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if state != .closed { context.fireChannelRead(data) }
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.headerFields[.connection] == "close":
            // HTTP/2 has no such header and ends its streams by itself (RFC 9113, 8.2.2). A stream's channel has the
            // connection for a parent, and that the listener.
            if context.channel.parent?.parent != nil {
                head.headerFields[.connection] = nil
                return context.write(wrapOutboundOut(.head(head)), promise: promise)
            }
            state = .closing
        case .end where state == .closing:
            state = .closed
            context.writeAndFlush(data, promise: promise)
            context.close(mode: .output, promise: nil)
            let channel = context.channel
            context.eventLoop.scheduleTask(in: Self.grace) { channel.close(promise: nil) }
            return
        default: break
        }
        context.write(data, promise: promise)
    }
}
