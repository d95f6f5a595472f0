/// Sealed secret data, and what may be shown of it.
package struct Credential: Sendable {
    package let id: CredentialID
    package let workspaceID: WorkspaceID
    package var label: String
    package var description: String?
    package let authType: AuthType
    package let credentialType: CredentialType
    package let scope: String
    package let provider: String?
    package let userID: String?
    package var status: Availability
    package var expiresAt: Timestamp?
    package let lastUsedAt: Timestamp?
    /// Made from a connection's inline credentials: it goes when the last connection that uses it goes.
    package let isInline: Bool
    package let createdBy: String
    package let createdAt: Timestamp
    package var updatedAt: Timestamp
    package var revision: Int64

    package init(
        id: CredentialID, workspaceID: WorkspaceID, label: String, description: String?, authType: AuthType,
        credentialType: CredentialType, scope: String, provider: String?, userID: String?,
        status: Availability = .active, expiresAt: Timestamp?, lastUsedAt: Timestamp? = nil, isInline: Bool,
        createdBy: String, createdAt: Timestamp, updatedAt: Timestamp, revision: Int64 = 1
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.label = label
        self.description = description
        self.authType = authType
        self.credentialType = credentialType
        self.scope = scope
        self.provider = provider
        self.userID = userID
        self.status = status
        self.expiresAt = expiresAt
        self.lastUsedAt = lastUsedAt
        self.isInline = isInline
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.revision = revision
    }
}

/// The sealed side of a credential. It stands in no type that a response is made from.
package struct SealedCredential: Sendable {
    /// A JSON object, sealed under the record key.
    package let data: [UInt8]
    /// The record key, wrapped under the workspace's data key for keeping; attaching unwraps it.
    package let wrappedRecordKey: [UInt8]
    /// Counts the times that the data was sealed.
    package let generation: Int64

    package init(data: [UInt8], wrappedRecordKey: [UInt8], generation: Int64) {
        self.data = data
        self.wrappedRecordKey = wrappedRecordKey
        self.generation = generation
    }
}
