import Connections
import HTTPTypes
import Hummingbird
import LosslessJSON
import OAuth

extension API {
    var oauthRoutes: [Route] {
        [
            .api(.post, "/oauth/initiate", "initiate_oauth", .write, initiateOAuth),
            .open("/api/v1/oauth/connect/{token}", "open_connect_link", openConnectLink),
            .open("/api/v1/oauth/callback/{app_id}", "oauth_callback", oauthCallback),
            .api(.post, "/oauth/confirm", "confirm_oauth", .write, confirmOAuth),
            .api(.post, "/oauth/refresh/{connection_id}", "refresh_oauth_token", .write, refreshOAuthToken),
            .api(.get, "/oauth/revocations", "list_revocations", .read, listRevocations),
            .api(.post, "/connections/{connection_id}/token", "read_connection_token", .secrets, readToken),
        ]
    }

    // MARK: Starting

    private func initiateOAuth(_ call: Call) async throws -> Answer {
        var fields = try await call.fields()
        let integration = fields.requiredString("integration_id", length: 1...64)
        var start = AuthorizationService.Start(
            integration: integration,
            authMethodID: fields.string("auth_method_id", length: 1...64).value ?? "oauth2")
        let appID = fields.string("app_id").value
        start.scopes = fields.strings("scopes", count: 0...200, length: 1...512).value?.values
        // The contract's name, for where the person goes in the end.
        let redirectURI = fields.string("redirect_uri", length: 1...2_048).value
        start.returnURL = fields.string("return_url", length: 1...2_048).value ?? redirectURI
        let connectionID = fields.string("connection_id").value
        start.userID = fields.string("user_id", length: 1...255).value
        start.externalID = fields.string("external_id", length: 1...255).value
        start.label = fields.stringLiteral("label", maxLength: 255).value?.canonical
        start.config = fields.object("config").value.map { JSONObject($0) } ?? JSONObject()
        start.needsConfirmation = fields.boolean("confirm").value
        start.allowsAccountChange = fields.boolean("allow_account_change").value ?? false
        try fields.finish()
        if let appID {
            guard let id = OAuthAppID(appID) else { throw DomainError.notFound(.oauthApp) }
            start.appID = id
        }
        if let connectionID {
            guard let id = ConnectionID(connectionID) else { throw DomainError.notFound(.connection) }
            start.connectionID = id
        }
        let link = try await oauth.authorization.start(start, in: call.workspace, cause: call.cause)
        return .private { json in
            json.object { json in
                json.key("auth_url")
                json.value(link.authorizeURL)
                json.key("state")
                json.value(link.state)
                json.key("integration_id")
                json.value(integration)
                json.key("connect_url")
                json.value(link.connectURL)
                json.key("app_id")
                json.id(link.appID)
                json.key("expires_at")
                json.time(link.expiresAt)
            }
        }
    }

    // MARK: In the browser

    private func openConnectLink(_ call: OpenCall) async throws -> Answer {
        do {
            let departure = try await oauth.authorization.open(
                connectToken: call.parameters.get("token") ?? "", cookie: call.cookie(flowCookie.name),
                at: ambient.now())
            var answer = Answer.redirect(to: departure.authorizeURL)
            answer.headers[.setCookie] = flowCookie.text(departure.cookie)
            return answer
        } catch let failure as CallbackFailure {
            return BrowserPage.failure(failure, status: failure.reason == .stateExpired ? .gone : .notFound)
        } catch is DomainError {
            return BrowserPage.unavailable
        }
    }

    private func oauthCallback(_ call: OpenCall) async throws -> Answer {
        let query = call.query
        let callback = AuthorizationService.Callback(
            state: query.text("state"), code: query.text("code"), error: query.text("error"),
            issuer: query.text("iss"), cookie: call.cookie(flowCookie.name), parameters: query.values)
        do {
            let arrival = try await oauth.authorization.arrive(
                callback, app: call.parameters.get("app_id").flatMap { OAuthAppID($0) }, requestID: call.requestID,
                at: ambient.now())
            switch arrival {
            case .connected(let connection, let twins, let returnURL):
                var parameters = [
                    (name: "status", value: "success"), (name: "connection_id", value: "\(connection.id)"),
                ]
                parameters += twins.prefix(10).map { (name: "same_account_as", value: "\($0)") }
                guard let returnURL else { return BrowserPage.connected }
                return .redirect(to: returnURL, adding: parameters)
            case .ticket(let ticket, let returnURL):
                guard let returnURL else { return BrowserPage.returnToApplication }
                return .redirect(
                    to: returnURL, adding: [(name: "status", value: "confirm"), (name: "ticket", value: ticket)])
            }
        } catch let failure as CallbackFailure {
            guard let returnURL = failure.returnURL else { return BrowserPage.failure(failure, status: .badRequest) }
            return .redirect(
                to: returnURL, adding: [(name: "status", value: "error"), (name: "error", value: failure.reason.code)])
        }
    }

