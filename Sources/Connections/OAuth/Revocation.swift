/// Tokens that nobody holds any more and that the provider is still to be told of. It outlives what held them, and the app, so
/// everything that the request needs is sealed in it.
package struct Revocation: Sendable {
    package let id: RevocationID
    package let workspaceID: WorkspaceID
    /// The id of what held them: a connection, a credential that was deleted by itself, or a flow that made no connection.
    package let subject: String
    package let integration: String
    package let sealed: [UInt8]
    package var attempts: Int
    package var lastFailure: String?
    /// `nil` once it was given up, and stays to be seen.
    package var dueAt: Timestamp?
    package let createdAt: Timestamp

    package init(
        id: RevocationID, workspaceID: WorkspaceID, subject: String, integration: String, sealed: [UInt8],
        attempts: Int = 0, lastFailure: String? = nil, dueAt: Timestamp?, createdAt: Timestamp
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.subject = subject
        self.integration = integration
        self.sealed = sealed
        self.attempts = attempts
        self.lastFailure = lastFailure
        self.dueAt = dueAt
        self.createdAt = createdAt
    }

    package var connectionID: ConnectionID? { ConnectionID(subject) }
}
