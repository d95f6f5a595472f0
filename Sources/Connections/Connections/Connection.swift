package import LosslessJSON

/// An integration, its configuration and its credential, with a status.
package struct Connection: Sendable {
    package let id: ConnectionID
    package let workspaceID: WorkspaceID
    package let credentialID: CredentialID
    package let integration: String
    package let integrationType: IntegrationType
    package let authMethodID: String
    package let userID: String?
    /// A JSON string.
    package var label: JSONText?
    /// A JSON object; what the catalog marks secure shows as the mask.
    package var config: JSONText
    package var status: ConnectionStatus
    package var externalID: String?
    /// A JSON array of strings.
    package var tags: JSONText
    /// A JSON object.
    package var metadata: JSONText
    /// The destination changed since the secret was entered, so the secret does not open until it is entered again.
    package var needsRebind: Bool
    package let createdBy: String
    package let createdAt: Timestamp
    package var updatedAt: Timestamp
    package var revision: Int64
    /// Why the status is what it is: a word in snake case; `nil` until something was found out or said.
    package var statusReason: String?
    package var statusSince: Timestamp
    /// When somebody last looked at the other side. It moves without a new revision.
    package var lastCheckedAt: Timestamp?
    /// In seconds, how often it is looked at again; 0 for never, `nil` for as often as its integration says.
    package var checkInterval: Int?
    /// How many entries of the journal are about it, so that whoever gets them can put them in order.
    package private(set) var eventSequence: Int64

    package init(
        id: ConnectionID, workspaceID: WorkspaceID, credentialID: CredentialID, integration: String,
        integrationType: IntegrationType, authMethodID: String, userID: String?, label: JSONText?, config: JSONText,
        status: ConnectionStatus = .active, externalID: String?, tags: JSONText, metadata: JSONText,
        needsRebind: Bool = false, createdBy: String, createdAt: Timestamp, updatedAt: Timestamp, revision: Int64 = 1,
        statusReason: String? = nil, statusSince: Timestamp? = nil, lastCheckedAt: Timestamp? = nil,
        checkInterval: Int? = nil, eventSequence: Int64 = 0
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.credentialID = credentialID
        self.integration = integration
        self.integrationType = integrationType
        self.authMethodID = authMethodID
        self.userID = userID
        self.label = label
        self.config = config
        self.status = status
        self.externalID = externalID
        self.tags = tags
        self.metadata = metadata
        self.needsRebind = needsRebind
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.revision = revision
        self.statusReason = statusReason
        self.statusSince = statusSince ?? createdAt
        self.lastCheckedAt = lastCheckedAt
        self.checkInterval = checkInterval
        self.eventSequence = eventSequence
    }

    /// The next entry about it. The row is to be written in the same unit of work.
    package mutating func note(_ kind: JournalEntry.Kind, data: JSONText = .emptyObject) -> JournalEntry {
        eventSequence += 1
        return JournalEntry(
            kind, in: workspaceID, subject: id.description, sequence: eventSequence, data: data)
    }
}

/// What is kept beside a connection so that its secrets open only for it and towards its destination.
package struct ConnectionSecrets: Sendable {
    /// Where the credential may be sent, canonical and sorted.
    package var origins: [String]
    /// The credential's record key, wrapped for this connection and these origins.
    package var wrappedRecordKey: [UInt8]
    /// The secure config values; `nil` where there are none.
    package var config: SealedConfig?

    package init(origins: [String], wrappedRecordKey: [UInt8], config: SealedConfig? = nil) {
        self.origins = origins
        self.wrappedRecordKey = wrappedRecordKey
        self.config = config
    }
}

/// Config values by key, sealed for a connection and the destination that it had when they were entered.
package struct SealedConfig: Sendable {
    package let bytes: [UInt8]
    package let origins: [String]
    /// The connection's revision that wrote it.
    package let generation: Int64

    package init(bytes: [UInt8], origins: [String], generation: Int64) {
        self.bytes = bytes
        self.origins = origins
        self.generation = generation
    }
}
