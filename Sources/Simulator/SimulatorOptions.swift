#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How a simulated provider is set up. The defaults give an honest provider that keeps nobody waiting.
package struct SimulatorOptions: Sendable {
    /// Loopback by default: the control plane under `/_simulate` is open to whoever reaches it.
    package var host = "127.0.0.1"
    /// 0 takes a free one, which `onRunning` tells.
    package var port = 0
    /// The same seed and the same requests in the same order give the same tokens.
    package var seed: UInt64 = 1
    /// In force where neither a request's path nor its client_id names others; later ones win over earlier ones.
    package var modes: [SimulatorMode] = [.honest]
    package var clients: [SimulatorClient] = [.confidential, .public]
    /// The issuer's origin, without a trailing slash. `nil` takes `http://` and the host that the request named.
    package var issuer: String?
    /// Asks by a page with two links instead of consenting at once.
    package var consentPage = false
    package var accessTokenSeconds = 3_600
    /// What `Retry-After` says. Less than the grace of `rotate_grace`, so that whoever heeds it does not miss that.
    package var retryAfterSeconds = 5
    /// How long the token endpoint takes in the mode `slow_60`.
    package var slowSeconds: Double = 60
    /// The pause between two pieces in the modes `slow_drip` and `endless`.
    package var dripSeconds = 0.5
    /// How far ahead the provider's clock is in the mode `clock_skew`; negative is behind.
    package var skewSeconds = 7_200
    /// Milliseconds since 1970.
    package var now: @Sendable () -> Int64 = systemMilliseconds

    package init() {}
}

/// A client that the provider knows.
package struct SimulatorClient: Sendable {
    package let id: String
    /// Any of them is right, so that a secret can be rotated. Empty for a public client, which has none to show.
    package let secrets: [String]

    package init(id: String, secrets: [String]) {
        self.id = id
        self.secrets = secrets
    }

    package static let confidential = SimulatorClient(id: "simulator", secrets: ["simulator-secret"])
    package static let `public` = SimulatorClient(id: "simulator-public", secrets: [])
}

@Sendable private func systemMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
}
