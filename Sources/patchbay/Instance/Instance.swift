import Catalog
import Connections
import Delivery
import Egress
import Logging
import OAuth
import Probes
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
    let catalog: WorkspaceCatalog
    let integrations: IntegrationService
    let ambient: Ambient
    let authenticator: APIKeyAuthenticator
    let connections: ConnectionService
    let credentials: CredentialService
    let apiKeys: APIKeyService
    let workspaces: WorkspaceService
    let egress: Egress
    /// What the store was taken for when it was opened.
    let standing: InstanceStanding
    let pause: InstancePause
    let oauth: OAuthServices
    let refresher: Refresher
    let tester: ConnectionTester
    let dispatcher: WebhookDispatcher
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
            let standing = try await InstanceStanding.find(
                store: store, file: EpochFile(dataDirectory: settings.dataDirectory), ambient: ambient)
            if let reason = standing.reason {
                logger.warning("instance is paused", metadata: ["instance.reason": "\(reason)"])
            }
            let instance = try Instance(
                settings: settings, database: database, store: store, master: master, ambient: ambient,
                standing: standing, lock: lock, logger: logger)
            for id in try await instance.catalog.load(store) {
                logger.warning("integration cannot be read any more", metadata: ["integration.id": "\(id)"])
            }
            return instance
        } catch {
            await database.close()
            throw error
        }
    }

    private init(
        settings: Settings, database: SQLiteDatabase, store: SQLStore, master: MasterKey, ambient: Ambient,
        standing: InstanceStanding, lock: StoreLock, logger: Logger
    ) throws {
        self.settings = settings
        self.database = database
        self.store = store
        self.ambient = ambient
        self.standing = standing
        self.lock = lock
        masterKeyID = master.id
        vault = EnvelopeVault(master: master, randomBytes: ambient.randomBytes)
        catalog = WorkspaceCatalog()
        integrations = IntegrationService(store: store, catalog: catalog, ambient: ambient)
        authenticator = APIKeyAuthenticator(store: store, digester: sha256Digester)
        egress = try Egress(settings, logger: logger)
        pause = InstancePause(isPaused: standing != .original, isStoreExclusive: true)
        oauth = OAuthServices(
            store: store, vault: vault, catalog: catalog, ambient: ambient, digester: sha256Digester, egress: egress,
            pause: pause, publicURL: settings.reachableURL,
            defaultApps: try settings.oauthAppsFile.map { try OAuthAppsFile.read($0, at: ambient.now()) } ?? [],
            logger: logger)
        refresher = Refresher(services: oauth)
        tester = ConnectionTester(
            store: store, vault: vault, catalog: catalog, prober: ProbeService(egress: egress, now: ambient.now),
            grants: GrantOpener(services: oauth, refresher: refresher), ambient: ambient)
        dispatcher = WebhookDispatcher(
            store: store, vault: vault, ambient: ambient, signal: store.signal,
            outlet: WebhookSender(egress: egress, now: ambient.now), pause: pause, logger: logger)
        connections = ConnectionService(
            store: store, vault: vault, catalog: catalog, ambient: ambient,
            departure: GrantDeparture(services: oauth))
        credentials = CredentialService(
            store: store, vault: vault, catalog: catalog, ambient: ambient,
            departure: GrantDeparture(services: oauth))
        apiKeys = APIKeyService(store: store, authenticator: authenticator, ambient: ambient)
        workspaces = WorkspaceService(
            store: store, vault: vault, authenticator: authenticator, catalog: catalog, ambient: ambient)
    }

    /// The service group logs what it runs by its description; a struct's own would spell out everything in it.
    var description: String { "Instance(\(settings.databasePath))" }

    var bootstrap: Bootstrap {
        Bootstrap(store: store, vault: vault, authenticator: authenticator, ambient: ambient)
    }

    var resumption: Resumption {
        Resumption(store: store, authenticator: authenticator, ambient: ambient)
    }

    var imports: ImportService { ImportService(services: oauth, connections: connections) }

    var events: EventService {
        EventService(
            store: store, ambient: ambient, signal: store.signal, retentionDays: settings.eventRetention)
    }

    var webhooks: WebhookService {
        WebhookService(
            store: store, vault: vault, ambient: ambient, outlet: WebhookSender(egress: egress, now: ambient.now),
            pause: pause)
    }

    func retention(logger: Logger) -> JournalRetention {
        JournalRetention(
            store: store, ambient: ambient, days: settings.eventRetention, pause: pause, logger: logger)
    }

    func sweeper(pressure: RequestPressure, logger: Logger) -> Sweeper {
        Sweeper(
            tester: tester, store: store, pause: pause, pressure: pressure, ambient: ambient, logger: logger)
    }

    func expiryWatcher(logger: Logger) -> ExpiryWatcher {
        ExpiryWatcher(watch: ExpiryWatch(store: store, ambient: ambient), pause: pause, logger: logger)
    }

    /// Makes, seals and opens once around, as a request that touches a secret would.
    func checkVault() throws {
        let place = SealedPlace(workspace: ambient.id(), record: "health", field: "probe")
        let key = SealingKey.workspace(place.workspace, wrapped: try vault.makeDataKey(for: place.workspace))
        _ = try vault.open(vault.seal(Secret("probe"), under: key, for: place), under: key, for: place)
    }

    func close() async {
        try? await authenticator.flushLastUsed()
        await egress.close()
        await database.close()
    }
}

/// Microseconds by the system's clock.
@Sendable func systemTime() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
}

extension Egress {
    /// Never to our own listener, whatever is allowed.
    fileprivate convenience init(_ settings: Settings, logger: Logger) throws {
        let own = IPAddress(settings.host == "localhost" ? "127.0.0.1" : settings.host)
        let forbidden: [(IPAddress, port: Int?)] = settings.port == 0 ? [] : own.map { [($0, settings.port)] } ?? []
        do {
            try self.init(
                policy: EgressPolicy(allowances: settings.egress.allowances, forbidden: forbidden),
                resolver: SystemResolver(), proxy: settings.egress.proxy?.withText { $0 },
                extraRootsFile: settings.egress.extraRootsFile, logger: logger)
        } catch let error as EgressConfigurationError {
            throw Settings.Invalid(description: "\(error)")
        }
    }
}
