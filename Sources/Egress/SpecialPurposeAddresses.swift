import Connections

/// The blocks that are not ordinary public unicast: the IANA IPv4 and IPv6 Special-Purpose Address Registries with every
/// entry, reachable ones too, and what the registries of multicast and of IPv6 addresses set apart. Addresses that carry
/// another inside (IPv4-mapped, NAT64, 6to4, Teredo) are refused whole, whatever they carry.
enum SpecialPurposeAddresses {
    struct Block: Sendable {
        let range: IPRange
        let purpose: String
        let source: String
    }

    static let ipv4 = blocks([
        ("0.0.0.0/8", "this network", "RFC 791"),
        ("0.0.0.0/32", "this host", "RFC 1122"),
        ("10.0.0.0/8", "private use", "RFC 1918"),
        ("100.64.0.0/10", "shared address space (CGNAT)", "RFC 6598"),
        ("127.0.0.0/8", "loopback", "RFC 1122"),
        ("169.254.0.0/16", "link local", "RFC 3927"),
        ("172.16.0.0/12", "private use", "RFC 1918"),
        ("192.0.0.0/24", "IETF protocol assignments", "RFC 6890"),
        ("192.0.0.0/29", "IPv4 service continuity", "RFC 7335"),
        ("192.0.0.8/32", "dummy address", "RFC 7600"),
        ("192.0.0.9/32", "Port Control Protocol anycast", "RFC 7723"),
        ("192.0.0.10/32", "TURN anycast", "RFC 8155"),
        ("192.0.0.170/32", "NAT64/DNS64 discovery", "RFC 8880"),
        ("192.0.0.171/32", "NAT64/DNS64 discovery", "RFC 8880"),
        ("192.0.2.0/24", "documentation (TEST-NET-1)", "RFC 5737"),
        ("192.31.196.0/24", "AS112", "RFC 7535"),
        ("192.52.193.0/24", "AMT", "RFC 7450"),
        ("192.88.99.0/24", "6to4 relay anycast, deprecated", "RFC 7526"),
        ("192.168.0.0/16", "private use", "RFC 1918"),
        ("192.175.48.0/24", "AS112 direct delegation", "RFC 7534"),
        ("198.18.0.0/15", "benchmarking", "RFC 2544"),
        ("198.51.100.0/24", "documentation (TEST-NET-2)", "RFC 5737"),
        ("203.0.113.0/24", "documentation (TEST-NET-3)", "RFC 5737"),
        ("224.0.0.0/4", "multicast", "RFC 5771"),
        ("240.0.0.0/4", "reserved", "RFC 1112"),
        ("255.255.255.255/32", "limited broadcast", "RFC 8190"),
    ])

    static let ipv6 = blocks([
        ("::/128", "unspecified", "RFC 4291"),
        ("::1/128", "loopback", "RFC 4291"),
        ("::/96", "IPv4-compatible, deprecated", "RFC 4291"),
        ("64:ff9b::/96", "NAT64", "RFC 6052"),
        ("64:ff9b:1::/48", "NAT64, local use", "RFC 8215"),
        ("100::/64", "discard only", "RFC 6666"),
        ("100:0:0:1::/64", "dummy prefix", "RFC 9780"),
        ("2001::/23", "IETF protocol assignments", "RFC 2928"),
        ("2001::/32", "Teredo", "RFC 4380"),
        ("2001:1::1/128", "Port Control Protocol anycast", "RFC 7723"),
        ("2001:1::2/128", "TURN anycast", "RFC 8155"),
        ("2001:1::3/128", "DNS-SD service registration anycast", "RFC 9665"),
        ("2001:2::/48", "benchmarking", "RFC 5180"),
        ("2001:3::/32", "AMT", "RFC 7450"),
        ("2001:4:112::/48", "AS112", "RFC 7535"),
        ("2001:10::/28", "ORCHID, deprecated", "RFC 4843"),
        ("2001:20::/28", "ORCHIDv2", "RFC 7343"),
        ("2001:30::/28", "drone remote identification", "RFC 9374"),
        ("2001:db8::/32", "documentation", "RFC 3849"),
        ("2002::/16", "6to4", "RFC 3056"),
        ("2620:4f:8000::/48", "AS112 direct delegation", "RFC 7534"),
        ("3fff::/20", "documentation", "RFC 9637"),
        ("5f00::/16", "SRv6 segment identifiers", "RFC 9602"),
        ("fc00::/7", "unique local", "RFC 4193"),
        ("fe80::/10", "link local", "RFC 4291"),
        ("fec0::/10", "site local, deprecated", "RFC 3879"),
        ("ff00::/8", "multicast", "RFC 4291"),
    ])

    /// All that IANA has given out as global unicast so far; the rest of the space belongs to nobody.
    static let ipv6GlobalUnicast = block("2000::/3", "global unicast", "RFC 4291")

    static func isPublicUnicast(_ address: IPAddress) -> Bool {
        if address.isIPv4 { return !ipv4.contains { $0.range.contains(address) } }
        return ipv6GlobalUnicast.range.contains(address) && !ipv6.contains { $0.range.contains(address) }
    }

    private static func blocks(_ table: [(String, String, String)]) -> [Block] {
        table.map { block($0.0, $0.1, $0.2) }
    }

    private static func block(_ text: String, _ purpose: String, _ source: String) -> Block {
        guard let range = IPRange(text) else { preconditionFailure("\(text) is not a block") }
        return Block(range: range, purpose: purpose, source: source)
    }
}
