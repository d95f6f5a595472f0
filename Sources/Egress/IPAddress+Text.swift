import Connections

extension IPAddress {
    var isIPv4: Bool { bytes.count == 4 }

    /// 0.0.0.0 or ::, which a system takes for itself.
    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

    /// As the platform's parser reads it.
    var text: String {
        if isIPv4 { return bytes.map { String($0) }.joined(separator: ".") }
        return stride(from: 0, to: bytes.count, by: 2)
            .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":")
    }

    /// The IPv4 address that a translator on the way would unpack: IPv4-compatible, NAT64's well-known prefix, 6to4.
    var embeddedIPv4: IPAddress? {
        guard !isIPv4 else { return nil }
        if bytes[..<12].allSatisfy({ $0 == 0 }) || bytes[..<12] == [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] {
            return Self.ipv4(bytes[12...])
        }
        return bytes[..<2] == [0x20, 0x02] ? Self.ipv4(bytes[2..<6]) : nil
    }

    private static func ipv4(_ bytes: ArraySlice<UInt8>) -> IPAddress? {
        IPAddress(bytes.map { String($0) }.joined(separator: "."))
    }
}
