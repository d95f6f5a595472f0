import Connections

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a URL points, read strictly and in one way.
struct Target: Sendable {
    /// Canonical, as `URLTemplate.origin` writes it.
    let origin: String
    let isTLS: Bool
    /// In lower case; IPv6 in brackets.
    let host: String
    let port: Int
    /// With the query, beginning with a slash.
    let path: String
    /// The host, where it is an address by itself.
    let address: IPAddress?

    static let maxLength = 16_384

    init?(_ url: String) {
        guard url.utf8.count <= Self.maxLength, let origin = URLTemplate.origin(of: url) else { return nil }
        self.origin = origin
        isTLS = origin.utf8.starts(with: "https:".utf8)
        let schemeLength = isTLS ? "https://".utf8.count : "http://".utf8.count
        // All of it is ASCII, or there would be no origin.
        let rest = url.utf8.dropFirst(schemeLength).drop { !Self.endsAuthority.contains($0) }
            .prefix { $0 != UInt8(ascii: "#") }
        path = rest.first == UInt8(ascii: "/") ? String(Substring(rest)) : "/\(Substring(rest))"

        let authority = origin.utf8.dropFirst(schemeLength)
        let isBracketed = authority.first == UInt8(ascii: "[")
        let host = authority.prefix { $0 != (isBracketed ? UInt8(ascii: "]") : UInt8(ascii: ":")) }
        address = IPAddress(String(Substring(isBracketed ? host.dropFirst() : host)))
        self.host = String(Substring(host)) + (isBracketed ? "]" : "")
        port = Int(Substring(authority.dropFirst(self.host.utf8.count + 1))) ?? (isTLS ? 443 : 80)
    }

    private static let endsAuthority = "/?#".utf8

    var url: String { origin + path }

    /// Whether an IPv4 address was written as an IPv6 one.
    var isIPv4Mapped: Bool { host.hasPrefix("[") && address?.isIPv4 == true }

    /// Where a Location header of a response from here points; `nil` when that is not a URL we would go to.
    func resolving(_ location: String) -> Target? {
        guard location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let base = URL(string: url),
            let resolved = URL(string: location, relativeTo: base)
        else { return nil }
        return Target(resolved.absoluteString)
    }
}
