package import Connections
package import Logging
package import Storage
package import Vault

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A real store with one workspace and a vault, in a folder of its own that is gone afterwards.
package struct TestStore: Sendable {
    package static let workspace = WorkspaceID.numbered(1)
    package static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    package struct NoMasterKey: Error {}

    package let clock: TestClock
    package let database: SQLiteDatabase
    package let store: SQLStore
    package let vault: EnvelopeVault
    package let ambient: Ambient

    package static func run(
        clock: TestClock = TestClock(), _ body: @Sendable (TestStore) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/patchbay-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try await SQLiteDatabase(path: folder + "/store.db", logger: logger)
        do {
            try await body(TestStore(clock: clock, database: database))
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }

    /// The same store by another clock, as for somebody whose story has times of its own.
    package func running(on clock: TestClock) -> TestStore { TestStore(self, clock: clock) }

    private init(_ other: TestStore, clock: TestClock) {
        self.clock = clock
        database = other.database
        store = other.store
        vault = other.vault
        ambient = Ambient(now: { clock.now }, randomBytes: secureRandomBytes)
    }

    private init(clock: TestClock, database: SQLiteDatabase) async throws {
        self.clock = clock
        self.database = database
        store = SQLStore(database)
        ambient = Ambient(now: { clock.now }, randomBytes: secureRandomBytes)
        guard let master = MasterKey(base64: MasterKey.generate()) else { throw NoMasterKey() }
        vault = EnvelopeVault(master: master, randomBytes: secureRandomBytes)
        _ = try await Migrator.migrate(database, now: clock.now)
        try await insert(workspace: Self.workspace, slug: "w")
    }

    package func insert(workspace: WorkspaceID, slug: String) async throws {
        let row = Workspace(
            id: workspace, name: slug, slug: slug, description: nil, createdBy: "test", createdAt: .t0, updatedAt: .t0)
        let wrapped = try vault.makeDataKey(for: workspace)
        try await store.write { try $0.insert(row, wrappedDataKey: wrapped) }
    }

    package var cause: Cause { Cause(principal: .console, requestID: "r", at: clock.now) }

    // MARK: What is kept

    /// The kinds of what happened, in order.
    package func journal() async throws -> [String] {
        try await texts("SELECT kind FROM journal ORDER BY sequence")
    }

    /// The first column of a query without values.
    package func texts(_ sql: String) async throws -> [String] {
        try await database.read(.scan) { connection in
            try connection.query(SQL(sql), []) { String(decoding: $0.buffer(0), as: UTF8.self) }
        }
    }

    package func number(_ sql: String) async throws -> Int {
        try await database.read(.scan) { try $0.count(SQL(sql), []) }
    }
}
