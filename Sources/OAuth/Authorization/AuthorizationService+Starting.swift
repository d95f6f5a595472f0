package import Connections
package import LosslessJSON

extension AuthorizationService {
    package struct Start: Sendable {
        package var integration: String
        package var authMethodID: String
        package var appID: OAuthAppID?
        package var scopes: [String]?
        package var returnURL: String?
        package var connectionID: ConnectionID?
        package var userID: String?
        package var externalID: String?
        package var label: JSONText?
        package var config: JSONObject
        /// `nil` is: where a user is named.
        package var needsConfirmation: Bool?
        package var allowsAccountChange: Bool

        package init(
            integration: String, authMethodID: String, appID: OAuthAppID? = nil, scopes: [String]? = nil,
            returnURL: String? = nil, connectionID: ConnectionID? = nil, userID: String? = nil,
            externalID: String? = nil, label: JSONText? = nil, config: JSONObject = JSONObject(),
            needsConfirmation: Bool? = nil, allowsAccountChange: Bool = false
        ) {
            self.integration = integration
            self.authMethodID = authMethodID
            self.appID = appID
            self.scopes = scopes
            self.returnURL = returnURL
            self.connectionID = connectionID
            self.userID = userID
            self.externalID = externalID
            self.label = label
            self.config = config
            self.needsConfirmation = needsConfirmation
            self.allowsAccountChange = allowsAccountChange
        }
    }

    package struct Link: Sendable {
        package let authorizeURL: String
        package let connectURL: String
        package let state: String
        package let appID: OAuthAppID
        package let expiresAt: Timestamp
    }

    package func start(_ start: Start, in workspace: WorkspaceID, cause: Cause) async throws -> Link {
        let method = try services.apps.oauthMethod(start.integration, start.authMethodID, in: workspace)
        let prepared = try await services.store.write { tx in
            try self.prepare(start, method: method, in: workspace, cause: cause, tx: tx)
        }
        let secrets = FlowSecrets(services.ambient)
        var request = prepared.request
        guard
            let (url, endpoints) = try await departure(
                of: request, app: prepared.app, method: method, secrets: secrets),
            let token = endpoints.token
        else {
            throw DomainError.validationFailed([
                "The integration's authorization endpoint is not known, or not an https URL"
            ])
        }
        request.tokenURL = token
        request.issuer = endpoints.issuer
        request.issuerIsNamed = endpoints.namesIssuer
        let flow = try await insert(request, app: prepared.app, secrets: secrets, in: workspace, at: cause.at)
        return Link(
            authorizeURL: url, connectURL: "\(services.publicURL)/api/v1/oauth/connect/\(secrets.connectToken)",
            state: secrets.state, appID: prepared.app.id, expiresAt: flow.expiresAt)
    }

    private struct Prepared: Sendable {
        let app: OAuthApp
        let request: AuthorizationRequest
    }

    private func prepare(
        _ start: Start, method: OAuthMethod, in workspace: WorkspaceID, cause: Cause, tx: any StoreTransaction
    ) throws -> Prepared {
        let app = try app(of: start, in: workspace, tx: tx)
        if let url = start.returnURL, !app.returnURLs.contains(url) {
            throw DomainError.invalidField(
                location: ["body", "return_url"], message: "is not one of the app's return_urls")
        }
        let known = try reconnected(start, in: workspace, tx: tx)
        let needsConfirmation = start.needsConfirmation ?? (start.userID != nil)
        guard !needsConfirmation || start.returnURL != nil || !app.returnURLs.isEmpty else {
            throw DomainError.invalidField(
                location: ["body", "return_url"],
                message: "A flow that is to be confirmed needs one: register return_urls with the app")
        }
        let config = try config(of: start, app: app, method: method, over: known, in: workspace)
        return Prepared(
            app: app,
            request: AuthorizationRequest(
                integration: start.integration, authMethodID: start.authMethodID,
                scopes: start.scopes ?? (app.scopes.isEmpty ? method.scopes : app.scopes), config: config.text,
                connectionID: known?.id, userID: start.userID ?? known?.userID, externalID: start.externalID,
                label: start.label, returnURL: start.returnURL ?? app.returnURLs.first,
                needsConfirmation: needsConfirmation,
                allowsAccountChange: start.allowsAccountChange, createdBy: cause.principal.actor, issuer: nil,
                tokenURL: ""))
    }

