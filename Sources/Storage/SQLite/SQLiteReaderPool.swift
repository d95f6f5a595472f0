import Connections
import Synchronization

/// Read-only connections, handed to one thread at a time.
///
/// Taking and leaving a snapshot costs two file locks, a tenth of a read. So while nobody writes, a connection keeps its
/// snapshot from one read to the next, and the number of commits tells whether it is still the newest. As a kept snapshot
/// holds back the log's new beginning, the writer ends them before it writes.
final class SQLiteReaderPool: Sendable {
    /// A connection goes from thread to thread, but is in one pair of hands at a time: outside the pool, or in it under the lock.
    private struct Reader: @unchecked Sendable {
        let connection: SQLiteConnection
        /// The number of commits that the snapshot has; `nil` when none is kept.
        var snapshot: Int?

        mutating func endSnapshot() throws {
            guard snapshot != nil else { return }
            snapshot = nil
            try connection.execute(Self.commit, [])
        }

        mutating func beginSnapshot(of commits: Int) throws {
            try connection.execute(Self.begin, [])
            snapshot = commits
        }

        static let begin = SQL("BEGIN")
        static let commit = SQL("COMMIT")
    }

    private let path: String
    private let writes: WriteActivity
    private let idle = Mutex<[Reader]>([])
    private static let cacheKiB = 2_048

    init(path: String, writes: WriteActivity) {
        self.path = path
        self.writes = writes
    }

    /// Reads what every acknowledged commit has left.
    func point<Result>(_ body: (SQLiteConnection) throws -> Result) throws -> Result {
        try read { reader in
            // Asked before the snapshot is taken, which is therefore at least as new.
            let commits = writes.commits
            if reader.snapshot != commits {
                try reader.endSnapshot()
                if writes.areQuiet { try reader.beginSnapshot(of: commits) }
            }
            return try body(reader.connection)
        }
    }

    /// Reads as of one moment, however many statements that takes.
    func scan<Result>(_ body: (SQLiteConnection) throws -> Result) throws -> Result {
        try read { reader in
            try reader.endSnapshot()
            try reader.beginSnapshot(of: writes.commits)
            let result = try body(reader.connection)
            try reader.endSnapshot()
            return result
        }
    }

    /// A connection outside any transaction.
    func unpooled<Result>(_ body: (SQLiteConnection) throws -> Result) throws -> Result {
        try read { reader in
            try reader.endSnapshot()
            return try body(reader.connection)
        }
    }

    /// Lets go of the snapshots that idle connections keep.
    func endSnapshots() {
        idle.withLock { readers in
            readers = readers.compactMap { reader in
                var reader = reader
                // One that fails is closed by being forgotten.
                return (try? reader.endSnapshot()) == nil ? nil : reader
            }
        }
    }

    func close() {
        idle.withLock { $0.removeAll() }
    }

    private func read<Result>(_ body: (inout Reader) throws -> Result) throws -> Result {
        do {
            var reader = try idle.withLock { $0.popLast() } ?? open()
            let result = try body(&reader)
            idle.withLock { $0.append(reader) }
            return result
        } catch let error as SQLiteError {
            // The connection is let go: whatever befell it, the next read starts with a new one.
            throw error.storeError
        } catch let error as UnreadableRow {
            throw StoreError.failed("column \(error.column) of a row cannot be read")
        }
    }

    private func open() throws -> Reader {
        Reader(connection: try SQLiteConnection(path: path, mode: .readOnly, cacheKiB: Self.cacheKiB))
    }
}
