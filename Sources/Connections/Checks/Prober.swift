package import LosslessJSON

/// Looks at the other side of a connection. It never throws: what cannot be found out is `inconclusive`.
package protocol Prober: Sendable {
    func probe(_ target: ProbeTarget) async -> ProbeReport
    /// Where it would go, where only the credential tells, as a connection string does; nobody is asked. As secret as that.
    func hiddenOrigin(of target: ProbeTarget) -> String?
}

/// A connection as a probe needs it, opened. It holds secrets and lives as long as the probe.
package struct ProbeTarget: Sendable {
    package enum Depth: Sendable {
        /// Every layer by itself, with its time: for somebody who waits for the answer.
        case full
        /// No more requests than the verdict needs: for the many that are looked at on their own clock.
        case brief
    }

    package let integration: Integration
    package let method: AuthMethod
    /// With its secure values.
    package let config: JSONObject
    /// The credential's fields; for OAuth methods a live `access_token` among them.
    package let data: JSONObject
    package let depth: Depth

    package init(
        integration: Integration, method: AuthMethod, config: JSONObject, data: JSONObject, depth: Depth
    ) {
        self.integration = integration
        self.method = method
        self.config = config
        self.data = data
        self.depth = depth
    }
}
