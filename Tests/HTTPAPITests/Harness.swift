import Catalog
import Connections
import Delivery
import Egress
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import LosslessJSON
import NIOCore
import OAuth
import Probes
import Storage
import Synchronization
import Testing
import Vault

@testable import HTTPAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The API over a real store, vault and catalog in a folder of its own, driven without a socket.
struct Harness: Sendable {
    static let bootstrapKey = "bootstrap-0123456789-0123456789-0123456789"
    static let publicURL = "https://patchbay.test"

    let client: any TestClientProtocol
    let routes: [Route]
    let clock: TestClock
    let authenticator: APIKeyAuthenticator
    let store: SQLStore
    /// Delivers when a test says so.
    let dispatcher: WebhookDispatcher

    /// A clock that stands until it is moved.
    final class TestClock: Sendable {
        private let time = Mutex(Timestamp(microseconds: 1_700_000_000_000_000))
        var now: Timestamp { time.withLock { $0 } }
        func advance(seconds: Int64) { time.withLock { $0 = $0.advanced(bySeconds: seconds) } }
    }

    static func run(
        users: UserTokenConfiguration? = nil, _ body: @Sendable (Harness) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/patchbay-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let database = try await SQLiteDatabase(path: folder + "/store.db", logger: logger)
        let clock = TestClock()
        let ambient = Ambient(now: { clock.now }, randomBytes: secureRandomBytes)
        _ = try await Migrator.migrate(database, now: ambient.now())
        let store = SQLStore(database)
        guard let master = MasterKey(base64: MasterKey.generate()) else { return }
        let vault = EnvelopeVault(master: master, randomBytes: secureRandomBytes)
        let catalog = WorkspaceCatalog()
        let authenticator = APIKeyAuthenticator(store: store, digester: sha256Digester)
        _ = try await Bootstrap(store: store, vault: vault, authenticator: authenticator, ambient: ambient)
            .run(token: bootstrapKey) { _ in }
        let verifier: UserTokenVerifier? = if let users { try await UserTokenVerifier(users) } else { nil }
        let egress = try Egress(
            policy: EgressPolicy(allowances: [EgressAllowance("127.0.0.1/32")].compactMap(\.self), forbidden: []),
            resolver: SystemResolver(), proxy: nil, extraRootsFile: nil, logger: logger)
        let services = OAuthServices(
            store: store, vault: vault, catalog: catalog, ambient: ambient, digester: sha256Digester, egress: egress,
            pause: InstancePause(isPaused: false, isStoreExclusive: true), publicURL: publicURL, defaultApps: [],
            logger: logger)
        let connections = ConnectionService(
            store: store, vault: vault, catalog: catalog, ambient: ambient,
            departure: GrantDeparture(services: services))
        let refresher = Refresher(services: services)
        let tester = ConnectionTester(
            store: store, vault: vault, catalog: catalog, prober: ProbeService(egress: egress, now: ambient.now),
            grants: GrantOpener(services: services, refresher: refresher), ambient: ambient)
        let pause = InstancePause(isPaused: false, isStoreExclusive: true)
        let sender = WebhookSender(egress: egress, now: ambient.now)
        let dispatcher = WebhookDispatcher(
            store: store, vault: vault, ambient: ambient, signal: store.signal, outlet: sender, pause: pause,
            logger: logger)
        let api = API(
            connections: connections,
            credentials: CredentialService(store: store, vault: vault, catalog: catalog, ambient: ambient),
            apiKeys: APIKeyService(store: store, authenticator: authenticator, ambient: ambient),
            workspaces: WorkspaceService(
                store: store, vault: vault, authenticator: authenticator, catalog: catalog, ambient: ambient),
            catalog: catalog,
            integrations: IntegrationService(store: store, catalog: catalog, ambient: ambient), ambient: ambient,
            keys: authenticator, users: verifier, trustedProxies: [], health: HealthChecks(store: {}, vault: {}),
            oauth: OAuthRoom(
                services: services,
                authorization: AuthorizationService(services: services, connections: connections),
                tokens: TokenService(services: services, refresher: refresher), store: store,
                publicURL: publicURL),
            checks: ChecksRoom(
                tester: tester, timeline: TimelineService(store: store), quota: TestQuota(),
                expirations: ExpirationService(store: store)),
            events: EventsRoom(
                events: EventService(store: store, ambient: ambient, signal: store.signal, retentionDays: 90),
                webhooks: WebhookService(store: store, vault: vault, ambient: ambient, outlet: sender, pause: pause)))
        let metrics = Metrics()
        let application = Application(responder: api.responder(metrics: metrics) { _ in }, logger: logger)
        try await application.test(.router) { client in
            try await body(
                Harness(
                    client: client, routes: api.routes(metrics: metrics), clock: clock,
                    authenticator: authenticator, store: store, dispatcher: dispatcher))
        }
        await egress.close()
        await database.close()
    }

