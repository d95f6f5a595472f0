/// What is read of ends outside a unit of work.
package protocol ExpirationStore: Sendable {
    /// In the order of their places, without connections but for those of certificates.
    func expirations(_ query: ExpirationQuery) async throws -> [Expiration]
    /// The connections of what `expirations` gave, by subject, newest first.
    func connections(of expirations: [Expiration], in workspace: WorkspaceID) async throws -> [String: [ConnectionID]]
    /// Whether anything of a workspace ends soon that nobody was told of; with `nil`, anything of the instance's own.
    func hasUnannounced(in workspace: WorkspaceID?, at now: Timestamp) async throws -> Bool
}

package protocol ExpirationTransaction {
    /// What ends soon, does not renew itself, and was not told of at the threshold that has passed.
    func unannounced(in workspace: WorkspaceID?, at now: Timestamp, limit: Int) throws -> [Expiration]
    func insert(_ notice: ExpiryNotice) throws
    /// Notices of ends that have passed, some at a time. Returns how many went.
    func deleteNotices(endedBefore: Timestamp, limit: Int) throws -> Int
}

package struct ExpirationQuery: Sendable {
    package let workspace: WorkspaceID
    /// Whether what belongs to no workspace is in it, too.
    package var includesInstance = false
    package var kinds: [Expiration.Kind] = Expiration.Kind.allCases
    package let from: Timestamp
    package let through: Timestamp
    package var after: Expiration.Place?
    package var limit: Int

    package init(workspace: WorkspaceID, from: Timestamp, through: Timestamp, limit: Int) {
        self.workspace = workspace
        self.from = from
        self.through = through
        self.limit = limit
    }
}

/// That somebody was told of an end.
package struct ExpiryNotice: Sendable {
    /// `nil` for what belongs to no workspace.
    package let workspaceID: WorkspaceID?
    package let kind: Expiration.Kind
    package let subject: String
    package let expiresAt: Timestamp
    package let days: Int

    /// In seconds: an end that moved by less is the same one, since providers tell it as a span of seconds from now.
    package static let slack: Int64 = 3_600

    package init(_ expiration: Expiration, in workspaceID: WorkspaceID?, days: Int) {
        self.workspaceID = workspaceID
        kind = expiration.kind
        subject = expiration.subject
        expiresAt = expiration.expiresAt
        self.days = days
    }
}
