import Connections
import LosslessJSON

/// One row in one unit of work.
extension ImportService {
    /// Makes the connection, or meets the one that has the external id.
    func put(
        _ row: ImportRow, in workspace: WorkspaceID, cause: Cause, tx: any StoreTransaction
    ) throws -> Outcome {
        guard let integration = services.catalog.integration(row.integration, in: workspace) else {
            throw ImportRefusal(["Unknown integration '\(row.integration)'"])
        }
        let method = try method(of: row, integration)
        let origin = try GrantOrigin(
            row, integration: integration, method: method, apps: services.apps, in: workspace, tx: tx)
        guard
            let known = try tx.connection(
                externalID: row.externalID, integration: integration.id, in: workspace)
        else {
            return try create(
                row, integration: integration, method: method, origin, in: workspace, cause: cause, tx: tx)
        }
        return try meet(known, row, integration: integration, method: method, origin, cause: cause, tx: tx)
    }

    /// The method that was named, else the first that has tokens, else the default.
    private func method(of row: ImportRow, _ integration: Integration) throws -> AuthMethod {
        if row.authMethodID == nil, let method = integration.authMethods.first(where: { $0.oauth != nil }) {
            return method
        }
        if let method = integration.authMethod(row.authMethodID) { return method }
        let known = integration.authMethods.map(\.id).joined(separator: ", ")
        throw ImportRefusal(["Unknown auth method for '\(integration.id)': use one of \(known)"])
    }

    private func create(
        _ row: ImportRow, integration: Integration, method: AuthMethod, _ origin: GrantOrigin,
        in workspace: WorkspaceID, cause: Cause, tx: any StoreTransaction
    ) throws -> Outcome {
        let draft = ConnectionDraft(
            integration: integration.id, integrationType: integration.type, authMethodID: method.id,
            credential: .inline(row.credentials), label: row.label?.slice,
            config: origin.config(over: row.config) ?? JSONObject(),
            userID: row.userID, externalID: row.externalID, tags: row.tags?.slice, metadata: row.metadata?.slice)
        let connection = try connections.create(
            draft, integration: integration, in: workspace, cause: cause, tx: tx)
        if let grant = try tx.grant(of: connection.credentialID, in: workspace) {
            try suspend(grant, as: row, origin, cause: cause, tx: tx)
        }
        return Outcome(status: .created, connection: connection.id)
    }

    /// Nothing to do, or new tokens for a grant that is suspended or dead. One that is live has moved on: its tokens here are newer
    /// than any copy.
    private func meet(
        _ known: Connection, _ row: ImportRow, integration: Integration, method: AuthMethod, _ origin: GrantOrigin,
        cause: Cause, tx: any StoreTransaction
    ) throws -> Outcome {
        guard known.authMethodID == method.id else {
            throw ImportRefusal(["Connection \(known.id) is by the auth method '\(known.authMethodID)'"])
        }
        guard row.userID == nil || row.userID == known.userID else {
            throw ImportRefusal(["Connection \(known.id) is another user's"])
        }
        let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: known.workspaceID)
        guard let sealed = try tx.sealed(known.credentialID, in: known.workspaceID) else {
            throw StoreError.failed("a credential has no sealed data")
        }
        let stored = try keeper.open(
            sealed, of: known.credentialID, recordKey: keeper.recordKey(of: sealed, known.credentialID))
        let grant = try tx.grant(of: known.credentialID, in: known.workspaceID)
        let change = try change(of: known, to: row, origin, integration: integration, tx: tx)
        let hasGrant = grant.map { origin.agrees(with: $0) && row.agrees(with: $0) } ?? true
        if stored.hasSameMembers(as: row.credentials), hasGrant, !change.isEffective {
            return Outcome(status: .unchanged, connection: known.id)
        }
        guard let grant, grant.state == .suspended || grant.state == .dead, let oauth = method.oauth else {
            throw ImportRefusal(["Connection \(known.id) is live already: what it has is newer than a copy"])
        }
        _ = try connections.update(known, to: change, cause: cause, tx: tx)
        try reseal(row.credentials, of: known, generation: sealed.generation + 1, keeper, cause: cause, tx: tx)
        var filled = grant
        filled.enter(row.credentials, method: oauth, at: cause.at, jitter: services.ambient.jitter())
        try suspend(filled, as: row, origin, cause: cause, tx: tx)
        try tx.setStatus(
            .active, ofUsersOf: known.credentialID, in: known.workspaceID, evidence: StatusEvidence("imported"),
            ambient: services.ambient, cause: cause)
        return Outcome(status: .updated, connection: known.id)
    }

    /// What the row says and the connection has not. What the row leaves out stays.
    private func change(
        of known: Connection, to row: ImportRow, _ origin: GrantOrigin, integration: Integration,
        tx: any StoreTransaction
    ) throws -> ConnectionChange {
        var change = ConnectionChange()
        if let label = row.label, label != known.label { change.label = .value(label.slice) }
        if let tags = row.tags, tags != known.tags { change.tags = .value(tags.slice) }
        if let metadata = row.metadata, metadata != known.metadata { change.metadata = .value(metadata.slice) }
        let config = origin.config(over: row.config ?? JSONObject(known.config.slice))
        if let config, try !connections.hasConfig(config, known, integration: integration, tx: tx) {
            change.config = .value(config.text.slice)
        }
        return change
    }

    /// Under a new key, bound to where each connection points now.
    private func reseal(
        _ data: JSONObject, of connection: Connection, generation: Int64, _ keeper: SecretKeeper, cause: Cause,
        tx: any StoreTransaction
    ) throws {
        guard var credential = try tx.credential(connection.credentialID, in: connection.workspaceID),
            let method = services.catalog.integration(of: connection)?.authMethod(connection.authMethodID)
        else { throw DomainError.notFound(.credential) }
        let problems = services.catalog.problems(credentials: data, method: method)
        guard problems.isEmpty else { throw ImportRefusal(problems.map(\.message)) }
        let recordKey = keeper.makeRecordKey()
        for user in try tx.connections(using: credential.id, in: connection.workspaceID, limit: .max) {
            try keeper.rebind(
                user, to: recordKey, catalog: services.catalog, ambient: services.ambient, cause: cause)
        }
        credential.updatedAt = max(cause.at, credential.updatedAt)
        credential.revision += 1
        try tx.update(
            credential,
            sealed: keeper.seal(data, of: credential.id, recordKey: recordKey, generation: generation))
        try tx.append(
            JournalEntry(
                .credentialUpdated, in: connection.workspaceID, subject: credential.id.description,
                data: .fields(["data"])),
            id: services.ambient.id(), cause: cause)
    }

    private func suspend(
        _ grant: Grant, as row: ImportRow, _ origin: GrantOrigin, cause: Cause, tx: any StoreTransaction
    ) throws {
        var grant = grant
        if origin.isKnown {
            grant.appID = origin.app?.id
            grant.clientID = origin.clientID
        }
        if let scopes = row.scopes {
            grant.requestedScopes = scopes
            grant.grantedScopes = row.grantedScopes ?? scopes
        }
        grant.suspend()
        try tx.put(grant)
        try tx.append(
            JournalEntry(.grantImported, in: grant.workspaceID, subject: grant.credentialID.description),
            id: services.ambient.id(), cause: cause)
    }
}

