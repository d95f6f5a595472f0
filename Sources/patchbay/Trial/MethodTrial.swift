import Catalog
import Connections
import Egress
import LosslessJSON
import OAuth
import Storage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One method and its steps, each of which needs the one before.
struct MethodTrial {
    let subject: TrialIntegration
    let instance: TrialInstance
    let simulator: String

    private struct Stopped: Error {
        let step: String
        let reason: String
    }

    /// Rotation shows whether the second refresh presents what the first one brought.
    private static let modes = "rotate"

    private func step(_ step: String, _ outcome: TrialStep.Outcome, _ detail: String = "") -> TrialStep {
        TrialStep(method: subject.method.id, step: step, outcome: outcome, detail: detail)
    }

    private var unchecked: [TrialStep] { subject.notChecked.map { step($0.what, .notChecked, $0.why) } }

    /// Runs the steps and tells the one that failed.
    private func collect(_ body: (inout [TrialStep]) async throws -> Void) async throws -> [TrialStep] {
        var steps: [TrialStep] = []
        do {
            try await body(&steps)
        } catch let stopped as Stopped {
            steps.append(step(stopped.step, .failed, stopped.reason))
        }
        return steps + unchecked
    }

    /// An error of a service as the reason why a step failed.
    private func attempt<Result>(_ name: String, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let problem as GrantProblem {
            throw Stopped(step: name, reason: problem.reason)
        } catch let failure as CallbackFailure {
            throw Stopped(step: name, reason: failure.reason.code)
        } catch let error as DomainError {
            throw Stopped(step: name, reason: error.sentence)
        } catch let error as EgressError {
            throw Stopped(step: name, reason: error.description)
        }
    }

    // MARK: Authorization code

    func authorizationCode() async throws -> [TrialStep] {
        try await collect { steps in
            try checkFields()
            let app = try await attempt("app") { try await makeApp(modes: Self.modes) }
            let link = try await attempt("authorize") { try await start(app) }
            steps.append(step("authorize", .ok, try described(link, app)))
            let connection = try await connect(link, app)
            let first = try await attempt("exchange") { try await read(connection) }
            steps.append(step("exchange", .ok, described(first)))
            for number in 1...2 {
                _ = try await attempt("refresh") {
                    try await instance.tokens.refresh(connection, in: instance.workspace, cause: instance.cause)
                }
                let next = try await attempt("refresh") { try await read(connection) }
                guard next != first else { throw Stopped(step: "refresh", reason: "refresh \(number) changed nothing") }
            }
            steps.append(step("refresh", .ok, "twice, with a refresh token that changes each time"))
            steps.append(try await lifetime())
            steps.append(try await revocation(of: connection))
        }
    }

    /// A flow brings tokens and nothing else: what a method asks for besides, nobody is asked for.
    private func checkFields() throws {
        var tokens = JSONObject()
        for key in Tokens.keys { tokens[key] = JSONText("trial-0123456789") }
        tokens["expires_at"] = JSONText(instance.ambient.now().rfc3339)
        let problems = TrialCatalog(integration: subject.integration)
            .problems(credentials: tokens, method: subject.method)
        guard problems.isEmpty else {
            throw Stopped(
                step: "fields",
                reason: "what a flow brings does not fit: " + problems.map(\.message).joined(separator: "; "))
        }
    }

    private func makeApp(modes: String) async throws -> OAuthApp {
        let isPublic = subject.oauth.clientAuthentication == .none
        return try await instance.oauth.apps.create(
            OAuthAppService.Draft(
                integration: subject.integration.id, authMethodID: subject.method.id, label: nil,
                clientID: isPublic ? "simulator-public" : "simulator",
                clientSecret: isPublic ? nil : Secret("simulator-secret"), scopes: nil, clientAuthentication: nil,
                returnURLs: [], authorizeParameters: .emptyObject,
                config: TrialIntegration.config(simulator: simulator, modes: modes).text),
            in: instance.workspace, cause: instance.cause)
    }

    private func start(_ app: OAuthApp) async throws -> AuthorizationService.Link {
        try await instance.authorization.start(
            AuthorizationService.Start(
                integration: subject.integration.id, authMethodID: subject.method.id, appID: app.id),
            in: instance.workspace, cause: instance.cause)
    }

    /// What the authorize URL asks for; throws where the file's own parameters stand in the way of ours.
    private func described(_ link: AuthorizationService.Link, _ app: OAuthApp) throws -> String {
        let sent = Query(link.authorizeURL)
        for parameter in subject.oauth.authorizeParameters where sent[parameter.name] != parameter.value {
            throw Stopped(
                step: "authorize", reason: "authorize_parameters has '\(parameter.name)', which Patchbay sets itself")
        }
        let scope = sent[subject.oauth.scopeParameter] ?? ""
        guard scope == app.scopes.joined(separator: subject.oauth.scopeSeparator) else {
            throw Stopped(step: "authorize", reason: "the scopes are not in '\(subject.oauth.scopeParameter)'")
        }
        var parts = [scope.isEmpty ? "no scopes" : "\(subject.oauth.scopeParameter)=\(scope)"]
        parts.append(sent["code_challenge"] == nil ? "without PKCE" : "PKCE by S256")
        parts += subject.oauth.authorizeParameters.map { "\($0.name)=\($0.value)" }
        return parts.joined(separator: ", ")
    }

