import CSQLite
import Connections
package import Logging
import NIOPosix
import Synchronization

/// SQLite with one writer and several readers. Writes that wait share one commit; point reads run where they stand.
package final class SQLiteDatabase: SQLDatabase {
    private let path: String
    private let writer: SQLiteWriter
    private let readers = Mutex<[UnsafeConnection]>([])
    private let scans: NIOThreadPool

    /// Hands a connection from thread to thread; the pool gives it to one at a time.
    private struct UnsafeConnection: @unchecked Sendable {
        let connection: SQLiteConnection
    }

    private static let configured: Int32 = patchbay_sqlite3_configure()
    private static let readerCacheKiB = 2_048

    package init(path: String, logger: Logger) async throws {
        _ = Self.configured
        self.path = path
        writer = SQLiteWriter(path: path, logger: logger)
        scans = NIOThreadPool(numberOfThreads: 2)
        scans.start()
        do {
            // The first write makes the file and its log, which a reader cannot.
            try await writer.submit { _ in }
        } catch {
            await close()
            throw error
        }
    }

    package var dialect: SQLDialect { .sqlite }

    package func read<Result: Sendable>(
        _ cost: ReadCost, _ body: @escaping @Sendable (any SQLConnection) throws -> Result
    ) async throws -> Result {
        switch cost {
        case .point: return try readHere { try body($0) }
        case .scan:
            return try await scans.runIfActive {
                try self.readHere { connection in
                    // One moment for all statements of the read.
                    try connection.run("BEGIN")
                    defer { try? connection.run("COMMIT") }
                    return try body(connection)
                }
            }
        }
    }

    package func write<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Result
    ) async throws -> Result {
        try await writer.submit(body)
    }

    package func close() async {
        try? await scans.shutdownGracefully()
        readers.withLock { $0.removeAll() }
        // Last, since the last connection to close copies the log into the file and removes it, which a reader cannot.
        await writer.close()
    }

    /// Writes waiting for their turn.
    package var queueLength: Int { writer.queueLength }

    /// Commits made, and units of work in them.
    package var commits: (batches: Int, units: Int) { writer.commits }

    /// Copies the database as of one moment to `target`, checks the copy and makes it durable. Writers go on meanwhile.
    package func backup(to target: String) async throws {
        try await scans.runIfActive {
            try self.readHere { try $0.backup(to: target) }
        }
    }

    private func readHere<Result>(_ body: (SQLiteConnection) throws -> Result) throws -> Result {
        do {
            let reader =
                try readers.withLock { $0.popLast() }
                ?? UnsafeConnection(
                    connection: SQLiteConnection(path: path, mode: .readOnly, cacheKiB: Self.readerCacheKiB))
            let result = try body(reader.connection)
            readers.withLock { $0.append(reader) }
            return result
        } catch let error as SQLiteError {
            // The connection is let go: whatever befell it, the next read starts with a new one.
            throw error.storeError
        } catch let error as UnreadableRow {
            throw StoreError.failed("column \(error.column) of a row cannot be read")
        }
    }
}
