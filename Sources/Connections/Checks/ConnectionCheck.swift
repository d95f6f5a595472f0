/// What tests left of a connection, beside the row that everybody reads.
package struct ConnectionCheck: Sendable {
    package let workspaceID: WorkspaceID
    package let connectionID: ConnectionID
    /// The host that it goes to, by which the sweep is bounded; a fingerprint where only the credential tells, as a connection
    /// string does, and empty where it goes to none, or the sweep has not met it yet.
    package var origin: String
    /// When the sweep looks again; `nil` for never.
    package var dueAt: Timestamp?
    /// Looks in a row that did not find the other side well.
    package var failures: Int
    package var verdict: Verdict?
    package var account: Grant.Account?
    package var certificateExpiresAt: Timestamp?
    /// Of a test that is under way, or was when the process ended.
    package var running: RunningTest?

    /// What the connection goes back to unless the test finds otherwise.
    package struct RunningTest: Sendable, Equatable {
        package let startedAt: Timestamp
        package let status: ConnectionStatus
        package let reason: String?
        package let since: Timestamp

        package init(startedAt: Timestamp, status: ConnectionStatus, reason: String?, since: Timestamp) {
            self.startedAt = startedAt
            self.status = status
            self.reason = reason
            self.since = since
        }
    }

    package init(
        workspaceID: WorkspaceID, connectionID: ConnectionID, origin: String, dueAt: Timestamp? = nil,
        failures: Int = 0, verdict: Verdict? = nil, account: Grant.Account? = nil,
        certificateExpiresAt: Timestamp? = nil, running: RunningTest? = nil
    ) {
        self.workspaceID = workspaceID
        self.connectionID = connectionID
        self.origin = origin
        self.dueAt = dueAt
        self.failures = failures
        self.verdict = verdict
        self.account = account
        self.certificateExpiresAt = certificateExpiresAt
        self.running = running
    }
}

package struct ConnectionKey: Sendable, Hashable {
    package let workspaceID: WorkspaceID
    package let connectionID: ConnectionID

    package init(workspaceID: WorkspaceID, connectionID: ConnectionID) {
        self.workspaceID = workspaceID
        self.connectionID = connectionID
    }
}

/// A connection whose turn it is, as the sweep groups them.
package struct DueCheck: Sendable {
    package let key: ConnectionKey
    package let origin: String
    package let dueAt: Timestamp

    package init(key: ConnectionKey, origin: String, dueAt: Timestamp) {
        self.key = key
        self.origin = origin
        self.dueAt = dueAt
    }

    package var host: CheckedHost { CheckedHost(workspaceID: key.workspaceID, origin: origin) }
}

/// Checks of one host that are due at another time from now on, all of them in one statement.
package struct CheckMove: Sendable {
    package let host: CheckedHost
    /// Of those that are due later than this, where it is given.
    package let dueAfter: Timestamp?
    package let dueThrough: Timestamp
    package let time: Timestamp
    /// In seconds: how long after `time` the last of them is due, the others evenly before it.
    package let spread: Int64
    /// So many, those that are due first.
    package let limit: Int

    package init(
        of host: CheckedHost, dueAfter: Timestamp? = nil, dueThrough: Timestamp, to time: Timestamp, spread: Int64,
        limit: Int
    ) {
        self.host = host
        self.dueAfter = dueAfter
        self.dueThrough = dueThrough
        self.time = time
        self.spread = spread
        self.limit = limit
    }
}
