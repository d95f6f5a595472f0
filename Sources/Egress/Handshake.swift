import NIOCore
import NIOSSL
import NIOTLS

/// Sees how a TLS handshake ends, and with whom it was.
final class Handshake: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    struct Outcome: Sendable {
        /// Verified against the trusted roots, the name aside.
        let isComplete: Bool
        let certificate: PeerCertificate?
    }

    private let target: Target
    private let tls: NIOSSLClientHandler
    private let answer: Deferred<Outcome>

    init(target: Target, tls: NIOSSLClientHandler, answer: Deferred<Outcome>) {
        self.target = target
        self.tls = tls
        self.answer = answer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if !context.channel.isActive { end(isComplete: false) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { end(isComplete: true) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(isComplete: false)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { end(isComplete: false) }

    /// Where the certificate was the reason, the connection still has it: it was taken before it was verified.
    private func end(isComplete: Bool) {
        let certificate = tls.peerCertificate.map { PeerCertificate($0, of: target, isTrusted: isComplete) }
        answer.finish(.success(Outcome(isComplete: isComplete, certificate: certificate)))
    }
}
