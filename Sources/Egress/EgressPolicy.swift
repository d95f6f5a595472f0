package import Connections
import NIOCore

/// Which addresses may be reached: public unicast, and what the operator opened.
package struct EgressPolicy: Sendable {
    private let allowances: [EgressAllowance]
    private let forbidden: [(range: IPRange, port: Int?)]

    /// `forbidden` is what no allowance opens: our own listener and database; without a port, all of them. The unspecified
    /// address stands for every address of this machine. What clouds answer metadata and credentials at is forbidden anyway.
    package init(allowances: [EgressAllowance], forbidden: [(IPAddress, port: Int?)]) {
        self.allowances = allowances
        self.forbidden =
            Self.metadata.map { ($0, nil) }
            + forbidden.flatMap { address, port in
                (address.isUnspecified ? Self.thisMachine() : Self.ranges([address.text])).map { ($0, port) }
            }
    }

    package func permits(_ address: IPAddress, port: Int, purpose: EgressPurpose) -> Bool {
        guard !isForbidden(address, port: port) else { return false }
        if let embedded = address.embeddedIPv4, isForbidden(embedded, port: port) { return false }
        return SpecialPurposeAddresses.isPublicUnicast(address) || isOpened(address, port: port, purpose: purpose)
    }

    /// Whether nothing but https may go there: plain http is for what the operator opened.
    package func requiresTLS(_ address: IPAddress, port: Int, purpose: EgressPurpose) -> Bool {
        !isOpened(address, port: port, purpose: purpose)
    }

    private func isOpened(_ address: IPAddress, port: Int, purpose: EgressPurpose) -> Bool {
        allowances.contains { $0.covers(address, port: port, purpose: purpose) }
    }

    private func isForbidden(_ address: IPAddress, port: Int) -> Bool {
        // A system connects the unspecified address to itself, past all that is said of its other addresses.
        address.isUnspecified
            || forbidden.contains { ($0.port == nil || $0.port == port) && $0.range.contains(address) }
    }

    private static let metadata = ranges([
        "169.254.169.254",  // Amazon, Google, Azure, DigitalOcean, Hetzner, OpenStack and others
        "169.254.170.2", "169.254.170.23",  // Amazon: credentials of containers
        "169.254.0.23",  // Tencent
        "169.254.42.42",  // Scaleway
        "100.100.100.200",  // Alibaba
        "168.63.129.16",  // Azure, in the midst of public space
        "192.0.0.192",  // Oracle
        "fd00:ec2::254", "fd00:ec2::23",  // Amazon
        "fd20:ce::254",  // Google
        "fd00:42::42",  // Scaleway
        "fe80::a9fe:a9fe",  // OpenStack
    ])

    private static func thisMachine() -> [IPRange] {
        let interfaces = (try? System.enumerateDevices()) ?? []
        return ranges(["127.0.0.0/8", "::1"] + interfaces.compactMap { $0.address?.ipAddress })
    }

    private static func ranges(_ texts: [String]) -> [IPRange] {
        texts.compactMap { IPRange($0) }
    }
}
