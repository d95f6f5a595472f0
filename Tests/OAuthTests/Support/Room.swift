import Connections
import Egress
import Hummingbird
import Logging
import LosslessJSON
import Simulator
import Storage
import TestSupport
import Testing
import Vault

@testable import OAuth

/// The services over a real store in a folder of its own, with a provider on loopback and a clock that a test moves.
struct Room: Sendable {
    static let workspace = TestStore.workspace
    static let secret = "simulator-secret"

    private let kept: TestStore
    let pause: InstancePause
    let services: OAuthServices
    let refresher: Refresher
    let integration: Integration
    /// The provider's origin.
    let origin: String
    /// Another door than the services', so that what they meet does not close it.
    private let control: Egress
    let app: OAuthApp

    static let logger = TestStore.logger

    var clock: TestClock { kept.clock }
    var database: SQLiteDatabase { kept.database }
    var store: SQLStore { kept.store }
    var vault: EnvelopeVault { kept.vault }
    var ambient: Ambient { kept.ambient }

    /// A provider that behaves by `modes` until it is told otherwise.
    static func run(
        _ modes: String = "honest", isPaused: Bool = false, isStoreExclusive: Bool = true,
        method: @Sendable (inout OAuthMethod) -> Void = { _ in }, _ body: @Sendable (Room) async throws -> Void
    ) async throws {
        let clock = TestClock()
        var options = SimulatorOptions()
        options.modes = try #require(SimulatorMode.list(modes))
        options.now = { clock.now.microseconds / 1_000 }
        let (ports, started) = AsyncStream.makeStream(of: Int.self)
        let simulator = makeSimulator(options, logger: logger) { started.yield($0) }
        try await withServer(simulator, ports: ports, started: started) { port in
            try await run(
                origin: "http://127.0.0.1:\(port)", clock: clock, isPaused: isPaused,
                isStoreExclusive: isStoreExclusive, method: method, body)
        }
    }

    /// A provider that a test answers for.
    static func run(
        origin: String, clock: TestClock, isPaused: Bool = false, isStoreExclusive: Bool = true,
        method change: @Sendable (inout OAuthMethod) -> Void = { _ in }, _ body: @Sendable (Room) async throws -> Void
    ) async throws {
        var method = OAuthMethod()
        method.authorizeURL = try URLTemplate("{authorize_url}")
        method.tokenURL = try URLTemplate("{token_url}")
        method.revokeURL = try URLTemplate("{revoke_url}")
        change(&method)
        try await TestStore.run(clock: clock) { [method] kept in
            let (door, control) = (try egress(), try egress())
            do {
                let room = try await Room(
                    kept, door: door, control: control, origin: origin, method: method,
                    pause: InstancePause(isPaused: isPaused, isStoreExclusive: isStoreExclusive))
                try await body(room)
                await room.refresher.drain()
                await close(door, control)
            } catch {
                await close(door, control)
                throw error
            }
        }
    }

    private static func close(_ door: Egress, _ control: Egress) async {
        await door.close()
        await control.close()
    }

