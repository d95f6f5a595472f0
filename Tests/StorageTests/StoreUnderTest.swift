import Connections
import Logging
import LosslessJSON
import Storage
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A driver that the conformance suite runs over. A second driver adds a case here and nothing else.
enum StoreUnderTest: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case sqlite

    var testDescription: String { rawValue }

    /// Runs `body` with a fresh, migrated store that is gone afterwards.
    func run(_ body: @Sendable (StoreFixture) async throws -> Void) async throws {
        try await runBare { database in
            _ = try await Migrator.migrate(database, now: .t0)
            try await body(StoreFixture(database: database))
        }
    }

    /// Runs `body` with a database that has no table yet.
    func runBare(_ body: @Sendable (RecordingDatabase) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/patchbay-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let database =
            switch self {
            case .sqlite: try await SQLiteDatabase(path: folder + "/store.db", logger: logger)
            }
        do {
            try await body(RecordingDatabase(database))
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }
}

/// Counts the statements that pass through it.
final class RecordingDatabase: SQLDatabase {
    private let base: any SQLDatabase
    private let texts = Mutex<[String]>([])

    init(_ base: any SQLDatabase) { self.base = base }

    var dialect: SQLDialect { base.dialect }

    /// The statements that `body` ran, in order.
    func recording(_ body: () async throws -> Void) async rethrows -> [String] {
        texts.withLock { $0 = [] }
        try await body()
        return texts.withLock { $0 }
    }

    func read<Result: Sendable>(
        _ cost: ReadCost, _ body: @escaping @Sendable (any SQLConnection) throws -> Result
    ) async throws -> Result {
        try await base.read(cost) { try body(Connection(base: $0, record: self.note)) }
    }

    func write<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Result
    ) async throws -> Result {
        try await base.write { try body(Connection(base: $0, record: self.note)) }
    }

    func close() async { await base.close() }

    @Sendable private func note(_ text: String) { texts.withLock { $0.append(text) } }

    private struct Connection: SQLConnection {
        let base: any SQLConnection
        let record: @Sendable (String) -> Void

        func execute(_ sql: SQL, _ values: [SQLValue]) throws -> Int {
            record(sql.text)
            return try base.execute(sql, values)
        }

        func forEach(_ sql: SQL, _ values: [SQLValue], _ row: (any SQLRow) throws -> Void) throws {
            record(sql.text)
            try base.forEach(sql, values, row)
        }
    }
}

extension Timestamp {
    static let t0 = Timestamp(microseconds: 1_700_000_000_000_000)
}

/// A store with two workspaces and a credential in each, and makers of rows.
struct StoreFixture: Sendable {
    let database: RecordingDatabase
    let store: SQLStore
    let a = WorkspaceID(ULID(high: 1, low: 1))
    let b = WorkspaceID(ULID(high: 1, low: 2))

    init(database: RecordingDatabase) async throws {
        self.database = database
        store = SQLStore(database)
        for (workspace, slug) in [(a, "a"), (b, "b")] {
            let row = Workspace(
                id: workspace, name: slug, slug: slug, description: nil, createdBy: "test", createdAt: .t0,
                updatedAt: .t0)
            try await store.write { tx in
                try tx.insert(row, wrappedDataKey: [1, 2, 3])
                try tx.insert(Self.credential(0, in: workspace), sealed: Self.sealed)
            }
        }
    }

    static let sealed = SealedCredential(data: [9], wrappedRecordKey: [8], generation: 1)
    static let secrets = ConnectionSecrets(origins: ["https://slack.com"], wrappedRecordKey: [7])
    static let cause = Cause(principal: .console, requestID: "req", at: .t0)

    static func credential(_ number: UInt64, in workspace: WorkspaceID) -> Credential {
        Credential(
            id: credentialID(number), workspaceID: workspace, label: "Credential \(number)", description: nil,
            authType: .apiKey, credentialType: .integration, scope: "workspace", provider: nil, userID: nil,
            expiresAt: nil, isInline: false, createdBy: "test", createdAt: .t0, updatedAt: .t0)
    }

    static func credentialID(_ number: UInt64) -> CredentialID { CredentialID(ULID(high: 3, low: number)) }
    /// They rise with the number, and differ in the first of the random bits, by which rows are stored.
    static func connectionID(_ number: UInt64) -> ConnectionID {
        ConnectionID(ULID(high: 2 + number >> 7, low: number << 57 | number))
    }

    static func connection(
        _ number: UInt64, in workspace: WorkspaceID, integration: String = "slack",
        type: IntegrationType = .connectors, userID: String? = nil, label: String = "label",
        status: ConnectionStatus = .active, externalID: String? = nil, tags: [String] = [], credential: UInt64 = 0
    ) -> Connection {
        var list = JSONWriter()
        list.strings(tags)
        return Connection(
            id: connectionID(number), workspaceID: workspace, credentialID: credentialID(credential),
            integration: integration, integrationType: type, authMethodID: "m", userID: userID,
            label: JSONText(label), config: .emptyObject, status: status, externalID: externalID, tags: list.text,
            metadata: .emptyObject, createdBy: "test", createdAt: .t0, updatedAt: .t0)
    }

    func insert(_ connections: Connection...) async throws {
        try await store.write { tx in
            for connection in connections {
                try tx.insert(
                    connection, secrets: Self.secrets,
                    searchText: searchFolded(connection.label?.slice.string, connection.externalID))
            }
        }
    }
}