    /// The person at the simulator consents, and comes back with the code.
    private func connect(_ link: AuthorizationService.Link, _ app: OAuthApp) async throws -> ConnectionID {
        let response = try await attempt("consent") {
            try await instance.egress.send(EgressRequest(purpose: .oauth, url: link.authorizeURL))
        }
        guard let location = response.header("Location") else {
            throw Stopped(step: "consent", reason: "the simulator refuses the request, HTTP \(response.status)")
        }
        let query = Query(location)
        let callback = AuthorizationService.Callback(
            state: query["state"], code: query["code"], error: query["error"], issuer: query["iss"], cookie: nil,
            parameters: query.values)
        let arrival = try await attempt("exchange") {
            try await instance.authorization.arrive(
                callback, app: app.id, requestID: "trial", at: instance.ambient.now())
        }
        guard case .connected(let connection, _, _) = arrival else {
            throw Stopped(step: "exchange", reason: "the flow waits for a confirmation that nobody asked for")
        }
        return connection.id
    }

    /// What the file makes of an answer that does not say when the token ends.
    private func lifetime() async throws -> TrialStep {
        let app = try await attempt("lifetime") { try await makeApp(modes: "no_expires_in") }
        let connection = try await connect(try await attempt("lifetime") { try await start(app) }, app)
        let token = try await attempt("lifetime") { try await read(connection) }
        guard token.expiresAt == nil else {
            return step("lifetime", .ok, "an answer without expires_in is given an end all the same")
        }
        return step(
            "lifetime", .note,
            "an answer without expires_in is taken for a token that does not end: 'lifetime' would say otherwise")
    }

    private func revocation(of connection: ConnectionID) async throws -> TrialStep {
        let before = try await revocationsSeen()
        try await attempt("revoke") {
            try await instance.connections.delete(
                connection, in: instance.workspace, if: .none, cause: instance.cause)
        }
        _ = await instance.scheduler.revocationRound()
        if try await revocationsSeen() > before { return step("revoke", .ok) }
        let left = try await instance.store.revocations(in: instance.workspace, page: PageRequest(limit: 1))
        if let failed = left.items.first { return step("revoke", .failed, failed.lastFailure ?? "it was not tried") }
        return step("revoke", .note, "without revoke_url, a deleted connection leaves its grant at the provider")
    }

    private func revocationsSeen() async throws -> Int {
        let response = try await attempt("revoke") {
            try await instance.egress.send(EgressRequest(purpose: .oauth, url: "\(simulator)/_simulate/stats"))
        }
        let stats = JSONObject(try JSONSlice(parsing: response.body))
        return stats["revocations"].flatMap { Int($0.string) } ?? 0
    }

    // MARK: Client credentials

    func clientCredentials() async throws -> [TrialStep] {
        try await collect { steps in
            var credentials = JSONObject()
            credentials["client_id"] = JSONText("simulator")
            credentials["client_secret"] = JSONText("simulator-secret")
            let draft = ConnectionDraft(
                integration: subject.integration.id, integrationType: subject.integration.type,
                authMethodID: subject.method.id, credential: .inline(credentials), label: nil,
                config: TrialIntegration.config(simulator: simulator, modes: "honest"), userID: nil, externalID: nil,
                tags: nil, metadata: nil)
            let connection = try await attempt("fields") {
                try await instance.connections.create(draft, in: instance.workspace, cause: instance.cause).id
            }
            let token = try await attempt("token") { try await read(connection) }
            steps.append(step("token", .ok, described(token)))
        }
    }

    // MARK: Tokens

    private struct Token: Equatable {
        let text: String
        let expiresAt: Timestamp?
        let scopes: [String]
        let missing: [String]
    }

    private func read(_ connection: ConnectionID) async throws -> Token {
        let reading = try await instance.tokens.read(connection, in: instance.workspace, cause: instance.cause)
        return Token(
            text: reading.accessToken.withText { $0 }, expiresAt: reading.expiresAt, scopes: reading.scopes,
            missing: reading.missingScopes)
    }

    private func described(_ token: Token) -> String {
        var parts = [token.expiresAt == nil ? "a token without an end" : "a token with an end"]
        if !token.scopes.isEmpty { parts.append("scopes \(token.scopes.joined(separator: " "))") }
        if !token.missing.isEmpty { parts.append("missing \(token.missing.joined(separator: " "))") }
        return parts.joined(separator: ", ")
    }
}

/// The parameters of a URL.
private struct Query {
    let values: [String: String]

    init(_ url: String) {
        let items = URLComponents(string: url)?.queryItems ?? []
        values = Dictionary(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { $1 })
    }

    subscript(name: String) -> String? { values[name] }
}