    static func withServer(
        _ server: some ApplicationProtocol, ports: AsyncStream<Int>, started: AsyncStream<Int>.Continuation,
        _ body: @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { started.finish() }
                try await server.run()
            }
            defer { group.cancelAll() }
            let port = try #require(await ports.first { _ in true })
            try await body(port)
        }
    }

    private static func egress() throws -> Egress {
        try Egress(
            policy: EgressPolicy(allowances: [try #require(EgressAllowance("127.0.0.1/32"))], forbidden: []),
            resolver: SystemResolver(), proxy: nil, extraRootsFile: nil, logger: logger)
    }

    private init(
        _ kept: TestStore, door: Egress, control: Egress, origin: String, method: OAuthMethod, pause: InstancePause
    ) async throws {
        self.kept = kept
        self.control = control
        self.origin = origin
        self.pause = pause
        let authMethod = AuthMethod(
            id: "oauth2", name: "OAuth", scheme: .oauth2, authType: .oauthTokenRefreshRotation, description: "",
            fields: [], oauth: method)
        integration = Integration(
            id: "sample", name: "Sample", type: .api, category: "http", description: "", docsURL: "", baseURL: nil,
            destinationKeys: [], authMethods: [authMethod], configFields: [])
        services = OAuthServices(
            store: kept.store, vault: kept.vault, catalog: FixedCatalog(integration), ambient: kept.ambient,
            digester: sha256Digester, egress: door, pause: pause, publicURL: "http://localhost", defaultApps: [],
            logger: Self.logger)
        refresher = Refresher(services: services)
        app = try await services.apps.create(
            OAuthAppService.Draft(
                integration: "sample", authMethodID: "oauth2", label: nil, clientID: "simulator",
                clientSecret: Secret(Self.secret), scopes: nil, clientAuthentication: nil, returnURLs: [],
                authorizeParameters: .emptyObject, config: Self.config(origin).text),
            in: Self.workspace, cause: Cause(principal: .console, requestID: "r", at: .t0))
    }

    private static func config(_ origin: String) -> JSONObject {
        var config = JSONObject()
        for endpoint in ["authorize", "token", "revoke"] {
            config["\(endpoint)_url"] = JSONText("\(origin)/\(endpoint)")
        }
        return config
    }

    var cause: Cause { Cause(principal: .console, requestID: "r", at: clock.now) }
    var tokens: TokenService { TokenService(services: services, refresher: refresher) }
    var scheduler: GrantScheduler { GrantScheduler(services: services, refresher: refresher) }

    // MARK: The provider

    /// Asks or tells the provider behind the services' back.
    @discardableResult
    func control(_ path: String, _ body: String? = nil) async throws -> JSONObject {
        let response = try await control.send(
            EgressRequest(
                purpose: .probe, method: body == nil ? "GET" : "POST", url: "\(origin)/_simulate/\(path)",
                headers: body == nil ? [] : [(name: "Content-Type", value: "application/json")],
                body: body.map { Array($0.utf8) }))
        try #require((200..<300).contains(response.status), "\(path)")
        return response.body.isEmpty ? JSONObject() : JSONObject(try JSONSlice(parsing: response.body))
    }

    func setMode(_ modes: String) async throws { try await control("mode", #"{"mode":"\#(modes)"}"#) }

    /// Requests with a refresh token that the provider has seen.
    func refreshesSeen() async throws -> Int {
        try #require(Int(try await control("stats").text(at: "refreshes_seen") ?? ""))
    }

    // MARK: Grants

    struct Seeded: Sendable {
        let key: GrantKey
        let connectionID: ConnectionID
        let recordKey: Secret
        let accessToken: String
        let refreshToken: String?
    }

    /// A connection whose grant the provider made, due when the schedule says, and now where nothing is left of it.
    func grant(_ number: UInt64 = 1, expiresIn: Int64 = 3_600) async throws -> Seeded {
        let answer = try await control("grants", #"{"client_id":"simulator","expires_in":\#(expiresIn)}"#)
        let refresh: String = try #require(answer.text(at: "grants.0.refresh_token"))
        return try await insert(
            number, access: try #require(answer.text(at: "grants.0.access_token")), refresh: refresh,
            expiresIn: expiresIn)
    }

    func insert(
        _ number: UInt64 = 1, access: String, refresh: String?, expiresIn: Int64?
    ) async throws -> Seeded {
        let now = clock.now
        let tokens = Tokens(
            accessToken: Secret(access), refreshToken: refresh.map { Secret($0) },
            expiresAt: expiresIn.map { now.advanced(bySeconds: $0) })
        let key = GrantKey(workspaceID: Self.workspace, credentialID: .numbered(number))
        let connection = Connection(
            id: .apart(number), workspaceID: Self.workspace, credentialID: key.credentialID,
            integration: integration.id, integrationType: integration.type, authMethodID: "oauth2", userID: nil,
            label: nil, config: .emptyObject, externalID: nil, tags: .literal("[]"), metadata: .emptyObject,
            createdBy: "test", createdAt: now, updatedAt: now)
        let credential = Credential(
            id: key.credentialID, workspaceID: Self.workspace, label: "c", description: nil,
            authType: .oauthTokenRefreshRotation, credentialType: .integration, scope: "workspace", provider: nil,
            userID: nil, expiresAt: tokens.expiresAt, isInline: true, createdBy: "test", createdAt: now, updatedAt: now)
        let method = try #require(integration.authMethod("oauth2")?.oauth)
        let config = app.config(over: JSONObject(), method: method)
        let origins = try #require(integration.origins(config: config, method: "oauth2"))
        let recordKey = vault.makeRecordKey()
        var row = Grant(
            workspaceID: Self.workspace, credentialID: key.credentialID, kind: method.grant, appID: app.id,
            clientID: app.clientID)
        row.accept(tokens, hasRefreshToken: refresh != nil, method: method, at: now, jitter: 0)
        if let expiresIn, expiresIn <= 0 { row.dueAt = now }
        var data = JSONObject()
        tokens.merge(into: &data)
        try await store.write { [row, data] tx in
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: Self.workspace)
            try tx.insert(
                credential, sealed: keeper.seal(data, of: key.credentialID, recordKey: recordKey, generation: 1))
            try tx.insert(
                connection,
                secrets: ConnectionSecrets(
                    origins: origins,
                    wrappedRecordKey: keeper.bind(
                        recordKey, of: key.credentialID, to: connection.id, origins: origins)), searchText: "")
            try tx.put(row)
        }
        return Seeded(
            key: key, connectionID: connection.id, recordKey: recordKey, accessToken: access, refreshToken: refresh)
    }

    func change(_ seeded: Seeded, _ body: @Sendable @escaping (inout Grant) throws -> Void) async throws {
        try await store.write { tx in
            var grant = try #require(try tx.grant(of: seeded.key.credentialID, in: Self.workspace))
            try body(&grant)
            try tx.put(grant)
        }
    }

    func refresh(_ seeded: Seeded, isForced: Bool = false) async -> Refresher.Result {
        await refresher.refresh(seeded.key, via: nil, isForced: isForced, cause: cause)
    }

    // MARK: What is kept

    func stored(_ seeded: Seeded) async throws -> Grant {
        try #require(await store.grant(of: seeded.key.credentialID, in: Self.workspace))
    }

    func status(_ seeded: Seeded) async throws -> ConnectionStatus {
        try #require(await store.connection(seeded.connectionID, in: Self.workspace)).status
    }

    func failure() async throws -> OAuthApp.Failure? {
        try #require(await store.oauthApp(app.id, in: Self.workspace)).failure
    }

    /// The credential's data and the generation that it is sealed as.
    func data(_ seeded: Seeded) async throws -> (tokens: JSONObject, generation: Int64) {
        try await store.write { tx in
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: Self.workspace)
            let sealed = try #require(try tx.sealed(seeded.key.credentialID, in: Self.workspace))
            let data = try keeper.open(sealed, of: seeded.key.credentialID, recordKey: seeded.recordKey)
            return (data, sealed.generation)
        }
    }

    /// The kinds of what happened to grants, connections and apps since the app was made, in order.
    func journal() async throws -> [String] {
        try await database.read(.scan) { sql in
            try sql.query(SQL("SELECT kind FROM journal ORDER BY sequence"), []) { row in
                String(decoding: row.buffer(0), as: UTF8.self)
            }
        }.filter { $0 != "oauth_app.created" }
    }
}

extension Refresher.Result {
    var problem: GrantProblem? { if case .failed(let problem) = self { problem } else { nil } }

    var isFresh: Bool { problem == nil }
}
