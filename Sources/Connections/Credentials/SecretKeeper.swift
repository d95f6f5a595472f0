package import LosslessJSON

/// Seals and opens the secrets of one unit of work: it knows which key and which place go with which row.
package struct SecretKeeper {
    private let vault: any SecretVault
    let tx: any StoreTransaction
    private let workspace: WorkspaceID

    package init(vault: any SecretVault, tx: any StoreTransaction, workspace: WorkspaceID) {
        self.vault = vault
        self.tx = tx
        self.workspace = workspace
    }

    // MARK: Credentials

    package func makeRecordKey() -> Secret { vault.makeRecordKey() }

    package func seal(
        _ data: JSONObject, of credential: CredentialID, recordKey: Secret, generation: Int64
    ) throws -> SealedCredential {
        SealedCredential(
            data: try vault.seal(
                Secret(data.text.bytes), under: .record(recordKey), for: dataPlace(credential, generation)),
            wrappedRecordKey: try vault.seal(
                recordKey, under: workspaceKey(), for: custodyPlace(credential, generation)),
            generation: generation)
    }

    /// The record key from the credential's own keeping: for attaching and for changing it, never for use.
    package func recordKey(of sealed: SealedCredential, _ credential: CredentialID) throws -> Secret {
        try vault.open(
            sealed.wrappedRecordKey, under: workspaceKey(), for: custodyPlace(credential, sealed.generation))
    }

    package func open(_ sealed: SealedCredential, of credential: CredentialID, recordKey: Secret) throws -> JSONObject {
        try object(
            vault.open(sealed.data, under: .record(recordKey), for: dataPlace(credential, sealed.generation)))
    }

    // MARK: Connections

    /// Binds a credential to a connection and its destination.
    package func bind(
        _ recordKey: Secret, of credential: CredentialID, to connection: ConnectionID, origins: [String]
    ) throws -> [UInt8] {
        try vault.seal(recordKey, under: workspaceKey(), for: bindingPlace(connection, credential, origins))
    }

    /// The credential's data for use by a connection towards `origins`. This is the only way to use it: towards another
    /// destination than the one it was bound to, it does not open.
    package func open(
        _ sealed: SealedCredential, for connection: Connection, secrets: ConnectionSecrets, towards origins: [String]
    ) throws -> JSONObject {
        let recordKey = try vault.open(
            secrets.wrappedRecordKey, under: workspaceKey(),
            for: bindingPlace(connection.id, connection.credentialID, origins))
        return try open(sealed, of: connection.credentialID, recordKey: recordKey)
    }

    package func seal(
        config: JSONObject, of connection: ConnectionID, origins: [String], generation: Int64
    ) throws -> SealedConfig {
        SealedConfig(
            bytes: try vault.seal(
                Secret(config.text.bytes), under: workspaceKey(), for: configPlace(connection, origins, generation)),
            origins: origins, generation: generation)
    }

    /// The secure config values for use towards `origins`.
    package func open(_ sealed: SealedConfig, of connection: ConnectionID, towards origins: [String]) throws
        -> JSONObject
    {
        try object(
            vault.open(sealed.bytes, under: workspaceKey(), for: configPlace(connection, origins, sealed.generation)))
    }

    // MARK: OAuth

    /// The record key as a connection holds it, towards `origins` only.
    package func recordKey(
        for connection: Connection, secrets: ConnectionSecrets, towards origins: [String]
    ) throws -> Secret {
        try vault.open(
            secrets.wrappedRecordKey, under: workspaceKey(),
            for: bindingPlace(connection.id, connection.credentialID, origins))
    }

    package func open(answer: [UInt8], of credential: CredentialID, recordKey: Secret, fence: Int64) throws -> [UInt8] {
        try vault.open(
            answer, under: .record(recordKey),
            for: .answer(to: GrantKey(workspaceID: workspace, credentialID: credential), fence: fence)
        ).withBytes { Array($0) }
    }

    /// A secret of a row that belongs to no connection.
    package func seal(
        _ data: JSONObject, of record: String, field: String, generation: Int64 = 0, origins: [String] = []
    ) throws -> [UInt8] {
        try vault.seal(
            Secret(data.text.bytes), under: workspaceKey(),
            for: SealedPlace(
                workspace: workspace, record: record, field: field, generation: generation, origins: origins))
    }

    package func open(
        _ sealed: [UInt8], of record: String, field: String, generation: Int64 = 0, origins: [String] = []
    ) throws -> JSONObject {
        try object(
            vault.open(
                sealed, under: workspaceKey(),
                for: SealedPlace(
                    workspace: workspace, record: record, field: field, generation: generation, origins: origins)))
    }

    /// The same for equal texts of one workspace, and worth nothing to who has not its key.
    package func fingerprint(_ text: String) throws -> String {
        try vault.fingerprint(text, under: workspaceKey())
    }

    // MARK: Places

    private func dataPlace(_ credential: CredentialID, _ generation: Int64) -> SealedPlace {
        SealedPlace(
            workspace: workspace, record: credential.description, field: "data", generation: generation)
    }

    private func custodyPlace(_ credential: CredentialID, _ generation: Int64) -> SealedPlace {
        SealedPlace(
            workspace: workspace, record: credential.description, field: "record_key", generation: generation)
    }

    private func bindingPlace(
        _ connection: ConnectionID, _ credential: CredentialID, _ origins: [String]
    ) -> SealedPlace {
        SealedPlace(
            workspace: workspace, record: connection.description, field: "record_key/\(credential)", origins: origins)
    }

    private func configPlace(_ connection: ConnectionID, _ origins: [String], _ generation: Int64) -> SealedPlace {
        SealedPlace(
            workspace: workspace, record: connection.description, field: "config", generation: generation,
            origins: origins)
    }

    private func workspaceKey() throws -> SealingKey {
        guard let wrapped = try tx.wrappedDataKey(of: workspace) else { throw VaultError(.keyUnknown) }
        return .workspace(workspace, wrapped: wrapped)
    }

    private func object(_ secret: Secret) throws -> JSONObject {
        try JSONObject(JSONSlice(parsing: secret.withBytes { Array($0) }))
    }
}

extension SecretVault {
    /// A provider's answer as it came, before anybody has looked into it. It needs no unit of work: what takes time is done
    /// before the writer's turn.
    package func seal(answer: [UInt8], of grant: GrantKey, recordKey: Secret, fence: Int64) throws -> [UInt8] {
        try seal(Secret(answer), under: .record(recordKey), for: .answer(to: grant, fence: fence))
    }
}

extension SealedPlace {
    fileprivate static func answer(to grant: GrantKey, fence: Int64) -> SealedPlace {
        SealedPlace(
            workspace: grant.workspaceID, record: grant.credentialID.description, field: "token_answer",
            generation: fence)
    }
}
