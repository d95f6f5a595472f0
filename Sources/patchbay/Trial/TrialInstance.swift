import Connections
import Egress
import LosslessJSON
import OAuth
import Storage
import Vault

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The services of an instance over a store that is thrown away, which may reach the simulator and nothing else: what an
/// integration is tried with is what serves it.
struct TrialInstance: Sendable {
    let store: SQLStore
    let connections: ConnectionService
    let oauth: OAuthServices
    let authorization: AuthorizationService
    let tokens: TokenService
    let scheduler: GrantScheduler
    let egress: Egress
    let workspace: WorkspaceID
    let ambient: Ambient

    static func with<Result>(
        _ integration: Integration, simulatorPort: Int, _ body: (TrialInstance) async throws -> Result
    ) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.path + "/patchbay-trial-\(UUID().uuidString)"
        try PrivateFile.makeDirectory(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try await SQLiteDatabase(path: folder + "/trial.db", logger: .silent)
        let egress = try Egress(
            policy: EgressPolicy(
                allowances: [EgressAllowance("127.0.0.1/32:\(simulatorPort)")].compactMap(\.self), forbidden: []),
            resolver: SystemResolver(), proxy: nil, extraRootsFile: nil, logger: .silent)
        do {
            let instance = try await TrialInstance(integration, database: database, egress: egress)
            let result = try await body(instance)
            await egress.close()
            await database.close()
            return result
        } catch {
            await egress.close()
            await database.close()
            throw error
        }
    }

    private init(_ integration: Integration, database: SQLiteDatabase, egress: Egress) async throws {
        ambient = Ambient(now: systemTime, randomBytes: secureRandomBytes)
        _ = try await Migrator.migrate(database, now: ambient.now())
        guard let master = MasterKey(base64: MasterKey.generate()) else {
            throw SystemError(description: "cannot make a master key")
        }
        store = SQLStore(database)
        let vault = EnvelopeVault(master: master, randomBytes: ambient.randomBytes)
        let catalog = TrialCatalog(integration: integration)
        self.egress = egress
        oauth = OAuthServices(
            store: store, vault: vault, catalog: catalog, ambient: ambient, digester: sha256Digester, egress: egress,
            pause: InstancePause(isPaused: false, isStoreExclusive: true), publicURL: "http://localhost",
            defaultApps: [], logger: .silent)
        connections = ConnectionService(
            store: store, vault: vault, catalog: catalog, ambient: ambient, departure: GrantDeparture(services: oauth))
        authorization = AuthorizationService(services: oauth, connections: connections)
        let refresher = Refresher(services: oauth)
        tokens = TokenService(services: oauth, refresher: refresher)
        scheduler = GrantScheduler(services: oauth, refresher: refresher)
        let authenticator = APIKeyAuthenticator(store: store, digester: sha256Digester)
        let workspaces = WorkspaceService(
            store: store, vault: vault, authenticator: authenticator, catalog: catalog, ambient: ambient)
        let cause = Cause(principal: .console, requestID: "trial", at: ambient.now())
        workspace = try await workspaces.create(name: "Trial", slug: nil, description: nil, cause: cause).id
    }

    var cause: Cause { Cause(principal: .console, requestID: "trial", at: ambient.now()) }
}
