package import LosslessJSON

/// What can be done with credentials. Their data goes in and is never shown.
package struct CredentialService: Sendable {
    private let store: any Store
    private let vault: any SecretVault
    private let catalog: any IntegrationCatalog
    private let ambient: Ambient
    private let departure: any ConnectionDeparture

    package init(
        store: any Store, vault: any SecretVault, catalog: any IntegrationCatalog, ambient: Ambient,
        departure: any ConnectionDeparture = NoDeparture()
    ) {
        self.departure = departure
        self.store = store
        self.vault = vault
        self.catalog = catalog
        self.ambient = ambient
    }

    package func find(_ id: CredentialID, in workspace: WorkspaceID) async throws -> Credential {
        guard let credential = try await store.credential(id, in: workspace) else {
            throw DomainError.notFound(.credential)
        }
        return credential
    }

    package func list(_ query: CredentialQuery) async throws -> Page<Credential, CredentialID> {
        try await store.credentials(query)
    }

    // MARK: Creating

    package struct Draft: Sendable {
        package let label: String
        package let description: String?
        package let authType: AuthType
        package let credentialType: CredentialType
        package let scope: String
        package let provider: String?
        package let userID: String?
        package let expiresAt: Timestamp?
        package let data: JSONObject

        package init(
            label: String, description: String?, authType: AuthType, credentialType: CredentialType, scope: String,
            provider: String?, userID: String?, expiresAt: Timestamp?, data: JSONObject
        ) {
            self.label = label
            self.description = description
            self.authType = authType
            self.credentialType = credentialType
            self.scope = scope
            self.provider = provider
            self.userID = userID
            self.expiresAt = expiresAt
            self.data = data
        }
    }

    package func create(_ draft: Draft, in workspace: WorkspaceID, cause: Cause) async throws -> Credential {
        if let masked = draft.data.members.first(where: { $0.value.isMask }) { throw Self.nothingStored(masked.name) }
        let credential = Credential(
            id: ambient.id(), workspaceID: workspace, label: draft.label, description: draft.description,
            authType: draft.authType, credentialType: draft.credentialType, scope: draft.scope,
            provider: draft.provider, userID: draft.userID ?? cause.principal.userID, expiresAt: draft.expiresAt,
            isInline: false, createdBy: cause.principal.actor, createdAt: cause.at, updatedAt: cause.at)
        try await store.write { tx in
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
            let sealed = try keeper.seal(
                draft.data, of: credential.id, recordKey: keeper.makeRecordKey(), generation: 1)
            try tx.insert(credential, sealed: sealed)
            try tx.append(
                JournalEntry(.credentialCreated, in: workspace, subject: credential.id.description),
                id: ambient.id(), cause: cause)
        }
        return credential
    }

    // MARK: Updating

    package struct Change: Sendable {
        package var label: Patch<String>
        package var description: Patch<String>
        package var status: Patch<Availability>
        package var expiresAt: Patch<Timestamp>
        /// Merged by key: the mask keeps, null removes.
        package var data: Patch<JSONObject>

        package init(
            label: Patch<String>, description: Patch<String>, status: Patch<Availability>,
            expiresAt: Patch<Timestamp>, data: Patch<JSONObject>
        ) {
            self.label = label
            self.description = description
            self.status = status
            self.expiresAt = expiresAt
            self.data = data
        }

        var writtenFields: [String] {
            var fields: [String] = []
            if label.value != nil { fields.append("label") }
            if description.isPresent { fields.append("description") }
            if status.value != nil { fields.append("status") }
            if expiresAt.isPresent { fields.append("expires_at") }
            if data.value != nil { fields.append("data") }
            return fields
        }
    }

    package func update(
        _ id: CredentialID, in workspace: WorkspaceID, to change: Change, if precondition: Precondition, cause: Cause
    ) async throws -> Credential {
        try await store.write { tx in
            guard var row = try tx.credential(id, in: workspace) else { throw DomainError.notFound(.credential) }
            try precondition.check(row.revision)
            let fields = change.writtenFields
            guard !fields.isEmpty else { return row }
            row.label = change.label.keeping(row.label)
            row.description = change.description.clearing(row.description)
            row.status = change.status.keeping(row.status)
            row.expiresAt = change.expiresAt.clearing(row.expiresAt)
            row.updatedAt = max(cause.at, row.updatedAt)
            row.revision += 1
            let sealed = try change.data.value.map { try reseal($0, into: row, cause: cause, tx: tx) }
            try tx.update(row, sealed: sealed?.credential)
            if let sealed, change.data.value.map(Tokens.areEntered) ?? false {
                try acceptEnteredTokens(sealed.data, of: row, at: cause.at, tx: tx)
            }
            if sealed != nil { try tx.hastenChecks(ofUsersOf: id, in: workspace, at: cause.at) }
            try tx.append(
                JournalEntry(.credentialUpdated, in: workspace, subject: id.description, data: .fields(fields)),
                id: ambient.id(), cause: cause)
            return row
        }
    }

    /// Merges new data into the stored, checks it for every connection that uses it, and seals it. When every value was
    /// entered anew, the secret is bound again to where each of the connections points now.
    private func reseal(
        _ changes: JSONObject, into row: Credential, cause: Cause, tx: any StoreTransaction
    ) throws -> (credential: SealedCredential, data: JSONObject) {
        guard let stored = try tx.sealed(row.id, in: row.workspaceID) else {
            throw StoreError.failed("a credential has no sealed data")
        }
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: row.workspaceID)
        let recordKey = try keeper.recordKey(of: stored, row.id)
        var data = try keeper.open(stored, of: row.id, recordKey: recordKey)
        // By UTF-8: a key that is composed differently is another key.
        var kept = Set(data.members.map { Array($0.name.utf8) })
        for member in changes.members {
            if member.value.isMask {
                guard data[member.name] != nil else { throw Self.nothingStored(member.name) }
            } else {
                data[member.name] = member.value == .null ? nil : member.value
                kept.remove(Array(member.name.utf8))
            }
        }
        let users = try tx.connections(using: row.id, in: row.workspaceID, limit: .max)
        try check(data, against: users)
        guard kept.isEmpty else {
            let sealed = try keeper.seal(data, of: row.id, recordKey: recordKey, generation: stored.generation + 1)
            return (sealed, data)
        }
        let newKey = keeper.makeRecordKey()
        for connection in users {
            try keeper.rebind(connection, to: newKey, catalog: catalog, ambient: ambient, cause: cause)
        }
        return (try keeper.seal(data, of: row.id, recordKey: newKey, generation: stored.generation + 1), data)
    }

    /// Tokens that were entered begin a life of their own: what was in doubt or dead before concerns others.
    private func acceptEnteredTokens(
        _ data: JSONObject, of row: Credential, at now: Timestamp, tx: any StoreTransaction
    ) throws {
        guard var grant = try tx.grant(of: row.id, in: row.workspaceID),
            let connection = try tx.connections(using: row.id, in: row.workspaceID, limit: 1).first,
            let method = catalog.integration(of: connection)?.authMethod(connection.authMethodID)?.oauth
        else { return }
        grant.enter(data, method: method, at: now, jitter: ambient.jitter())
        try tx.put(grant)
    }

    private func check(_ data: JSONObject, against users: [Connection]) throws {
        var seen = Set<[String]>()
        var problems: [String] = []
        for connection in users where seen.insert([connection.integration, connection.authMethodID]).inserted {
            guard let integration = catalog.integration(of: connection),
                let method = integration.authMethod(connection.authMethodID)
            else { continue }
            problems += catalog.problems(credentials: data, method: method).map(\.message)
        }
        guard problems.isEmpty else { throw DomainError.validationFailed(problems) }
    }

    // MARK: Deleting

    package func delete(
        _ id: CredentialID, in workspace: WorkspaceID, if precondition: Precondition, cause: Cause
    ) async throws {
        try await store.write { tx in
            guard let row = try tx.credential(id, in: workspace) else { throw DomainError.notFound(.credential) }
            try precondition.check(row.revision)
            let users = try tx.connections(using: id, in: workspace, limit: 100)
            guard users.isEmpty else {
                let count = try tx.countConnections(using: id, in: workspace)
                throw DomainError.conflict(
                    message: "Credential is used by \(count) connection\(count == 1 ? "" : "s")",
                    related: .connections(users.map(\.id)))
            }
            try departure.willDelete(row, cause: cause, tx: tx)
            try tx.delete(credential: id, in: workspace)
            try tx.append(
                JournalEntry(.credentialDeleted, in: workspace, subject: id.description), id: ambient.id(),
                cause: cause)
        }
    }

    private static func nothingStored(_ key: String) -> DomainError {
        .invalidField(location: ["body", "data", key], message: "The mask keeps a stored value, and none is stored")
    }
}

extension JSONText {
    var isMask: Bool { slice.string == Secret.mask }

    /// Journal data that names what was written.
    package static func fields(_ names: [String]) -> JSONText {
        var data = JSONWriter(capacity: 64)
        data.object { data in
            data.key("fields")
            data.strings(names)
        }
        return data.text
    }
}
