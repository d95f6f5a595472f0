package import Connections
import NIOSSL

/// The certificate of a host. Nothing is sent to one that is not trusted.
package struct PeerCertificate: Sendable, Equatable {
    package let notBefore: Timestamp
    package let notAfter: Timestamp
    /// By the names and addresses in it, never the common name (RFC 6125, 6.4).
    package let fitsHost: Bool
    /// Whether its issuer is itself.
    package let isSelfSigned: Bool
    /// Whether it leads to a root that is trusted, and holds today.
    package let isTrusted: Bool
}

extension PeerCertificate {
    init(_ certificate: NIOSSLCertificate, of target: Target, isTrusted: Bool) {
        notBefore = Timestamp(microseconds: 0).advanced(bySeconds: Int64(certificate.notValidBefore))
        notAfter = Timestamp(microseconds: 0).advanced(bySeconds: Int64(certificate.notValidAfter))
        fitsHost = certificate._subjectAlternativeNames().contains { name in
            switch (name.nameType, target.address) {
            case (.dnsName, nil): PeerCheck.covers(name.contents, target.host)
            case (.ipAddress, let address?): name.contents.elementsEqual(address.bytes)
            default: false
            }
        }
        isSelfSigned = (try? certificate.toDERBytes()).map(Self.isSelfIssued) ?? false
        self.isTrusted = isTrusted
    }

    /// Whether issuer and subject are the same name, byte for byte (RFC 5280, 4.1.2.4 and 4.1.2.6).
    static func isSelfIssued(_ certificate: [UInt8]) -> Bool {
        // Certificate, TBSCertificate, and its members.
        var outer = DERReader(certificate[...])
        guard var body = outer.next().map({ DERReader($0.content) }),
            var members = body.next().map({ DERReader($0.content) }),
            let first = members.next()
        else { return false }
        // The version may be left out; then the serial number came already.
        if first.tag == 0xA0 { _ = members.next() }
        _ = members.next()  // the signature's algorithm
        guard let issuer = members.next(), members.next() != nil, let subject = members.next() else { return false }
        return issuer.content == subject.content && !issuer.content.isEmpty
    }
}

/// Reads the elements of a DER sequence (X.690, 8.1).
private struct DERReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func next() -> (tag: UInt8, content: ArraySlice<UInt8>)? {
        guard let tag = rest.popFirst(), let length = length(), length <= rest.count else { return nil }
        defer { rest = rest.dropFirst(length) }
        return (tag, rest.prefix(length))
    }

    private mutating func length() -> Int? {
        guard let first = rest.popFirst() else { return nil }
        guard first & 0x80 != 0 else { return Int(first) }
        let size = Int(first & 0x7F)
        guard (1...4).contains(size), rest.count >= size else { return nil }
        defer { rest = rest.dropFirst(size) }
        return rest.prefix(size).reduce(0) { $0 << 8 | Int($1) }
    }
}
