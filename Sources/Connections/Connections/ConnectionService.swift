package import LosslessJSON

/// What can be done with connections. Each operation is one unit of work.
package struct ConnectionService: Sendable {
    let store: any Store
    let vault: any SecretVault
    let catalog: any IntegrationCatalog
    let ambient: Ambient
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

    // MARK: Reading

    package func find(_ id: ConnectionID, in workspace: WorkspaceID) async throws -> Connection {
        guard let connection = try await store.connection(id, in: workspace) else {
            throw DomainError.notFound(.connection)
        }
        return connection
    }

    package func list(_ query: ConnectionQuery) async throws -> Page<Connection, ConnectionID> {
        try await store.connections(query)
    }

    package func counts(in workspace: WorkspaceID, userID: String?) async throws -> [ConnectionCount] {
        try await store.connectionCounts(in: workspace, userID: userID)
    }

    // MARK: Updating

    /// The contract's PUT.
    package func update(
        _ id: ConnectionID, in workspace: WorkspaceID, to change: ConnectionChange, if precondition: Precondition,
        cause: Cause
    ) async throws -> Connection {
        do {
            return try await store.write { tx in
                guard let row = try tx.connection(id, in: workspace) else { throw DomainError.notFound(.connection) }
                try precondition.check(row.revision)
                return try update(row, to: change, cause: cause, tx: tx)
            }
        } catch StoreError.duplicate(.externalID) {
            throw try await externalIDTaken(change.externalID.value, integrationOf: id, in: workspace)
        }
    }

    /// The same within a unit of work that does more.
    package func update(
        _ row: Connection, to change: ConnectionChange, cause: Cause, tx: any StoreTransaction
    ) throws -> Connection {
        guard change.isEffective else { return row }
        let config = try change.config.value.map { try storeConfig($0, of: row, tx: tx) }
        let (changed, entries) = row.decide(change, config: config, at: cause.at)
        try tx.update(changed, from: row, searchText: change.touchesSearch ? changed.searchText : nil)
        for entry in entries { try tx.append(entry, id: ambient.id(), cause: cause) }
        try tx.reschedule(changed, from: row, catalog: catalog, ambient: ambient, at: cause.at)
        return changed
    }

    /// Whether a config that was sent again says nothing new, its secret values included.
    package func hasConfig(
        _ config: JSONObject, _ row: Connection, integration: Integration, tx: any StoreTransaction
    ) throws -> Bool {
        let split = ConfigSplit(config, integration: integration)
        guard split.masked.hasSameMembers(as: JSONObject(row.config.slice)) else { return false }
        guard !split.entered.members.isEmpty else { return true }
        guard let sealed = try tx.secrets(of: row.id, in: row.workspaceID)?.config else { return false }
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: row.workspaceID)
        let stored = try keeper.open(sealed, of: row.id, towards: sealed.origins)
        return split.entered.members.allSatisfy { stored[$0.name] == $0.value }
    }

    /// Checks a new config, seals its secrets, and tells whether the credential is still bound to its destination.
    private func storeConfig(
        _ slice: JSONSlice, of row: Connection, tx: any StoreTransaction
    ) throws -> StoredConfig {
        guard let integration = catalog.integration(of: row) else {
            return StoredConfig(masked: slice.canonical, needsRebind: row.needsRebind)
        }
        let config = JSONObject(slice)
        var problems = catalog.problems(config: config, of: integration)
        let split = ConfigSplit(config, integration: integration)
        let hadSecrets = row.hasSecretConfig(integration)
        guard split.hasSecrets || hadSecrets || integration.originsDependOnConfig else {
            guard problems.isEmpty else { throw DomainError.invalidConfig(problems) }
            return StoredConfig(masked: config.text, needsRebind: row.needsRebind)
        }

        guard var secrets = try tx.secrets(of: row.id, in: row.workspaceID) else {
            throw StoreError.failed("a connection has no secrets row")
        }
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: row.workspaceID)
        let origins = integration.origins(config: config, method: row.authMethodID) ?? []
        let (kept, refused) = try keptSecrets(
            split, of: row, integration: integration, secrets: secrets, origins: origins, keeper: keeper)
        problems += refused
        guard problems.isEmpty else { throw DomainError.invalidConfig(problems) }

        var values = split.entered
        for member in kept.members { values[member.name] = member.value }
        secrets.config =
            values.members.isEmpty
            ? nil : try keeper.seal(config: values, of: row.id, origins: origins, generation: row.revision + 1)
        if origins != secrets.origins, integration.authMethod(row.authMethodID)?.takesCredentials == false,
            let sealed = try tx.sealed(row.credentialID, in: row.workspaceID)
        {
            // The credential is empty by its nature, so there is nothing that would have to be entered again.
            let recordKey = try keeper.recordKey(of: sealed, row.credentialID)
            secrets.wrappedRecordKey = try keeper.bind(recordKey, of: row.credentialID, to: row.id, origins: origins)
            secrets.origins = origins
        }
        try tx.update(secrets: secrets, of: row.id, in: row.workspaceID)
        return StoredConfig(masked: split.masked.text, needsRebind: origins != secrets.origins)
    }

    /// The stored values of the keys whose mask was sent, and what stands against keeping the others. Nothing is opened
    /// unless something is kept: a row that does not open is mended by entering every secret anew.
    private func keptSecrets(
        _ split: ConfigSplit, of row: Connection, integration: Integration, secrets: ConnectionSecrets,
        origins: [String], keeper: SecretKeeper
    ) throws -> (kept: JSONObject, refused: [FieldProblem]) {
        var kept = JSONObject()
        var refused: [FieldProblem] = []
        guard !split.kept.isEmpty else { return (kept, refused) }
        let sealed = secrets.config
        let stored = try sealed.map { try keeper.open($0, of: row.id, towards: $0.origins) }
        for key in split.kept {
            guard let value = stored?[key] else {
                refused.append(.nothingStored(key, in: integration))
                continue
            }
            kept[key] = value
            if sealed?.origins != origins { refused.append(.destinationChanged(key, in: integration)) }
        }
        return (kept, refused)
    }

    // MARK: Deleting

    package func delete(
        _ id: ConnectionID, in workspace: WorkspaceID, if precondition: Precondition, cause: Cause
    ) async throws {
        try await store.write { tx in
            guard let row = try tx.connection(id, in: workspace) else { throw DomainError.notFound(.connection) }
            try precondition.check(row.revision)
            let credential = try tx.credential(row.credentialID, in: workspace)
            let isLastUser =
                try credential.map { try $0.isInline && tx.countConnections(using: $0.id, in: workspace) == 1 } ?? false
            if isLastUser { try departure.willDelete(row, cause: cause, tx: tx) }
            try tx.delete(row)
            var deleted = row
            try tx.append(deleted.note(.connectionDeleted), id: ambient.id(), cause: cause)
            guard isLastUser, let credential else { return }
            try tx.delete(credential: credential.id, in: workspace)
            try tx.append(
                JournalEntry(.credentialDeleted, in: workspace, subject: credential.id.description),
                id: ambient.id(), cause: cause)
        }
    }

    // MARK: Conflicts

    func externalIDTaken(
        _ externalID: String?, integrationOf id: ConnectionID, in workspace: WorkspaceID
    ) async throws -> DomainError {
        let integration = try await find(id, in: workspace).integration
        return try await externalIDTaken(externalID, integration: integration, in: workspace)
    }

    func externalIDTaken(
        _ externalID: String?, integration: String, in workspace: WorkspaceID
    ) async throws -> DomainError {
        let holder = try await store.connectionID(
            externalID: externalID ?? "", integration: integration, in: workspace)
        return .conflict(
            message: "Another connection to '\(integration)' has this external_id",
            related: holder.map { .connection($0) })
    }
}

extension Connection {
    /// What `search` looks through.
    var searchText: String { searchFolded(label?.slice.string, integration, externalID, userID) }

    /// Whether secure config values are stored: their masks stand in the config.
    fileprivate func hasSecretConfig(_ integration: Integration) -> Bool {
        guard !integration.secureConfigKeys.isEmpty, config != .emptyObject else { return false }
        let stored = JSONObject(config.slice)
        return integration.secureConfigKeys.contains { stored[$0] != nil }
    }
}

extension ConnectionChange {
    fileprivate var touchesSearch: Bool { label.isPresent || externalID.isPresent }
}

extension JSONObject {
    /// In any order.
    package func hasSameMembers(as other: JSONObject) -> Bool {
        members.count == other.members.count && members.allSatisfy { other[$0.name] == $0.value }
    }
}