/// Which app obtained a grant, as far as a row tells. A refresh token belongs to one client, and some providers revoke one that
/// another presents.
struct GrantOrigin {
    /// `nil` where the row names none, or one that is not registered yet.
    let app: OAuthApp?
    let clientID: String?
    /// The one whose endpoints count: where no client is known, that of new flows.
    private let settings: OAuthApp?
    private let method: OAuthMethod?

    init(
        _ row: ImportRow, integration: Integration, method: AuthMethod, apps: OAuthAppService,
        in workspace: WorkspaceID, tx: any StoreTransaction
    ) throws {
        self.method = method.oauth
        guard let id = row.appID else {
            clientID = row.clientID
            app = try row.clientID.flatMap {
                try apps.app(client: $0, integration: integration.id, method: method.id, in: workspace, tx: tx)
            }
            settings =
                clientID == nil
                ? try apps.app(integration: integration.id, method: method.id, in: workspace, tx: tx) : app
            return
        }
        guard let app = try apps.app(id, in: workspace, tx: tx), app.integration == integration.id,
            app.authMethodID == method.id
        else { throw ImportRefusal(["Field 'app_id' names no OAuth app of this integration and auth method"]) }
        guard row.clientID == nil || row.clientID == app.clientID else {
            throw ImportRefusal(["Field 'client_id' is not the client_id of the app that 'app_id' names"])
        }
        (self.app, settings, clientID) = (app, app, app.clientID)
    }

    var isKnown: Bool { clientID != nil }

    /// With the app's own values over it, which say where the client's secret goes.
    func config(over config: JSONObject?) -> JSONObject? {
        guard let settings, let method else { return config }
        return settings.config(over: config ?? JSONObject(), method: method)
    }

    func agrees(with grant: Grant) -> Bool {
        (app == nil || app?.id == grant.appID) && (clientID == nil || clientID == grant.clientID)
    }
}

extension OAuthAppService {
    /// The app with a client id: the workspace's newest, else the instance's default.
    func app(
        client: String, integration: String, method: String, in workspace: WorkspaceID, tx: any StoreTransaction
    ) throws -> OAuthApp? {
        let own = try tx.oauthApps(integration: integration, method: method, in: workspace)
        let shared = defaults.filter { $0.integration == integration && $0.authMethodID == method }
        return (own + shared).first { $0.clientID == client }
    }
}

extension ImportRow {
    /// What the provider said when the tokens were obtained.
    fileprivate var grantedScopes: [String]? { Tokens(data: credentials)?.scopes }

    fileprivate func agrees(with grant: Grant) -> Bool {
        scopes == nil || scopes == grant.requestedScopes
    }
}
