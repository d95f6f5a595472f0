package import Connections
package import LosslessJSON

/// What can be done with OAuth apps. Their secrets go in and are never shown.
package struct OAuthAppService: Sendable {
    let store: any Store
    let vault: any SecretVault
    let catalog: any IntegrationCatalog
    let ambient: Ambient
    /// Defaults of the whole instance, from the operator's file.
    let defaults: [OAuthApp]
    private let opened = OpenedClients()
    private let circuit: AppCircuit

    /// How long the secret before a rotation stays in use, in seconds.
    static let overlap: Int64 = 86_400

    init(
        store: any Store, vault: any SecretVault, catalog: any IntegrationCatalog, ambient: Ambient,
        defaults: [OAuthApp], circuit: AppCircuit = AppCircuit()
    ) {
        self.circuit = circuit
        self.store = store
        self.vault = vault
        self.catalog = catalog
        self.ambient = ambient
        self.defaults = defaults
    }

    /// For the scheduler, now and then: what nobody uses does not stay in memory.
    func forgetOldClients(at now: Timestamp) { opened.forgetOld(at: now) }

    // MARK: Reading

    package func find(_ id: OAuthAppID, in workspace: WorkspaceID) async throws -> OAuthApp {
        if let known = defaults.first(where: { $0.id == id }) { return shown(known, in: workspace) }
        guard let app = try await store.oauthApp(id, in: workspace) else { throw DomainError.notFound(.oauthApp) }
        return app
    }

    /// The workspace's own, and on the last page the instance's defaults, which are few.
    package func list(_ query: OAuthAppQuery) async throws -> Page<OAuthApp, OAuthAppID> {
        let own = try await store.oauthApps(query)
        let shared = defaults.filter { query.integration == nil || $0.integration == query.integration }
            .map { shown($0, in: query.workspace) }
        return Page(
            items: own.next == nil ? own.items + shared : own.items, total: own.total + shared.count, next: own.next)
    }

    /// An app of the file has no row that says how it fares.
    private func shown(_ app: OAuthApp, in workspace: WorkspaceID) -> OAuthApp {
        var app = app
        app.failure = circuit.failure(of: AppCircuit.Key(workspace, app.id))
        return app
    }

    func app(_ id: OAuthAppID, in workspace: WorkspaceID, tx: any StoreTransaction) throws -> OAuthApp? {
        try shared(in: workspace).first { $0.id == id } ?? tx.oauthApp(id, in: workspace)
    }

    /// The app that a flow or an entered grant is to use: the workspace's newest, else the instance's default.
    func app(
        integration: String, method: String, in workspace: WorkspaceID, tx: any StoreTransaction
    ) throws -> OAuthApp? {
        try tx.oauthApps(integration: integration, method: method, in: workspace).first
            ?? shared(in: workspace).first { $0.integration == integration && $0.authMethodID == method }
    }

    /// The operator's apps are for built-in integrations: a workspace that writes one of the same name gets no secret of theirs.
    private func shared(in workspace: WorkspaceID) -> [OAuthApp] {
        defaults.filter { catalog.integration($0.integration, in: workspace)?.isWorkspaceDefined == false }
    }

    // MARK: Writing

    package struct Draft: Sendable {
        package var integration: String
        package var authMethodID: String
        package var label: String?
        package var clientID: String
        package var clientSecret: Secret?
        package var clientSecretExpiresAt: Timestamp?
        package var scopes: [String]?
        package var clientAuthentication: OAuthMethod.ClientAuthentication?
        package var returnURLs: [String]
        package var authorizeParameters: JSONText
        package var config: JSONText

        package init(
            integration: String, authMethodID: String, label: String?, clientID: String, clientSecret: Secret?,
            clientSecretExpiresAt: Timestamp? = nil, scopes: [String]?,
            clientAuthentication: OAuthMethod.ClientAuthentication?, returnURLs: [String],
            authorizeParameters: JSONText, config: JSONText
        ) {
            self.integration = integration
            self.authMethodID = authMethodID
            self.label = label
            self.clientID = clientID
            self.clientSecret = clientSecret
            self.clientSecretExpiresAt = clientSecretExpiresAt
            self.scopes = scopes
            self.clientAuthentication = clientAuthentication
            self.returnURLs = returnURLs
            self.authorizeParameters = authorizeParameters
            self.config = config
        }
    }

    package func create(_ draft: Draft, in workspace: WorkspaceID, cause: Cause) async throws -> OAuthApp {
        let method = try oauthMethod(draft.integration, draft.authMethodID, in: workspace)
        try check(draft.returnURLs)
        try check(config: draft.config, method: method, integration: draft.integration, in: workspace)
        let authentication =
            draft.clientAuthentication ?? (draft.clientSecret == nil ? .none : method.clientAuthentication)
        try check(authentication, hasSecret: draft.clientSecret != nil)
        return try await store.write { tx in
            var app = OAuthApp(
                id: ambient.id(), workspaceID: workspace, integration: draft.integration,
                authMethodID: draft.authMethodID, label: draft.label, clientID: draft.clientID, clientSecret: nil,
                clientSecretExpiresAt: draft.clientSecretExpiresAt, scopes: draft.scopes ?? method.scopes,
                clientAuthentication: authentication,
                returnURLs: draft.returnURLs, authorizeParameters: draft.authorizeParameters, config: draft.config,
                createdBy: cause.principal.actor, createdAt: cause.at, updatedAt: cause.at)
            app.clientSecret = try draft.clientSecret.map {
                try seal($0, of: app, generation: 1, method: method, in: workspace, tx: tx)
            }
            try tx.insert(app, in: workspace)
            try tx.append(
                JournalEntry(.oauthAppCreated, in: workspace, subject: app.id.description), id: ambient.id(),
                cause: cause)
            return app
        }
    }

    package struct Change: Sendable {
        package var label: Patch<String>
        package var clientID: Patch<String>
        package var clientSecret: Patch<Secret>
        /// Of the secret that comes with it, else of the one that there is.
        package var clientSecretExpiresAt: Patch<Timestamp>
        package var scopes: Patch<[String]>
        package var clientAuthentication: Patch<OAuthMethod.ClientAuthentication>
        package var returnURLs: Patch<[String]>
        package var authorizeParameters: Patch<JSONText>
        package var config: Patch<JSONText>

        package init(
            label: Patch<String>, clientID: Patch<String>, clientSecret: Patch<Secret>,
            clientSecretExpiresAt: Patch<Timestamp> = .absent, scopes: Patch<[String]>,
            clientAuthentication: Patch<OAuthMethod.ClientAuthentication>, returnURLs: Patch<[String]>,
            authorizeParameters: Patch<JSONText>, config: Patch<JSONText>
        ) {
            self.label = label
            self.clientID = clientID
            self.clientSecret = clientSecret
            self.clientSecretExpiresAt = clientSecretExpiresAt
            self.scopes = scopes
            self.clientAuthentication = clientAuthentication
            self.returnURLs = returnURLs
            self.authorizeParameters = authorizeParameters
            self.config = config
        }

        var writtenFields: [String] {
            var fields: [String] = []
            if label.isPresent { fields.append("label") }
            if clientID.value != nil { fields.append("client_id") }
            if clientSecret.value != nil { fields.append("client_secret") }
            if clientSecretExpiresAt.isPresent { fields.append("client_secret_expires_at") }
            if scopes.value != nil { fields.append("scopes") }
            if clientAuthentication.value != nil { fields.append("token_endpoint_auth_method") }
            if returnURLs.value != nil { fields.append("return_urls") }
            if authorizeParameters.value != nil { fields.append("authorize_parameters") }
            if config.value != nil { fields.append("config") }
            return fields
        }
    }

    /// A changed app is given another chance: its failure is forgotten, and grants that were held are due at once.
    package func update(
        _ id: OAuthAppID, in workspace: WorkspaceID, to change: Change, if precondition: Precondition, cause: Cause
    ) async throws -> OAuthApp {
        try refuseDefault(id)
        if let urls = change.returnURLs.value { try check(urls) }
        return try await store.write { tx in
            guard var app = try tx.oauthApp(id, in: workspace) else { throw DomainError.notFound(.oauthApp) }
            try precondition.check(app.revision)
            let fields = change.writtenFields
            guard !fields.isEmpty else { return app }
            let method = try oauthMethod(app.integration, app.authMethodID, in: workspace)
            let movesSecret = change.config.value.map { $0 != app.config } ?? false
            app.label = change.label.clearing(app.label)
            app.clientID = change.clientID.keeping(app.clientID)
            app.scopes = change.scopes.keeping(app.scopes)
            app.clientAuthentication = change.clientAuthentication.keeping(app.clientAuthentication)
            app.returnURLs = change.returnURLs.keeping(app.returnURLs)
            app.authorizeParameters = change.authorizeParameters.keeping(app.authorizeParameters)
            app.config = change.config.keeping(app.config)
            if movesSecret {
                try check(config: app.config, method: method, integration: app.integration, in: workspace)
            }
            // What was said of the secret before says nothing of a new one.
            let end = change.clientSecret.value == nil ? app.clientSecretExpiresAt : nil
            app.clientSecretExpiresAt = change.clientSecretExpiresAt.clearing(end)
            if let secret = change.clientSecret.value {
                let generation = (app.clientSecret?.generation ?? 0) + 1
                app.previousClientSecret = movesSecret ? nil : app.clientSecret
                app.previousClientSecretExpiresAt =
                    app.previousClientSecret == nil ? nil : cause.at.advanced(bySeconds: Self.overlap)
                app.clientSecret = try seal(
                    secret, of: app, generation: generation, method: method, in: workspace, tx: tx)
            } else if movesSecret, app.clientSecret?.origins != bindings(of: app, method: method), app.hasClientSecret {
                throw DomainError.refused(
                    code: "secret_rebind_required",
                    message: "The endpoints of this app change: enter client_secret again with them")
            }
            try check(app.clientAuthentication, hasSecret: app.hasClientSecret)
            app.updatedAt = max(cause.at, app.updatedAt)
            app.revision += 1
            if app.failure != nil {
                app.failure = nil
                try tx.append(
                    JournalEntry(.appRecovered, in: workspace, subject: id.description, data: .reason("app_updated")),
                    id: ambient.id(), cause: cause)
            }
            try release(tx.grants(of: id, state: .held, in: workspace), at: cause.at, tx: tx)
            try tx.update(app, in: workspace)
            try tx.append(
                JournalEntry(.oauthAppUpdated, in: workspace, subject: id.description, data: .fields(fields)),
                id: ambient.id(), cause: cause)
            return app
        }
    }

    private func release(_ held: [GrantKey], at now: Timestamp, tx: any StoreTransaction) throws {
        for key in held {
            guard var grant = try tx.grant(of: key.credentialID, in: key.workspaceID) else { continue }
            grant.state = .live
            grant.dueAt = now
            try tx.put(grant)
        }
    }

    package func delete(
        _ id: OAuthAppID, in workspace: WorkspaceID, isForced: Bool, if precondition: Precondition, cause: Cause
    ) async throws {
        try refuseDefault(id)
        try await store.write { tx in
            guard let app = try tx.oauthApp(id, in: workspace) else { throw DomainError.notFound(.oauthApp) }
            try precondition.check(app.revision)
            let grants = try tx.countGrants(of: id, in: workspace)
            guard grants == 0 || isForced else {
                throw DomainError.conflict(
                    message: "OAuth app obtained \(grants) grant\(grants == 1 ? "" : "s") that cannot be refreshed "
                        + "without it; ?force=true deletes it all the same")
            }
            try tx.delete(oauthApp: id, in: workspace)
            try tx.append(
                JournalEntry(.oauthAppDeleted, in: workspace, subject: id.description), id: ambient.id(),
                cause: cause)
        }
    }

    private func refuseDefault(_ id: OAuthAppID) throws {
        guard defaults.contains(where: { $0.id == id }) else { return }
        throw DomainError.conflict(message: "This app comes from the operator's file and is changed there")
    }

    // MARK: Checks

    func oauthMethod(_ integration: String, _ method: String, in workspace: WorkspaceID) throws -> OAuthMethod {
        guard let found = catalog.integration(integration, in: workspace) else {
            throw DomainError.notFound(.integration)
        }
        guard let method = found.authMethod(method) else { throw DomainError.notFound(.authMethod) }
        guard let oauth = method.oauth, oauth.grant == .authorizationCode else {
            throw DomainError.invalidField(
                location: ["body", "auth_method_id"],
                message: "Auth method '\(method.id)' of '\(integration)' does not send people to a provider")
        }
        return oauth
    }

    /// A return URL is where somebody's browser is sent with a ticket: https, or a loopback host while developing.
    private func check(_ urls: [String]) throws {
        for url in urls where !isBrowserURL(url) || url.contains("#") {
            throw DomainError.invalidField(
                location: ["body", "return_urls"],
                message: "'\(url.prefix(100))' must be an https URL without a fragment; http is for localhost only")
        }
    }

    private func check(_ authentication: OAuthMethod.ClientAuthentication, hasSecret: Bool) throws {
        guard authentication == .none || hasSecret else {
            throw DomainError.invalidField(
                location: ["body", "client_secret"], message: "is required for \(authentication.rawValue)")
        }
    }

    /// An endpoint that is a whole URL is the app's to say, since the client's secret goes there.
    private func check(
        config: JSONText, method: OAuthMethod, integration: String, in workspace: WorkspaceID
    ) throws {
        guard let found = catalog.integration(integration, in: workspace) else {
            throw DomainError.notFound(.integration)
        }
        let values = JSONObject(config.slice)
        let given = Set(values.members.map(\.name))
        let needed = method.wholeURLKeys.filter { key in
            found.configFields.first { $0.key == key }?.isRequired ?? false
        }
        var problems = needed.filter { !given.contains($0) }.map { key in
            FieldProblem(
                key: key,
                message:
                    "Field '\(found.configFields.first { $0.key == key }?.label ?? key)' is required in the app's config"
            )
        }
        problems += catalog.problems(config: values, of: found).filter { given.contains($0.key) }
        guard problems.isEmpty else { throw DomainError.validationFailed(problems.map(\.message)) }
    }

    // MARK: Secrets

    /// What a client's secret is bound to: the hosts of the endpoints' templates, and the whole URLs that the app gives.
    private func bindings(of app: OAuthApp, method: OAuthMethod) -> [String] {
        let config = JSONObject(app.config.slice)
        let origins = method.endpoints.map { endpoint in
            endpoint.origin(filledFrom: config)
                ?? endpoint.text.split(separator: "/", omittingEmptySubsequences: false).prefix(3).joined(
                    separator: "/")
        }
        return Set(origins).sorted()
    }

    private func seal(
        _ secret: Secret, of app: OAuthApp, generation: Int64, method: OAuthMethod, in workspace: WorkspaceID,
        tx: any StoreTransaction
    ) throws -> SealedAppSecret {
        let origins = bindings(of: app, method: method)
        var data = JSONObject()
        secret.withText { data["client_secret"] = JSONText($0) }
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
        return SealedAppSecret(
            bytes: try keeper.seal(
                data, of: app.id.description, field: "client_secret", generation: generation, origins: origins),
            generation: generation, origins: origins)
    }

    /// The app as it shows itself to the provider. Its secret opens only towards the endpoints it was entered for.
    func client(
        _ app: OAuthApp, method: OAuthMethod, in workspace: WorkspaceID, at now: Timestamp, tx: any StoreTransaction
    ) throws -> OAuthClient {
        let place = OpenedClients.Place(workspace: workspace, app: app.id, revision: app.revision)
        // A workspace may change its own integrations, and with them where the secret may go, without the app.
        let isFixed = catalog.integration(app.integration, in: workspace)?.isWorkspaceDefined == false
        if isFixed, let known = opened.client(place, at: now) { return known }
        let client = try open(app, method: method, in: workspace, at: now, tx: tx)
        if isFixed { opened.remember(client, place, at: now) }
        return client
    }

    private func open(
        _ app: OAuthApp, method: OAuthMethod, in workspace: WorkspaceID, at now: Timestamp, tx: any StoreTransaction
    ) throws -> OAuthClient {
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
        let origins = bindings(of: app, method: method)
        func open(_ sealed: SealedAppSecret?) throws -> Secret? {
            guard let sealed else { return nil }
            guard sealed.origins == origins else {
                throw DomainError.refused(
                    code: "secret_rebind_required",
                    message: "The endpoints of the OAuth app changed: enter its client_secret again")
            }
            let data = try keeper.open(
                sealed.bytes, of: app.id.description, field: "client_secret", generation: sealed.generation,
                origins: origins)
            return data["client_secret"]?.slice.string.map { Secret($0) }
        }
        let isOverlapping = app.previousClientSecretExpiresAt.map { $0 > now } ?? false
        return OAuthClient(
            id: app.clientID, secret: try app.plainClientSecret ?? open(app.clientSecret),
            previousSecret: isOverlapping && app.previousClientSecret?.origins == origins
                ? try open(app.previousClientSecret) : nil,
            authentication: app.clientAuthentication)
    }
}

/// https, or http to this machine. Never `javascript:` or `data:`, which have no host.
func isBrowserURL(_ url: String) -> Bool {
    guard let origin = URLTemplate.origin(of: url) else { return false }
    if origin.hasPrefix("https://") { return true }
    let host = origin.dropFirst("http://".count)
    return ["localhost", "127.0.0.1", "[::1]"].contains { host == $0 || host.hasPrefix($0 + ":") }
}

extension JSONText {
    /// `{"reason_code": …}`.
    static func reason(_ code: String) -> JSONText {
        var json = JSONObject()
        json["reason_code"] = JSONText(code)
        return json.text
    }
}
