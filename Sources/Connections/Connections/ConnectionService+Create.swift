package import LosslessJSON

/// What a POST asks for.
package struct ConnectionDraft: Sendable {
    /// Where the secret comes from.
    package enum CredentialSource: Sendable {
        /// Sent with the connection: it becomes a credential of its own.
        case inline(JSONObject)
        case existing(CredentialID)
    }

    package let integration: String
    package let integrationType: IntegrationType
    package let authMethodID: String?
    package let credential: CredentialSource
    package let label: JSONSlice?
    package let config: JSONObject
    package let userID: String?
    package let externalID: String?
    package let tags: JSONSlice?
    package let metadata: JSONSlice?
    /// In seconds; 0 for never.
    package let checkInterval: Int?

    package init(
        integration: String, integrationType: IntegrationType, authMethodID: String?, credential: CredentialSource,
        label: JSONSlice?, config: JSONObject, userID: String?, externalID: String?, tags: JSONSlice?,
        metadata: JSONSlice?, checkInterval: Int? = nil
    ) {
        self.integration = integration
        self.integrationType = integrationType
        self.authMethodID = authMethodID
        self.credential = credential
        self.label = label
        self.config = config
        self.userID = userID
        self.externalID = externalID
        self.tags = tags
        self.metadata = metadata
        self.checkInterval = checkInterval
    }
}

extension ConnectionService {
    /// Checks everything, then writes the connection, its credential and their journal entries at once.
    package func create(
        _ draft: ConnectionDraft, in workspace: WorkspaceID, cause: Cause
    ) async throws -> Connection {
        let integration = try resolveIntegration(draft, in: workspace)
        try admit(draft, cause: cause)
        do {
            return try await store.write { tx in
                try create(draft, integration: integration, in: workspace, cause: cause, tx: tx)
            }
        } catch StoreError.duplicate(.externalID) {
            throw try await externalIDTaken(draft.externalID, integration: draft.integration, in: workspace)
        }
    }

    /// What a draft would be, opened for a test that leaves nothing behind. Refuses what creation would refuse.
    package func probeTarget(
        of draft: ConnectionDraft, in workspace: WorkspaceID, cause: Cause
    ) async throws -> ProbeTarget {
        let integration = try resolveIntegration(draft, in: workspace)
        try admit(draft, cause: cause)
        return try await store.write { tx in
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
            let material = try material(for: draft, in: workspace, keeper: keeper, tx: tx)
            let method = try authMethod(draft, integration: integration, authType: material.authType)
            try check(draft, material.data, method: method, integration: integration)
            return ProbeTarget(
                integration: integration, method: method, config: draft.config, data: material.data, depth: .full)
        }
    }

    /// Somebody else's secret goes where this caller points it to.
    private func admit(_ draft: ConnectionDraft, cause: Cause) throws {
        if case .existing = draft.credential, !cause.principal.permissions.contains(.secrets) {
            throw DomainError.forbidden("Using an existing credential needs the permission 'secrets'")
        }
    }

    private func check(
        _ draft: ConnectionDraft, _ data: JSONObject, method: AuthMethod, integration: Integration
    ) throws {
        var problems = catalog.problems(credentials: data, method: method)
        problems += catalog.problems(config: draft.config, of: integration)
        problems += ConfigSplit(draft.config, integration: integration).kept.map { .nothingStored($0, in: integration) }
        guard problems.isEmpty else { throw DomainError.validationFailed(problems.map(\.message)) }
    }

    /// Refuses an integration that is not known or of another type.
    private func resolveIntegration(_ draft: ConnectionDraft, in workspace: WorkspaceID) throws -> Integration {
        guard let integration = catalog.integration(draft.integration, type: draft.integrationType, in: workspace)
        else {
            throw DomainError.validationFailed([
                "Unknown integration '\(draft.integration)': GET /api/v1/integrations lists the known ones, and "
                    + "integration_type 'custom' takes any name"
            ])
        }
        guard integration.type == draft.integrationType else {
            throw DomainError.validationFailed([
                "Integration '\(draft.integration)' is of type '\(integration.type.rawValue)', "
                    + "not '\(draft.integrationType.rawValue)'"
            ])
        }
        return integration
    }

