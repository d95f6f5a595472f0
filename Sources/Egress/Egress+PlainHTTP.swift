import NIOCore

extension Egress {
    /// Whether requests to this URL may go without TLS: plain http is for hosts that the operator opened. An https URL is
    /// looked at no further.
    package func takesPlainHTTP(_ url: String, purpose: EgressPurpose, timeout: Duration = .seconds(5)) async -> Bool {
        guard let target = Target(url) else { return false }
        if target.isTLS { return true }
        let deadline = NIODeadline.now() + TimeAmount(min(timeout, Self.maxTimeout))
        let addresses = try? await permittedAddresses(of: target, at: destinations[target], until: deadline) {
            isPermitted($0, of: target, purpose: purpose)
        }
        return addresses != nil
    }
}