    // MARK: Requests

    @discardableResult
    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, key: String? = bootstrapKey,
        headers: HTTPFields = [:]
    ) async throws -> Reply {
        var headers = headers
        if let key { headers[.authorization] = "Bearer \(key)" }
        if body != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        let uri =
            path.hasPrefix("/health") || path.hasPrefix("/metrics") || path.hasPrefix("/openapi")
            ? path : "/api/v1" + path
        return try await client.execute(
            uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) }
        ) { Reply($0) }
    }

    struct Reply: Sendable {
        let status: Int
        let headers: HTTPFields
        let text: String

        init(_ response: TestResponse) {
            status = response.status.code
            headers = response.headers
            text = String(buffer: response.body)
        }

        /// A member of the body's object as JSON text.
        subscript(name: String) -> String? { json[name]?.string }

        func string(_ name: String) -> String? { json[name]?.slice.string }

        var json: JSONObject {
            (try? JSONSlice(parsing: Array(text.utf8))).map { JSONObject($0) } ?? JSONObject()
        }
    }

    /// Makes a slack connection and returns its id.
    func slack(
        key: String = bootstrapKey, headers: HTTPFields = [:], _ more: String = ""
    ) async throws -> String {
        let reply = try await send(
            .post, "/connections",
            """
            {"integration":"slack","integration_type":"connectors","label":"one",
             "credentials":{"bot_token":"xoxb-1234567890-abcdefgh"}\(more.isEmpty ? "" : "," + more)}
            """, key: key, headers: headers)
        return reply.string("id") ?? reply.text
    }

    /// Registers an OAuth app for linear and returns its id.
    @discardableResult
    func app(key: String = bootstrapKey) async throws -> String {
        let reply = try await send(
            .post, "/oauth/apps",
            """
            {"integration":"linear","client_id":"client","client_secret":"client-secret-123",
             "return_urls":["https://app.test/done"]}
            """, key: key)
        return reply.string("id") ?? reply.text
    }

    /// Makes a webhook and returns its id. Nothing listens there.
    func webhook(key: String = bootstrapKey, url: String = "https://app.test/hook") async throws -> String {
        let reply = try await send(.post, "/webhooks", #"{"url":"\#(url)"}"#, key: key)
        return reply.string("id") ?? reply.text
    }

    /// An integration as a workspace writes it, without an id.
    static let definition = """
        {"name":"Own","type":"api","category":"http","description":"An API","docs_url":"https://api.test/docs",
         "base_url":"https://api.test",
         "auth_methods":[{"id":"token","name":"Token","type":"bearer","auth_type":"access_token",
           "description":"A token.","apply":[{"in":"header","name":"Authorization","value":"Bearer {token}"}],
           "fields":[{"key":"token","label":"Token","type":"password","required":true}]}]}
        """

    /// Writes an integration for a workspace and returns its id.
    @discardableResult
    func integration(_ id: String, key: String) async throws -> String {
        let reply = try await send(
            .post, "/integrations", Self.definition.replacing(#"{"name""#, with: #"{"id":"\#(id)","name""#), key: key)
        return reply.string("id") ?? reply.text
    }

    /// A workspace of its own with a key that may do everything in it.
    func tenant(_ name: String, permissions: [String] = ["read", "write", "secrets", "admin"]) async throws -> Tenant {
        let workspace = try await send(.post, "/workspaces", #"{"name":"\#(name)"}"#).string("id") ?? ""
        let list = permissions.map { "\"\($0)\"" }.joined(separator: ",")
        let key = try await send(
            .post, "/api-keys", #"{"label":"\#(name)","permissions":[\#(list)]}"#,
            headers: [.workspaceID: workspace])
        return Tenant(workspace: workspace, keyID: key.string("id") ?? "", key: key.string("secret") ?? "")
    }

    struct Tenant: Sendable {
        let workspace: String
        let keyID: String
        let key: String
    }
}

/// One request and what must and must not come back.
struct Scenario: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let method: HTTPRequest.Method
    let path: String
    var body: String?
    var key: String? = Harness.bootstrapKey
    var headers: HTTPFields = [:]
    let status: Int
    var contains: [String] = []
    var lacks: [String] = []

    init(
        _ name: String, _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil,
        key: String? = Harness.bootstrapKey, headers: HTTPFields = [:], status: Int, contains: [String] = [],
        lacks: [String] = []
    ) {
        testDescription = name
        self.method = method
        self.path = path
        self.body = body
        self.key = key
        self.headers = headers
        self.status = status
        self.contains = contains
        self.lacks = lacks
    }
}