    /// The same within a unit of work that does more.
    package func create(
        _ draft: ConnectionDraft, integration: Integration, in workspace: WorkspaceID, cause: Cause,
        tx: any StoreTransaction
    ) throws -> Connection {
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
        let material = try material(for: draft, in: workspace, keeper: keeper, tx: tx)
        let method = try authMethod(draft, integration: integration, authType: material.authType)
        let split = ConfigSplit(draft.config, integration: integration)

        try check(draft, material.data, method: method, integration: integration)

        let id = ambient.id(ConnectionID.self)
        let credentialID =
            try material.existing
            ?? insertCredential(
                material, method: method, draft: draft, in: workspace, keeper: keeper, cause: cause, tx: tx)
        var connection = Connection(
            id: id, workspaceID: workspace, credentialID: credentialID, integration: draft.integration,
            integrationType: integration.type, authMethodID: method.id,
            userID: draft.userID ?? cause.principal.userID, label: draft.label?.canonical, config: split.masked.text,
            externalID: draft.externalID, tags: draft.tags?.canonical ?? .emptyArray,
            metadata: draft.metadata?.canonical ?? .emptyObject, createdBy: cause.principal.actor,
            createdAt: cause.at, updatedAt: cause.at, checkInterval: draft.checkInterval)
        let created = connection.note(.connectionCreated, data: connection.created)
        let origins = integration.origins(config: draft.config, method: method.id) ?? []
        let secrets = ConnectionSecrets(
            origins: origins,
            wrappedRecordKey: try keeper.bind(material.recordKey, of: credentialID, to: id, origins: origins),
            config: split.entered.members.isEmpty
                ? nil : try keeper.seal(config: split.entered, of: id, origins: origins, generation: 1))
        try tx.insert(connection, secrets: secrets, searchText: connection.searchText)
        if let oauth = method.oauth, try tx.grant(of: credentialID, in: workspace) == nil {
            var grant = Grant(workspaceID: workspace, credentialID: credentialID, kind: oauth.grant)
            grant.enter(material.data, method: oauth, at: cause.at, jitter: ambient.jitter())
            try tx.put(grant)
        }
        try tx.append(created, id: ambient.id(), cause: cause)
        if integration.probe != nil {
            let schedule = CheckSchedule(integration: integration, override: connection.checkInterval)
            try tx.put(
                ConnectionCheck(
                    workspaceID: workspace, connectionID: id,
                    origin: integration.checkedHost(config: draft.config, origins: origins),
                    dueAt: schedule.next(after: cause.at, jitter: ambient.jitter())))
        }
        return connection
    }

    // MARK: Credentials

    /// The secret that a new connection is to use, opened for checking and binding.
    private struct Material {
        let data: JSONObject
        let recordKey: Secret
        /// `nil` for inline credentials, which are still to be written.
        let existing: CredentialID?
        let authType: AuthType?
    }

    private func material(
        for draft: ConnectionDraft, in workspace: WorkspaceID, keeper: SecretKeeper, tx: any StoreTransaction
    ) throws -> Material {
        switch draft.credential {
        case .inline(let data):
            return Material(data: data, recordKey: keeper.makeRecordKey(), existing: nil, authType: nil)
        case .existing(let id):
            guard let credential = try tx.credential(id, in: workspace), let sealed = try tx.sealed(id, in: workspace)
            else { throw DomainError.notFound(.credential) }
            guard credential.status == .active else {
                throw DomainError.validationFailed(["Credential '\(id)' is inactive"])
            }
            let recordKey = try keeper.recordKey(of: sealed, id)
            return Material(
                data: try keeper.open(sealed, of: id, recordKey: recordKey), recordKey: recordKey, existing: id,
                authType: credential.authType)
        }
    }

    /// The method that was named, or the first that fits the credential, or the default.
    private func authMethod(
        _ draft: ConnectionDraft, integration: Integration, authType: AuthType?
    ) throws -> AuthMethod {
        if draft.authMethodID == nil, let authType,
            let fitting = integration.authMethods.first(where: { $0.authType == authType })
        {
            return fitting
        }
        if let method = integration.authMethod(draft.authMethodID) { return method }
        let known = integration.authMethods.map(\.id).joined(separator: ", ")
        throw DomainError.validationFailed([
            "Unknown auth method '\(draft.authMethodID ?? "")' for integration '\(integration.id)': use one of \(known)"
        ])
    }

    private func insertCredential(
        _ material: Material, method: AuthMethod, draft: ConnectionDraft, in workspace: WorkspaceID,
        keeper: SecretKeeper, cause: Cause, tx: any StoreTransaction
    ) throws -> CredentialID {
        let credential = Credential(
            id: ambient.id(), workspaceID: workspace, label: "\(draft.integration) (\(method.id))",
            description: nil, authType: method.authType,
            credentialType: CredentialType(forConnectionsOf: draft.integrationType), scope: "workspace",
            provider: draft.integration, userID: draft.userID ?? cause.principal.userID, expiresAt: nil,
            isInline: true, createdBy: cause.principal.actor, createdAt: cause.at, updatedAt: cause.at)
        try tx.insert(
            credential,
            sealed: keeper.seal(material.data, of: credential.id, recordKey: material.recordKey, generation: 1))
        try tx.append(
            JournalEntry(.credentialCreated, in: workspace, subject: credential.id.description), id: ambient.id(),
            cause: cause)
        return credential.id
    }
}

extension Connection {
    /// What the journal says of its beginning.
    fileprivate var created: JSONText {
        var data = JSONWriter(capacity: 96)
        data.object { data in
            data.key("integration")
            data.value(integration)
            data.key("to")
            data.value(status.rawValue)
            data.key("credential_id")
            data.value(credentialID.description)
        }
        return data.text
    }
}

extension CredentialType {
    /// The contract's category for a credential that came with a connection.
    fileprivate init(forConnectionsOf type: IntegrationType) {
        switch type {
        case .model: self = .llm
        case .storage: self = .storage
        case .custom: self = .custom
        case .connectors, .mcp, .tool, .api: self = .integration
        }
    }
}
