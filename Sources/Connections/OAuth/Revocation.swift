/// Tokens whose connection is gone and that the provider is still to be told of. It outlives the connection, its credential and
/// its app, so everything that the request needs is sealed in it.
package struct Revocation: Sendable {
    package let id: RevocationID
    package let workspaceID: WorkspaceID
    package let connectionID: ConnectionID
    package let integration: String
    package let sealed: [UInt8]
    package var attempts: Int
    package var lastFailure: String?
    /// `nil` once it was given up, and stays to be seen.
    package var dueAt: Timestamp?
    package let createdAt: Timestamp

    package init(
        id: RevocationID, workspaceID: WorkspaceID, connectionID: ConnectionID, integration: String, sealed: [UInt8],
        attempts: Int = 0, lastFailure: String? = nil, dueAt: Timestamp?, createdAt: Timestamp
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.connectionID = connectionID
        self.integration = integration
        self.sealed = sealed
        self.attempts = attempts
        self.lastFailure = lastFailure
        self.dueAt = dueAt
        self.createdAt = createdAt
    }
}
