package import Connections
import NIOCore

extension Egress {
    /// Where a host may be reached that speaks something else than HTTP, for a client that is told the address. Never empty.
    /// `host` is a name or an address.
    package func addresses(
        of host: String, port: Int, purpose: EgressPurpose, timeout: Duration
    ) async throws(EgressError) -> [IPAddress] {
        let isIPv6 = host.contains(":") && !host.hasPrefix("[")
        guard let target = Target("https://\(isIPv6 ? "[\(host)]" : host):\(port)"), target.path == "/" else {
            throw .invalidURL
        }
        let deadline = NIODeadline.now() + TimeAmount(min(timeout, Self.maxTimeout))
        do throws(ExchangeFailure) {
            return try await permittedAddresses(of: target, at: destinations[target], until: deadline) { address in
                policy.permits(address, port: port, purpose: purpose)
            }
        } catch {
            throw error.error
        }
    }
}
