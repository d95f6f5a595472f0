import CSQLite
import Connections
package import Logging
import NIOPosix

/// SQLite with one writer and several readers. Writes that wait share one commit; point reads run where they stand.
package final class SQLiteDatabase: SQLDatabase {
    private let writer: SQLiteWriter
    private let readers: SQLiteReaderPool
    private let scans: NIOThreadPool

    private static let configured: Int32 = patchbay_sqlite3_configure()

    package init(path: String, logger: Logger) async throws {
        _ = Self.configured
        let writes = WriteActivity()
        let readers = SQLiteReaderPool(path: path, writes: writes)
        self.readers = readers
        writer = SQLiteWriter(path: path, logger: logger, writes: writes) { readers.endSnapshots() }
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
        case .point: return try readers.point { try body($0) }
        case .scan:
            return try await scans.runIfActive {
                try self.readers.scan { try body($0) }
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
        readers.close()
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
            try self.readers.unpooled { try $0.backup(to: target) }
        }
    }

    /// Throws where the file is damaged.
    package func verify() async throws {
        try await scans.runIfActive {
            try self.readers.unpooled { try $0.verify() }
        }
    }
}
