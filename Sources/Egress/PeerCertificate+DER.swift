import NIOSSL

extension PeerCertificate {
    /// What a peer showed to a client that is not ours. `host` is `nil` where the certificate may be for any. Returns `nil` for
    /// what is no certificate.
    package init?(der: [UInt8], host: String?, isTrusted: Bool) {
        guard let certificate = try? NIOSSLCertificate(bytes: der, format: .der) else { return nil }
        let isIPv6 = host?.contains(":") == true
        guard let target = Target("https://\(isIPv6 ? "[\(host ?? "")]" : host ?? "any.invalid")") else { return nil }
        let shown = PeerCertificate(certificate, of: target, isTrusted: isTrusted)
        self.init(
            notBefore: shown.notBefore, notAfter: shown.notAfter, fitsHost: host == nil || shown.fitsHost,
            isSelfSigned: shown.isSelfSigned, isTrusted: shown.isTrusted)
    }
}
