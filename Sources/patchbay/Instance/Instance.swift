import Catalog
import Connections
import Logging
import Storage
import Vault

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An open store with its services: what the server, and a command without a server, work with. This is the only place where
/// concrete types meet.
struct Instance: Sendable, CustomStringConvertible {
    let settings: Settings
    let database: SQLiteDatabase
    let store: SQLStore
    let masterKeyID: String
    let vault: EnvelopeVault
    let catalog: BuiltInCatalog
    let ambient: Ambient
    let authenticator: APIKeyAuthenticator
    let connections: ConnectionService
    let credentials: CredentialService
    let apiKeys: APIKeyService
    let workspaces: WorkspaceService
    private let lock: StoreLock

    /// Takes the lock, opens the store, brings its schema up to date, and checks the master key against it.
    static func open(_ settings: Settings, logger: Logger) async throws -> Instance {
        try PrivateFile.makeDirectory(settings.dataDirectory)
        try PrivateFile.makeDirectory(PrivateFile.parent(of: settings.databasePath))
        let lock = try StoreLock(databasePath: settings.databasePath)
        let database = try await SQLiteDatabase(path: settings.databasePath, logger: logger)
        do {
            let ambient = Ambient(now: systemTime, randomBytes: secureRandomBytes)
            let migrated = try await Migrator.migrate(database, now: ambient.now())
            for name in migrated { logger.notice("store migrated", metadata: ["migration.name": "\(name)"]) }
            let store = SQLStore(database)
            let master = try await MasterKeySource(settings: settings, store: store).load()
            return Instance(
                settings: settings, database: database, store: store, master: master, ambient: ambient, lock: lock)
        } catch {
            await database.close()
            throw error
        }
    }

    private init(
        settings: Settings, database: SQLiteDatabase, store: SQLStore, master: MasterKey, ambient: Ambient,
        lock: StoreLock
    ) {
        self.settings = settings
        self.database = database
        self.store = store
        self.ambient = ambient
        self.lock = lock
        masterKeyID = master.id
        vault = EnvelopeVault(master: master, randomBytes: ambient.randomBytes)
        catalog = BuiltInCatalog()
        authenticator = APIKeyAuthenticator(store: store, digester: sha256Digester)
        connections = ConnectionService(store: store, vault: vault, catalog: catalog, ambient: ambient)
        credentials = CredentialService(store: store, vault: vault, catalog: catalog, ambient: ambient)
        apiKeys = APIKeyService(store: store, authenticator: authenticator, ambient: ambient)
        workspaces = WorkspaceService(
            store: store, vault: vault, authenticator: authenticator, ambient: ambient)
    }

    /// The service group logs what it runs by its description; a struct's own would spell out everything in it.
    var description: String { "Instance(\(settings.databasePath))" }

    var bootstrap: Bootstrap {
        Bootstrap(store: store, vault: vault, authenticator: authenticator, ambient: ambient)
    }

    /// Makes, seals and opens once around, as a request that touches a secret would.
    func checkVault() throws {
        let place = SealedPlace(workspace: ambient.id(), record: "health", field: "probe")
        let key = SealingKey.workspace(place.workspace, wrapped: try vault.makeDataKey(for: place.workspace))
        _ = try vault.open(vault.seal(Secret("probe"), under: key, for: place), under: key, for: place)
    }

    func close() async {
        try? await authenticator.flushLastUsed()
        await database.close()
    }
}

/// Microseconds by the system's clock.
@Sendable func systemTime() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
}
