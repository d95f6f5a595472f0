import Connections
import LosslessJSON

/// Everything that a grant's next step depends on, read and opened in one unit of work.
struct GrantSituation: Sendable {
    let connection: Connection
    let integration: Integration
    let authMethod: AuthMethod
    let method: OAuthMethod
    /// The connection's config with the app's over it.
    let config: JSONObject
    let credential: Credential
    let sealed: SealedCredential
    let recordKey: Secret
    let data: JSONObject
    var grant: Grant
    /// The store has no grant yet, or one that says nothing of its app.
    let isGrantUnwritten: Bool
    let app: OAuthApp?
    let client: OAuthClient?
}

/// Why a grant cannot be used or refreshed now.
package struct GrantProblem: Error, Sendable, Equatable {
    package enum Code: String, Sendable {
        case notOAuth = "not_oauth"
        case notInstalled = "not_installed"
        case needsReauthorization = "needs_reauthorization"
        case secretRebindRequired = "secret_rebind_required"
        case suspended = "grant_suspended"
        case held = "grant_held"
        case paused = "instance_paused"
        case appFailing = "app_failing"
        case appMissing = "app_missing"
        case inactive = "connection_inactive"
        case unreadable = "secret_unreadable"
        case outcomeUnknown = "refresh_outcome_unknown"
        case providerUnavailable = "provider_unavailable"
    }

    package let code: Code
    /// A word for the journal and the operator.
    package let reason: String

    package init(_ code: Code, _ reason: String? = nil) {
        self.code = code
        self.reason = reason ?? code.rawValue
    }
}

/// Opens situations. The secrets in them open only for the connection and towards where it points now.
struct GrantReader: Sendable {
    let vault: any SecretVault
    let catalog: any IntegrationCatalog
    let apps: OAuthAppService
    let ambient: Ambient

    /// - Parameter via: the connection on whose behalf the credential is used; without it, any that uses it.
    /// - Parameter opensClient: whether the app's secret is wanted too.
    func situation(
        _ key: GrantKey, via: ConnectionID?, opensClient: Bool = true, tx: any StoreTransaction
    ) throws -> GrantSituation {
        let workspace = key.workspaceID
        guard let credential = try tx.credential(key.credentialID, in: workspace),
            let sealed = try tx.sealed(key.credentialID, in: workspace)
        else { throw GrantProblem(.notInstalled) }
        guard credential.status == .active else { throw GrantProblem(.inactive) }
        guard let connection = try user(of: key, via: via, tx: tx) else { throw GrantProblem(.inactive) }
        guard let integration = catalog.integration(of: connection),
            let authMethod = integration.authMethod(connection.authMethodID), let method = authMethod.oauth
        else { throw GrantProblem(.notOAuth) }
        let known = try tx.grant(of: key.credentialID, in: workspace)
        let app = try app(of: known, connection: connection, method: method, tx: tx)
        let own = JSONObject(connection.config.slice)
        let config = app?.config(over: own, method: method) ?? own
        let (recordKey, data) = try open(sealed, for: connection, integration: integration, config: config, tx: tx)
        var grant = known ?? entered(data, key: key, method: method)
        if grant.appID == nil, let app { (grant.appID, grant.clientID) = (app.id, app.clientID) }
        return GrantSituation(
            connection: connection, integration: integration, authMethod: authMethod, method: method,
            config: config, credential: credential, sealed: sealed, recordKey: recordKey, data: data, grant: grant,
            isGrantUnwritten: known == nil || known?.appID != grant.appID, app: app,
            client: try (opensClient ? app : nil).map {
                try apps.client($0, method: method, in: workspace, at: ambient.now(), tx: tx)
            })
    }

    private func user(of key: GrantKey, via: ConnectionID?, tx: any StoreTransaction) throws -> Connection? {
        if let via { return try tx.connection(via, in: key.workspaceID) }
        let users = try tx.connections(using: key.credentialID, in: key.workspaceID, limit: 100)
        return users.first { $0.status != .inactive && !$0.needsRebind } ?? users.first { $0.status != .inactive }
    }

    private func open(
        _ sealed: SealedCredential, for connection: Connection, integration: Integration, config: JSONObject,
        tx: any StoreTransaction
    ) throws -> (Secret, JSONObject) {
        let origins = integration.origins(config: config, method: connection.authMethodID)
        guard let secrets = try tx.secrets(of: connection.id, in: connection.workspaceID) else {
            throw StoreError.failed("a connection has no secrets row")
        }
        guard !connection.needsRebind, let origins, origins == secrets.origins else {
            throw GrantProblem(.secretRebindRequired)
        }
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: connection.workspaceID)
        do {
            let recordKey = try keeper.recordKey(for: connection, secrets: secrets, towards: origins)
            return (recordKey, try keeper.open(sealed, of: connection.credentialID, recordKey: recordKey))
        } catch is VaultError {
            throw GrantProblem(.unreadable)
        }
    }

    /// A credential from before there were grants, or one that was attached.
    private func entered(_ data: JSONObject, key: GrantKey, method: OAuthMethod) -> Grant {
        var grant = Grant(workspaceID: key.workspaceID, credentialID: key.credentialID, kind: method.grant)
        grant.enter(data, method: method, at: ambient.now(), jitter: ambient.jitter())
        return grant
    }

    /// A grant of which neither app nor client is known is taken for one of the app that a new flow would use.
    private func app(
        of grant: Grant?, connection: Connection, method: OAuthMethod, tx: any StoreTransaction
    ) throws -> OAuthApp? {
        guard method.grant == .authorizationCode else { return nil }
        if let id = grant?.appID { return try apps.app(id, in: connection.workspaceID, tx: tx) }
        if let client = grant?.clientID {
            return try apps.app(
                client: client, integration: connection.integration, method: connection.authMethodID,
                in: connection.workspaceID, tx: tx)
        }
        return try apps.app(
            integration: connection.integration, method: connection.authMethodID, in: connection.workspaceID, tx: tx)
    }
}
