package import Connections
import Egress
import Logging
package import LosslessJSON

/// Sends people to a provider and turns what they come back with into a connection.
package struct AuthorizationService: Sendable {
    let services: OAuthServices
    let connections: ConnectionService
    private let identities: IdentityReader

    /// In seconds, for a link and for a ticket.
    package static let lifetime: Int64 = 600

    package init(services: OAuthServices, connections: ConnectionService) {
        self.services = services
        self.connections = connections
        identities = IdentityReader(egress: services.egress)
    }

    // MARK: Starting

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
        let config = JSONObject(prepared.request.config.slice)
        let issuer = method.issuer(filledFrom: config)
        let discovered = try await discover(issuer, for: method)
        let endpoints = method.endpoints(filledFrom: config, discovered: discovered)
        guard let authorize = endpoints.authorize, isBrowserURL(authorize), let token = endpoints.token else {
            throw DomainError.validationFailed([
                "The integration's authorization endpoint is not known, or not an https URL"
            ])
        }
        let secrets = FlowSecrets(services.ambient)
        var request = prepared.request
        request.tokenURL = token
        request.issuer = endpoints.issuer ?? issuer
        request.issuerIsNamed = endpoints.namesIssuer
        let flow = try await insert(request, app: prepared.app, secrets: secrets, in: workspace, at: cause.at)
        let url = AuthorizeURL(
            endpoint: authorize, method: method, app: prepared.app,
            redirectURI: services.redirectURI(of: prepared.app.id), secrets: secrets, scopes: request.scopes)
        return Link(
            authorizeURL: url.text, connectURL: "\(services.publicURL)/api/v1/oauth/connect/\(secrets.connectToken)",
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

    private func discover(_ issuer: String?, for method: OAuthMethod) async throws -> Endpoints? {
        guard let issuer else { return nil }
        // Where the endpoints are given, the issuer is there only to be compared with the answer's.
        guard method.authorizeURL == nil || method.tokenURL == nil else { return services.discovery.cached(issuer) }
        do {
            return try await services.discovery.endpoints(of: issuer)
        } catch let error as EgressError {
            throw DomainError.upstream(
                code: "discovery_failed", message: "The issuer's metadata cannot be read: \(error)")
        }
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

    // MARK: The link

    package struct Departure: Sendable {
        package let authorizeURL: String
        /// For the browser to keep and to come back with.
        package let cookie: String
    }

    /// Binds the flow to the browser that opened the link, and sends it on. Opened again by the same browser it goes on; by
    /// another, it is refused.
    package func open(connectToken: String, cookie: String?, at now: Timestamp) async throws -> Departure {
        let digest = services.digester(connectToken)
        let cookie = cookie ?? base64URL(services.ambient.randomBytes(32))
        let (flow, app, data) = try await services.store.write { tx in
            guard var flow = try tx.authorizationFlow(connect: digest) else {
                throw CallbackFailure(.invalidState)
            }
            guard flow.expiresAt > now else { throw CallbackFailure(.stateExpired) }
            guard flow.stage == .started else { throw CallbackFailure(.invalidState) }
            let browser = services.digester(cookie)
            guard flow.browserDigest == nil || flow.browserDigest == browser else {
                throw CallbackFailure(.otherBrowser)
            }
            flow.browserDigest = browser
            try tx.update(flow)
            guard let app = try services.apps.app(flow.appID, in: flow.workspaceID, tx: tx) else {
                throw CallbackFailure(.invalidState)
            }
            let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: flow.workspaceID)
            return (flow, app, try keeper.open(flow.sealed, of: flow.id.description, field: "flow"))
        }
        let method = try services.apps.oauthMethod(
            flow.request.integration, flow.request.authMethodID, in: flow.workspaceID)
        let config = JSONObject(flow.request.config.slice)
        let discovered = try await discover(method.issuer(filledFrom: config), for: method)
        guard let authorize = method.endpoints(filledFrom: config, discovered: discovered).authorize,
            let secrets = FlowSecrets(data, connectToken: connectToken)
        else { throw CallbackFailure(.invalidState) }
        let url = AuthorizeURL(
            endpoint: authorize, method: method, app: app, redirectURI: services.redirectURI(of: app.id),
            secrets: secrets, scopes: flow.request.scopes)
        return Departure(authorizeURL: url.text, cookie: cookie)
    }

    // MARK: Coming back

    package struct Callback: Sendable {
        package var state: String?
        package var code: String?
        package var error: String?
        package var issuer: String?
        package var cookie: String?
        /// Everything in the query, for what an integration keeps of it.
        package var parameters: [String: String]

        package init(
            state: String?, code: String?, error: String?, issuer: String?, cookie: String?,
            parameters: [String: String]
        ) {
            self.state = state
            self.code = code
            self.error = error
            self.issuer = issuer
            self.cookie = cookie
            self.parameters = parameters
        }
    }

    package enum Arrival: Sendable {
        case connected(Connection, sameAccountAs: [ConnectionID], returnURL: String?)
        case ticket(String, returnURL: String?)
    }

    /// Throws `CallbackFailure`, which knows whether the flow's return URL may be told.
    package func arrive(_ callback: Callback, app appID: OAuthAppID?, requestID: String, at now: Timestamp) async throws
        -> Arrival
    {
        let flow = try await consume(callback, appID: appID, at: now)
        do {
            return try await finish(flow, callback, requestID: requestID, at: now)
        } catch let failure as CallbackFailure {
            throw failure.returning(to: flow.request.returnURL)
        } catch let error as DomainError {
            throw CallbackFailure(error).returning(to: flow.request.returnURL)
        } catch is EgressError {
            throw CallbackFailure(.exchangeFailed).returning(to: flow.request.returnURL)
        } catch StoreError.duplicate {
            // Another flow with the same external id was faster.
            throw CallbackFailure(.refused).returning(to: flow.request.returnURL)
        }
    }

    /// Takes the flow, so that nobody comes with it again. Whoever comes with another's state takes nothing.
    private func consume(_ callback: Callback, appID: OAuthAppID?, at now: Timestamp) async throws -> AuthorizationFlow
    {
        guard let state = callback.state else { throw CallbackFailure(.invalidState) }
        let digest = services.digester(state)
        let browser = callback.cookie.map { services.digester($0) }
        return try await services.store.write { tx in
            guard var flow = try tx.authorizationFlow(state: digest) else { throw CallbackFailure(.invalidState) }
            guard flow.appID == appID else { throw CallbackFailure(.appMismatch) }
            guard flow.browserDigest == nil || flow.browserDigest == browser else {
                throw CallbackFailure(.otherBrowser)
            }
            guard flow.stage == .started else { throw CallbackFailure(.invalidState) }
            guard flow.expiresAt > now else { throw CallbackFailure(.stateExpired) }
            flow.stage = .answered
            try tx.update(flow)
            return flow
        }
    }

    private func finish(
        _ flow: AuthorizationFlow, _ callback: Callback, requestID: String, at now: Timestamp
    ) async throws -> Arrival {
        try checkIssuer(of: callback, flow)
        if let error = callback.error { throw CallbackFailure(.provider(TokenOutcome.word(error) ?? "server_error")) }
        guard let code = callback.code, !code.isEmpty else { throw CallbackFailure(.missingCode) }
        let harvest = try await exchange(code, flow, callback)
        let cause = Cause(principal: .system, requestID: requestID, at: services.ambient.now())
        guard flow.request.needsConfirmation else {
            let (connection, twins) = try await store(harvest, of: flow, cause: cause)
            return .connected(connection, sameAccountAs: twins, returnURL: flow.request.returnURL)
        }
        let ticket = base64URL(services.ambient.randomBytes(32))
        try await services.store.write { tx in
            var waiting = flow
            let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: flow.workspaceID)
            waiting.stage = .awaitingConfirmation
            waiting.ticketDigest = services.digester(ticket)
            waiting.expiresAt = cause.at.advanced(bySeconds: Self.lifetime)
            waiting.sealed = try keeper.seal(harvest.data, of: flow.id.description, field: "harvest")
            try tx.update(waiting)
        }
        return .ticket(ticket, returnURL: flow.request.returnURL)
    }

    /// RFC 9207: simple string comparison, for errors too.
    private func checkIssuer(of callback: Callback, _ flow: AuthorizationFlow) throws {
        guard let expected = flow.request.issuer else { return }
        if let issuer = callback.issuer {
            guard issuer == expected else { throw CallbackFailure(.issuerMismatch) }
        } else if flow.request.issuerIsNamed {
            throw CallbackFailure(.issuerMismatch)
        }
    }

    // MARK: Confirming

    /// The application's own word that the person who came back is the one it sent away.
    package func confirm(
        ticket: String, userID: String, in workspace: WorkspaceID, cause: Cause
    ) async throws -> Connection {
        let digest = services.digester(ticket)
        let (flow, harvest) = try await services.store.write { tx in
            guard let flow = try tx.authorizationFlow(ticket: digest, in: workspace),
                flow.stage == .awaitingConfirmation, flow.expiresAt > cause.at,
                flow.request.userID == nil || flow.request.userID == userID
            else { throw DomainError.notFound(.ticket) }
            let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: workspace)
            let data = try keeper.open(flow.sealed, of: flow.id.description, field: "harvest")
            guard let harvest = Harvest(data) else { throw DomainError.notFound(.ticket) }
            return (flow, harvest)
        }
        do {
            return try await store(harvest, of: flow, confirmedUser: userID, cause: cause).connection
        } catch let failure as CallbackFailure {
            throw DomainError.refused(code: failure.reason.code, message: failure.reason.sentence)
        }
    }

    // MARK: Exchange

    private func exchange(_ code: String, _ flow: AuthorizationFlow, _ callback: Callback) async throws -> Harvest {
        let method = try services.apps.oauthMethod(
            flow.request.integration, flow.request.authMethodID, in: flow.workspaceID)
        let (app, client, data) = try await services.store.write { tx in
            guard let app = try services.apps.app(flow.appID, in: flow.workspaceID, tx: tx) else {
                throw CallbackFailure(.invalidState)
            }
            // The app may have moved since the flow began; its secret does not follow to where it was.
            let config = app.config(over: JSONObject(flow.request.config.slice), method: method)
            guard method.tokenURL == nil || method.tokenURL?.url(filledFrom: config) == flow.request.tokenURL else {
                throw CallbackFailure(.exchangeFailed)
            }
            let client = try services.apps.client(
                app, method: method, in: flow.workspaceID, at: services.ambient.now(), tx: tx)
            let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: flow.workspaceID)
            return (app, client, try keeper.open(flow.sealed, of: flow.id.description, field: "flow"))
        }
        var request = TokenEndpoint.Request(
            url: flow.request.tokenURL, format: method.tokenFormat, headers: method.tokenHeaders,
            parameters: [
                (name: "grant_type", value: "authorization_code"), (name: "code", value: code),
                (name: "redirect_uri", value: services.redirectURI(of: app.id)),
            ])
        if method.usesPKCE, let verifier = data["code_verifier"]?.slice.string {
            request.parameters.append((name: "code_verifier", value: verifier))
        }
        let config = JSONObject(flow.request.config.slice)
        request.parameters += method.tokenParameters.compactMap { parameter in
            fillTemplate(parameter.value) { config.text(at: $0) }.map { (parameter.name, $0) }
        }
        let raw = try await services.endpoint.send(request, as: client, method: method)
        switch TokenOutcome(raw, method: method) {
        case .refused(let refusal):
            services.logger.warning(
                "code exchange refused",
                metadata: [
                    "app.id": "\(app.id)", "error.code": "\(refusal.code)",
                    "http.status": "\(refusal.httpStatus ?? 0)",
                ])
            throw CallbackFailure(refusal.kind == .transient ? .badTokenResponse : .exchangeFailed)
        case .granted(let tokens, let answer):
            return try await harvest(
                tokens, answer: answer, nonce: data["nonce"]?.slice.string, askedAt: raw.askedAt, flow: flow,
                client: client, method: method, callback: callback)
        }
    }

    /// Adds what the answer and the callback say of the connection: config, account, lifetime.
    private func harvest(
        _ tokens: Tokens, answer: JSONObject, nonce: String?, askedAt: Timestamp, flow: AuthorizationFlow,
        client: OAuthClient, method: OAuthMethod, callback: Callback
    ) async throws -> Harvest {
        let check = IDTokenCheck(
            issuer: flow.request.issuer, clientID: client.id,
            nonce: flow.request.scopes.contains("openid") ? nonce : nil,
            now: services.ambient.now())
        if let token = tokens.idToken, !token.withText(check.passes) { throw CallbackFailure(.badTokenResponse) }
        guard let integration = services.catalog.integration(flow.request.integration, in: flow.workspaceID),
            let authMethod = integration.authMethod(flow.request.authMethodID)
        else { throw CallbackFailure(.invalidState) }
        var config = JSONObject(flow.request.config.slice)
        for kept in method.keep { if let value = answer.value(at: kept.path) { config[kept.key] = value } }
        for kept in method.callbackKeep {
            if let value = callback.parameters[kept.parameter] { config[kept.key] = JSONText(value) }
        }
        // What the provider added is checked like what people enter, before it leads anywhere.
        guard services.catalog.problems(config: config, of: integration).isEmpty else {
            throw CallbackFailure(.refused)
        }
        let endpoints = services.discovery.knownEndpoints(of: method, filledFrom: config)
        var tokens = tokens
        tokens.expiresAt = await Introspection(endpoint: services.endpoint).end(
            of: tokens, method: method, endpoints: endpoints, client: client, askedAt: askedAt)
        let account = await identities.account(
            of: tokens, answer: answer, integration: integration, method: authMethod, config: config,
            endpoints: endpoints)
        return Harvest(tokens: tokens, config: config, account: account, clientID: client.id)
    }
}
