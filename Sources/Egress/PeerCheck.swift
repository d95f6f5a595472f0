import Connections
import NIOCore
import NIOSSL

/// What a new connection must show before anything is sent on it.
struct PeerCheck: Sendable {
    /// `nil` behind a proxy, which is the peer then.
    let address: IPAddress?
    /// The name in the URL; `nil` where that is an address.
    let host: String?

    /// Fails unless the connection goes to this very address and, with TLS, the certificate is for this very name.
    func callAsFunction(_ channel: any Channel) -> EventLoopFuture<Void> {
        let loop = channel.eventLoop
        do {
            try checkAddress(of: channel)
            try checkName(of: channel)
            return loop.makeSucceededVoidFuture()
        } catch {
            // The client must hear of the failure first: it knows no connection that closes while it is being made.
            loop.execute { channel.close(promise: nil) }
            return loop.makeFailedFuture(error)
        }
    }

    private func checkAddress(of channel: any Channel) throws {
        guard let address else { return }
        guard let peer = channel.remoteAddress?.ipAddress else { throw ChannelError.ioOnClosedChannel }
        guard IPAddress(peer) == address else { throw EgressError.destinationRefused }
    }

    /// NIOSSL takes a certificate for the address it is connected to as well, whatever the name is. Anybody can have one for
    /// an address of his own, and a forged DNS answer would be enough to be anybody.
    private func checkName(of channel: any Channel) throws {
        guard let host, let tls = try? channel.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self) else {
            return
        }
        let names = tls.peerCertificate?._subjectAlternativeNames().lazy.filter { $0.nameType == .dnsName }
        guard names?.contains(where: { Self.covers($0.contents, host) }) == true else { throw EgressError.tlsFailed }
    }

    /// `host` is in lower case. An asterisk stands for the first label, and for the whole of it.
    static func covers(_ name: some Collection<UInt8>, _ host: String) -> Bool {
        let name = String(decoding: name, as: UTF8.self).lowercased()
        guard name.hasPrefix("*.") else { return name == host }
        return host.drop { $0 != "." } == name.dropFirst()
    }
}
