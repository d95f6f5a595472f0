import Connections
import Egress
import Logging
import LosslessJSON

extension AuthorizationService {
    func exchange(_ code: String, _ flow: AuthorizationFlow, _ callback: Callback) async throws -> Harvest {
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
