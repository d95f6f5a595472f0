import NIOCore
import NIOHTTP1

/// Sends each request in one go, as the service does: a server that answers as soon as it has the head, which nginx is,
/// would bring the client out of step and end the process.
final class WholeRequests: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private var parts: [HTTPClientRequestPart] = []

    static func add(to channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(
            WholeRequests(), position: .after(pipeline.handler(type: HTTPRequestEncoder.self)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        guard case .end = part else {
            parts.append(part)
            promise?.succeed()
            return
        }
        for part in parts { context.write(wrapOutboundOut(part), promise: nil) }
        parts = []
        context.write(wrapOutboundOut(part), promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        if parts.isEmpty { context.flush() }
    }
}