    private var flowCookie: FlowCookie { FlowCookie(isSecure: oauth.publicURL.hasPrefix("https://")) }

    // MARK: Afterwards

    private func confirmOAuth(_ call: Call) async throws -> Answer {
        var fields = try await call.fields(echoingInput: false)
        let ticket = fields.requiredString("ticket", length: 1...255)
        let userID = fields.requiredString("user_id", length: 1...255)
        try fields.finish()
        let connection = try await oauth.authorization.confirm(
            ticket: ticket, userID: userID, in: call.workspace, cause: call.cause)
        return .json(revision: connection.revision) { $0.connection(connection) }
    }

    private func refreshOAuthToken(_ call: Call) async throws -> Answer {
        let id: ConnectionID = try call.id("connection_id", .connection)
        let expiresAt = try await oauth.tokens.refresh(id, in: call.workspace, cause: call.cause)
        return .json { json in
            json.object { json in
                json.key("status")
                json.value("success")
                json.key("connection_id")
                json.id(id)
                json.key("expires_at")
                json.time(expiresAt)
            }
        }
    }

    private func readToken(_ call: Call) async throws -> Answer {
        let id: ConnectionID = try call.id("connection_id", .connection)
        do {
            let reading = try await oauth.tokens.read(id, in: call.workspace, cause: call.cause)
            return .private { $0.token(reading) }
        } catch let problem as GrantProblem where [.needsReauthorization, .notInstalled].contains(problem.code) {
            let link = await reconnectLink(id, call)
            return .private { json in
                json.object { json in
                    json.key("active")
                    json.value(false)
                    json.key("error")
                    json.value(problem.code.rawValue)
                    json.key("reason")
                    json.value(problem.reason)
                    json.key("connect_url")
                    json.value(link)
                }
            }
        }
    }

    /// Where the connection's owner can mend it; `nil` where there is no app to do it with.
    private func reconnectLink(_ id: ConnectionID, _ call: Call) async -> String? {
        guard call.principal.permissions.contains(.write),
            let connection = try? await connections.find(id, in: call.workspace)
        else { return nil }
        return try? await oauth.authorization.reconnectLink(for: connection, cause: call.cause).connectURL
    }

    private func listRevocations(_ call: Call) async throws -> Answer {
        var query = call.query
        let request: PageRequest<RevocationID> = query.page()
        try query.finish()
        let page = try await oauth.store.revocations(in: call.workspace, page: request)
        return .json { json in
            json.object { json in
                json.key("revocations")
                json.array(page.items) { json, revocation in json.revocation(revocation) }
                json.key("total")
                json.value(page.total)
                json.key("page")
                json.value(request.skip / request.limit + 1)
                json.key("size")
                json.value(request.limit)
            }
        }
    }
}

/// What ties a flow to the browser that opened its link.
private struct FlowCookie {
    /// Whether the service is reached by https: only then does a browser take the prefix that keeps other hosts from setting it.
    let isSecure: Bool

    var name: String { isSecure ? "__Host-patchbay-flow" : "patchbay-flow" }

    func text(_ value: String) -> String {
        "\(name)=\(value); Path=/; Max-Age=\(AuthorizationService.lifetime); HttpOnly; SameSite=Lax"
            + (isSecure ? "; Secure" : "")
    }
}

extension JSONWriter {
    fileprivate mutating func token(_ reading: TokenService.Reading) {
        object { json in
            json.key("access_token")
            reading.accessToken.withText { json.value($0) }
            json.key("token_type")
            json.value(reading.tokenType)
            json.key("expires_at")
            json.time(reading.expiresAt)
            json.key("scopes")
            json.strings(reading.scopes)
            json.key("missing_scopes")
            json.strings(reading.missingScopes)
        }
    }

    fileprivate mutating func revocation(_ revocation: Revocation) {
        object { json in
            json.key("id")
            json.id(revocation.id)
            json.key("subject")
            json.value(revocation.subject)
            json.key("connection_id")
            json.value(revocation.connectionID?.description)
            json.key("integration")
            json.value(revocation.integration)
            json.key("attempts")
            json.value(revocation.attempts)
            json.key("last_error")
            json.value(revocation.lastFailure)
            json.key("next_attempt_at")
            json.time(revocation.dueAt)
            json.key("gave_up")
            json.value(revocation.dueAt == nil)
            json.key("created_at")
            json.time(revocation.createdAt)
        }
    }
}
