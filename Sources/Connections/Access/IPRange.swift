#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An address, parsed by the platform so that no octal or shorthand trick gets through. IPv4-mapped IPv6 counts as IPv4.
package struct IPAddress: Sendable, Hashable {
    package let bytes: [UInt8]

    package init?(_ text: String) {
        // The platform's parser would stop at it.
        guard !text.utf8.contains(0) else { return nil }
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            bytes = withUnsafeBytes(of: &v4) { Array($0) }
            return
        }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        let all = withUnsafeBytes(of: &v6) { Array($0) }
        let isMapped = all[..<10].allSatisfy { $0 == 0 } && all[10] == 0xFF && all[11] == 0xFF
        bytes = isMapped ? Array(all[12...]) : all
    }
}

/// A block of addresses as `10.0.0.0/8`; a bare address is a block of one.
package struct IPRange: Sendable, Hashable {
    package let address: IPAddress
    package let prefixLength: Int
    /// As it was written.
    package let text: String

    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { return nil }
        let width = address.bytes.count * 8
        if parts.count == 2 {
            guard let length = Int(parts[1]), (0...width).contains(length), String(length) == parts[1] else {
                return nil
            }
            prefixLength = length
        } else {
            prefixLength = width
        }
        self.address = address
        self.text = text
    }

    package func contains(_ other: IPAddress) -> Bool {
        matches(other.bytes, bits: prefixLength)
    }

    /// Whether every address of `other` lies in this block.
    package func contains(_ other: IPRange) -> Bool {
        prefixLength <= other.prefixLength && matches(other.address.bytes, bits: prefixLength)
    }

    private func matches(_ bytes: [UInt8], bits: Int) -> Bool {
        guard bytes.count == address.bytes.count else { return false }
        let whole = bits / 8
        guard bytes[..<whole] == address.bytes[..<whole] else { return false }
        let rest = bits % 8
        guard rest > 0 else { return true }
        return (bytes[whole] ^ address.bytes[whole]) >> (8 - rest) == 0
    }
}
