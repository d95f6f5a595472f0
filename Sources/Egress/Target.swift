import Connections

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a URL points, read strictly and in one way.
struct Target: Sendable, Equatable {
    /// Canonical, as `URLTemplate.origin` writes it.
    let origin: String
    /// In lower case; IPv6 in brackets.
    let host: String
    let port: Int
    /// With the query, beginning with a slash.
    let path: String
    /// The host, where it is an address by itself.
    let address: IPAddress?

    static let maxLength = 16_384

    init?(_ url: String) {
        guard url.utf8.count <= Self.maxLength, let origin = URLTemplate.origin(of: url),
            let separator = url.firstRange(of: "://")
        else { return nil }
        self.origin = origin
        let rest = url[separator.upperBound...].drop { $0 != "/" && $0 != "?" && $0 != "#" }.prefix { $0 != "#" }
        path = rest.first == "/" ? String(rest) : "/\(rest)"

        let authority = origin[separator.upperBound...]
        let end: String.Index
        if let bracket = authority.firstIndex(of: "]") {
            end = authority.index(after: bracket)
            address = IPAddress(String(authority[..<bracket].dropFirst()))
        } else {
            end = authority.firstIndex(of: ":") ?? authority.endIndex
            address = IPAddress(String(authority[..<end]))
        }
        host = String(authority[..<end])
        port = Int(authority[end...].dropFirst()) ?? (origin.hasPrefix("https:") ? 443 : 80)
    }

    var url: String { origin + path }

    var isTLS: Bool { origin.hasPrefix("https:") }

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
