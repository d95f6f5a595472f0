/// A host as the connections of one workspace know it: what one tenant's connections meet is no matter of another's.
package struct CheckedHost: Sendable, Hashable {
    package let workspaceID: WorkspaceID
    /// As `ConnectionCheck` keeps it; empty for connections that go to no host that is known.
    package let origin: String

    private static let mark = "#"

    /// Stands for an origin that only the credential tells: equal where that is equal.
    package static func hiddenOrigin(fingerprint: String) -> String { mark + fingerprint }

    package static func isHidden(_ origin: String) -> Bool { origin.hasPrefix(mark) }

    package init(workspaceID: WorkspaceID, origin: String) {
        self.workspaceID = workspaceID
        self.origin = origin
    }

    package var isKnown: Bool { !origin.isEmpty }
}

/// A host where nothing answers. It is asked for one connection at a time, more and more seldom.
package struct UnreachableHost: Sendable, Equatable {
    package let host: CheckedHost
    package let since: Timestamp
    /// How often it was asked since then, in vain.
    package private(set) var trials: Int
    package private(set) var retryAt: Timestamp

    /// In seconds.
    package static let firstPause: Int64 = 30
    package static let longestPause: Int64 = 3_600

    package init(host: CheckedHost, since: Timestamp, trials: Int, retryAt: Timestamp) {
        self.host = host
        self.since = since
        self.trials = trials
        self.retryAt = retryAt
    }

    /// - Parameter jitter: from 0 to 1.
    package init(_ host: CheckedHost, at now: Timestamp, jitter: Double) {
        self.init(host: host, since: now, trials: 0, retryAt: now)
        retryAt = now.advanced(bySeconds: pause(jitter))
    }

    /// It was asked, and did not answer.
    package mutating func noteTrial(at now: Timestamp, jitter: Double) {
        trials += 1
        retryAt = now.advanced(bySeconds: pause(jitter))
    }

    /// Nothing was found out: the same again.
    package mutating func retry(at now: Timestamp, jitter: Double) {
        retryAt = now.advanced(bySeconds: Int64(Double(Self.firstPause) * (0.75 + 0.5 * jitter)))
    }

    /// Doubles with each trial, and is spread, so that hosts which went down together are not asked together.
    private func pause(_ jitter: Double) -> Int64 {
        let seconds = min(Self.longestPause, Self.firstPause << min(trials, 10))
        return Int64(Double(seconds) * (0.75 + 0.5 * jitter))
    }
}
