import Connections
import Logging
import LosslessJSON
import Storage
import TestSupport
import Testing
import Vault

@testable import Delivery

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A dispatcher over a real store in a folder of its own, with an endpoint in memory and a clock that a test moves.
struct Station: Sendable {
    static let workspace = WorkspaceID.numbered(1)
    static let other = WorkspaceID.numbered(2)

    let clock: TestClock
    let database: SQLiteDatabase
    let store: SQLStore
    let vault: EnvelopeVault
    let ambient: Ambient
    let pause: InstancePause
    let endpoint: Endpoint
    let webhooks: WebhookService

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func run(isPaused: Bool = false, _ body: @Sendable (Station) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/patchbay-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try await SQLiteDatabase(path: folder + "/store.db", logger: logger)
        do {
            try await body(Station(database, isPaused: isPaused))
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }

    private init(_ database: SQLiteDatabase, isPaused: Bool) async throws {
        let clock = TestClock()
        self.clock = clock
        self.database = database
        ambient = Ambient(now: { clock.now }, randomBytes: secureRandomBytes)
        _ = try await Migrator.migrate(database, now: clock.now)
        store = SQLStore(database)
        vault = EnvelopeVault(
            master: try #require(MasterKey(base64: MasterKey.generate())), randomBytes: secureRandomBytes)
        pause = InstancePause(isPaused: isPaused, isStoreExclusive: true)
        endpoint = Endpoint()
        webhooks = WebhookService(store: store, vault: vault, ambient: ambient, outlet: endpoint, pause: pause)
        for (id, slug) in [(Self.workspace, "w"), (Self.other, "o")] {
            let row = Workspace(
                id: id, name: slug, slug: slug, description: nil, createdBy: "test", createdAt: .t0, updatedAt: .t0)
            let wrapped = try vault.makeDataKey(for: id)
            try await store.write { try $0.insert(row, wrappedDataKey: wrapped) }
        }
    }

    /// A dispatcher as after a start: all that it knows is in the store.
    func dispatcher() -> WebhookDispatcher {
        WebhookDispatcher(
            store: store, vault: vault, ambient: ambient, signal: store.signal, outlet: endpoint, pause: pause,
            logger: Self.logger)
    }

    var cause: Cause { Cause(principal: .console, requestID: "r", at: clock.now) }

    @discardableResult
    func webhook(
        in workspace: WorkspaceID = Self.workspace, url: String = "https://app.test/hook",
        _ filter: EventFilter = EventFilter(stored: ["connection.*"])
    ) async throws -> Webhook {
        try await webhooks.create(
            WebhookService.Draft(url: url, label: nil, filter: filter, status: .active), in: workspace, cause: cause
        ).webhook
    }

    /// Commits so many events, and returns their ids in order.
    @discardableResult
    func happen(
        _ count: Int = 1, _ kind: JournalEntry.Kind = .connectionUpdated, in workspace: WorkspaceID = Self.workspace
    ) async throws -> [EventID] {
        let ids = (0..<count).map { _ in ambient.id(EventID.self) }
        let cause = cause
        try await store.write { tx in
            for id in ids {
                try tx.append(
                    JournalEntry(kind, in: workspace, subject: ConnectionID.numbered(1).description), id: id,
                    cause: cause)
            }
        }
        return ids
    }

    func row(_ webhook: Webhook) async throws -> Webhook {
        try #require(await store.webhook(webhook.id, in: webhook.workspaceID))
    }

    func deliveries(
        _ webhook: Webhook, _ state: WebhookDelivery.State? = nil
    ) async throws -> [WebhookDelivery] {
        try await store.deliveries(
            DeliveryQuery(webhook: webhook.key, state: state, page: PageRequest(limit: 10_000))
        ).items
    }

    func kinds() async throws -> [JournalEntry.Kind] {
        try await store.journalSteps(after: 0, limit: 100_000).compactMap(\.kind)
    }

    /// Moves the clock to the moment at which something is due for a webhook, and delivers it.
    func settleNextDue(_ webhook: Webhook, with dispatcher: WebhookDispatcher) async throws {
        let due = try #require(await store.nextDueDelivery(of: webhook.key))
        clock.move(to: max(due, try await row(webhook).progress.resumeAt ?? due))
        await dispatcher.settle()
    }
}
