import Connections

/// A range that an operator opens: one element of `PATCHBAY_EGRESS_ALLOW`.
///
/// `[purpose=]CIDR[:ports]`, as in `10.0.0.0/8`, `oauth=127.0.0.1/32:9000-9100` or `[fd00::]/8:8080`. Ports are one port or a
/// range of them, and all when they are left out. IPv6 may stand in brackets, and must when ports follow without a prefix
/// length. Bits behind the prefix must be zero: what is written is what is opened.
package struct EgressAllowance: Sendable {
    let purpose: EgressPurpose?
    let range: IPRange
    let ports: ClosedRange<Int>

    package init?(_ text: String) {
        var rest = text[...]
        if let equals = rest.firstIndex(of: "=") {
            guard let purpose = EgressPurpose(rawValue: String(rest[..<equals])) else { return nil }
            self.purpose = purpose
            rest = rest[rest.index(after: equals)...]
        } else {
            purpose = nil
        }
        guard let (block, ports) = Self.split(rest), let range = IPRange(block), Self.endsInZeros(range) else {
            return nil
        }
        self.range = range
        guard let ports else {
            self.ports = 1...65_535
            return
        }
        guard let parsed = Self.ports(ports) else { return nil }
        self.ports = parsed
    }

    func covers(_ address: IPAddress, port: Int, purpose: EgressPurpose) -> Bool {
        (self.purpose == nil || self.purpose == purpose) && ports.contains(port) && range.contains(address)
    }

    /// Takes the ports off the block and the brackets off its address.
    private static func split(_ text: Substring) -> (block: String, ports: Substring?)? {
        let address: Substring
        var rest: Substring
        if text.first == "[" {
            guard let bracket = text.firstIndex(of: "]") else { return nil }
            address = text[..<bracket].dropFirst()
            guard address.contains(":") else { return nil }
            rest = text[bracket...].dropFirst()
        } else {
            let isIPv6 = text.prefix { $0 != "/" }.count { $0 == ":" } > 1
            address = text.prefix { $0 != "/" && (isIPv6 || $0 != ":") }
            rest = text[address.endIndex...]
        }
        guard rest.isEmpty || rest.first == "/" || rest.first == ":" else { return nil }
        let length = rest.prefix { $0 != ":" }
        rest = rest[length.endIndex...]
        return ("\(address)\(length)", rest.isEmpty ? nil : rest.dropFirst())
    }

    private static func ports(_ text: Substring) -> ClosedRange<Int>? {
        let bounds = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(port)
        guard let first = bounds.first ?? nil, let last = bounds.last ?? nil, first <= last else { return nil }
        return first...last
    }

    private static func port(_ text: Substring) -> Int? {
        guard let port = Int(text), (1...65_535).contains(port), String(port) == text else { return nil }
        return port
    }

    private static func endsInZeros(_ range: IPRange) -> Bool {
        range.address.bytes.indices.allSatisfy { index in
            let fixed = max(0, min(8, range.prefixLength - index * 8))
            return fixed == 8 || range.address.bytes[index] << UInt8(fixed) == 0
        }
    }
}