    private func app(of start: Start, in workspace: WorkspaceID, tx: any StoreTransaction) throws -> OAuthApp {
        if let id = start.appID {
            guard let app = try services.apps.app(id, in: workspace, tx: tx) else {
                throw DomainError.notFound(.oauthApp)
            }
            guard app.integration == start.integration, app.authMethodID == start.authMethodID else {
                throw DomainError.invalidField(
                    location: ["body", "app_id"], message: "belongs to another integration or auth method")
            }
            return app
        }
        guard
            let app = try services.apps.app(
                integration: start.integration, method: start.authMethodID, in: workspace, tx: tx)
        else {
            throw DomainError.validationFailed([
                "No OAuth app is registered for '\(start.integration)': make one with POST /api/v1/oauth/apps"
            ])
        }
        return app
    }

    /// The connection that is to be connected again: the one that was named, or the one that has the external id.
    private func reconnected(
        _ start: Start, in workspace: WorkspaceID, tx: any StoreTransaction
    ) throws -> Connection? {
        let found: Connection?
        if let id = start.connectionID {
            guard let connection = try tx.connection(id, in: workspace) else {
                throw DomainError.notFound(.connection)
            }
            found = connection
        } else if let externalID = start.externalID {
            found = try tx.connection(externalID: externalID, integration: start.integration, in: workspace)
        } else {
            found = nil
        }
        guard let found else { return nil }
        guard found.integration == start.integration, found.authMethodID == start.authMethodID else {
            throw DomainError.invalidField(
                location: ["body", "connection_id"],
                message: "The connection is to '\(found.integration)' by '\(found.authMethodID)'")
        }
        if let asked = start.userID, let owner = found.userID, asked != owner {
            throw DomainError.invalidField(
                location: ["body", "user_id"], message: "The connection that is to be reconnected is another user's")
        }
        return found
    }

    /// What is known of the connection's config before the provider adds its part; the app's values win.
    private func config(
        of start: Start, app: OAuthApp, method: OAuthMethod, over known: Connection?, in workspace: WorkspaceID
    ) throws -> JSONObject {
        var config = known.map { JSONObject($0.config.slice) } ?? JSONObject()
        for member in start.config.members { config[member.name] = member.value }
        config = app.config(over: config, method: method)
        guard let integration = services.catalog.integration(start.integration, in: workspace) else {
            throw DomainError.notFound(.integration)
        }
        let provided = method.providedKeys
        if let key = integration.secureConfigKeys.first(where: { start.config[$0] != nil }) {
            throw DomainError.invalidField(
                location: ["body", "config", key],
                message: "A secret is entered on the connection, not on its way there")
        }
        let problems = services.catalog.problems(config: config, of: integration)
            .filter { !provided.contains($0.key) || config[$0.key] != nil }
        guard problems.isEmpty else { throw DomainError.validationFailed(problems.map(\.message)) }
        return config
    }

    private func insert(
        _ request: AuthorizationRequest, app: OAuthApp, secrets: FlowSecrets, in workspace: WorkspaceID,
        at now: Timestamp
    ) async throws -> AuthorizationFlow {
        try await services.store.write { tx in
            let id = services.ambient.id(AuthorizationFlowID.self)
            let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: workspace)
            var data = JSONObject()
            data["code_verifier"] = JSONText(secrets.codeVerifier)
            // The connect link makes the provider's URL anew from what is kept.
            data["state"] = JSONText(secrets.state)
            data["nonce"] = JSONText(secrets.nonce)
            let flow = AuthorizationFlow(
                id: id, workspaceID: workspace, appID: app.id, stateDigest: services.digester(secrets.state),
                connectDigest: services.digester(secrets.connectToken), request: request,
                sealed: try keeper.seal(data, of: id.description, field: "flow"), createdAt: now,
                expiresAt: now.advanced(bySeconds: Self.lifetime))
            try tx.insert(flow)
            return flow
        }
    }
}
