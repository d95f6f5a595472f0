import CSQLite
import Connections

/// A failure of SQLite, with the extended result code.
struct SQLiteError: Error, CustomStringConvertible {
    let code: Int32
    let message: String

    /// SQLite's own words; they name tables and columns, never values.
    var description: String { "\(message) (\(code))" }

    /// Whether the disk, the file or the memory is to blame rather than the statement.
    var isUnavailability: Bool {
        switch code & 0xFF {
        case SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM,
            SQLITE_PERM, SQLITE_PROTOCOL:
            true
        default: false
        }
    }

    var storeError: StoreError {
        if isUnavailability { return .unavailable(description) }
        guard code == patchbay_SQLITE_CONSTRAINT_UNIQUE || code == patchbay_SQLITE_CONSTRAINT_PRIMARYKEY else {
            return .failed(description)
        }
        if message.contains("external_id") { return .duplicate(.externalID) }
        if message.contains("workspace.slug") { return .duplicate(.workspaceSlug) }
        return .duplicate(.other)
    }
}

/// One connection of the C library, used by one thread at a time.
final class SQLiteConnection: SQLConnection {
    enum Mode { case readWrite, readOnly }

    private let handle: OpaquePointer
    /// Pages in the log after the last commit of this connection.
    private(set) var logPages = 0
    private var statements: [ObjectIdentifier: (sql: SQL, handle: OpaquePointer)] = [:]
    /// Past this many prepared statements, all are let go: lists make a statement for each set of filters.
    private static let statementCapacity = 128

    init(path: String, mode: Mode, cacheKiB: Int) throws {
        var opened: OpaquePointer?
        let flags =
            SQLITE_OPEN_NOMUTEX
            | (mode == .readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        let result = sqlite3_open_v2(path, &opened, flags, nil)
        guard result == SQLITE_OK, let opened else {
            let error = SQLiteError(code: result, message: String(cString: sqlite3_errstr(result)))
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 5_000)
        try run("PRAGMA cache_size = -\(cacheKiB)")
        try run("PRAGMA foreign_keys = ON")
        try run("PRAGMA temp_store = MEMORY")
        guard mode == .readWrite else { return }
        try run("PRAGMA journal_mode = WAL")
        try run("PRAGMA synchronous = FULL")
        // The writer's Checkpointer decides when the log is copied into the file. The log's blocks stay allocated meanwhile:
        // a commit that overwrites them has no size and no block map to sync, which is twice as fast as appending.
        try run("PRAGMA wal_autocheckpoint = 0")
        try run("PRAGMA journal_size_limit = 268435456")
        // The hook is called within COMMIT on this thread, and goes with the handle that this object owns.
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                if let context {
                    Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue().logPages = Int(pages)
                }
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Copies what it can of the log into the file without waiting for anybody, and returns how many pages of the log are
    /// not copied yet.
    func checkpoint() throws -> Int {
        var total: Int32 = 0
        var copied: Int32 = 0
        try check(sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, &total, &copied))
        return Int(total - copied)
    }

    deinit {
        dropStatements()
        sqlite3_close_v2(handle)
    }

    /// Whether a transaction stands: SQLITE_FULL, SQLITE_IOERR and others end it whole.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Runs a statement that needs no values and is not kept.
    func run(_ text: String) throws {
        try check(sqlite3_exec(handle, text, nil, nil, nil))
    }

    // MARK: SQLConnection

    @discardableResult
    func execute(_ sql: SQL, _ values: [SQLValue]) throws -> Int {
        let statement = try prepared(sql)
        defer { reset(statement) }
        try bind(values, to: statement)
        while true {
            let result = sqlite3_step(statement)
            if result == SQLITE_ROW { continue }
            guard result == SQLITE_DONE else { throw failure(result) }
            return Int(sqlite3_changes(handle))
        }
    }

    func forEach(_ sql: SQL, _ values: [SQLValue], _ row: (any SQLRow) throws -> Void) throws {
        let statement = try prepared(sql)
        defer { reset(statement) }
        try bind(values, to: statement)
        let current = SQLiteRow(statement: statement)
        while true {
            let result = sqlite3_step(statement)
            if result == SQLITE_DONE { return }
            guard result == SQLITE_ROW else { throw failure(result) }
            try row(current)
        }
    }

    // MARK: Statements

    private func prepared(_ sql: SQL) throws -> OpaquePointer {
        let key = ObjectIdentifier(sql)
        if let known = statements[key] { return known.handle }
        if statements.count >= Self.statementCapacity { dropStatements() }
        var statement: OpaquePointer?
        try check(sqlite3_prepare_v3(handle, sql.text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
        guard let statement else { throw SQLiteError(code: SQLITE_MISUSE, message: "empty statement") }
        statements[key] = (sql, statement)
        return statement
    }

    private func dropStatements() {
        for statement in statements.values { sqlite3_finalize(statement.handle) }
        statements.removeAll()
    }

    private func reset(_ statement: OpaquePointer) {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
    }

    private func bind(_ values: [SQLValue], to statement: OpaquePointer) throws {
        for (index, value) in values.enumerated() {
            let place = Int32(index + 1)
            let result =
                switch value {
                case .null: sqlite3_bind_null(statement, place)
                case .int(let number): sqlite3_bind_int64(statement, place, number)
                case .text(var text): text.withUTF8 { Self.bind(UnsafeRawBufferPointer($0), to: statement, at: place) }
                case .utf8(let bytes): bytes.withUnsafeBytes { Self.bind($0, to: statement, at: place) }
                case .blob(let bytes):
                    bytes.withUnsafeBytes { buffer in
                        // A null pointer would bind NULL; an empty blob needs any other.
                        patchbay_sqlite3_bind_blob(
                            statement, place, buffer.baseAddress ?? UnsafeRawPointer(statement),
                            UInt64(buffer.count))
                    }
                }
            try check(result)
        }
    }

    private static func bind(
        _ text: UnsafeRawBufferPointer, to statement: OpaquePointer, at place: Int32
    ) -> Int32 {
        // A null pointer would bind NULL.
        guard let base = text.baseAddress else { return patchbay_sqlite3_bind_text(statement, place, "", 0) }
        return patchbay_sqlite3_bind_text(
            statement, place, base.assumingMemoryBound(to: CChar.self), UInt64(text.count))
    }

    private func check(_ result: Int32) throws {
        guard result == SQLITE_OK else { throw failure(result) }
    }

    private func failure(_ result: Int32) -> SQLiteError {
        SQLiteError(code: result, message: String(cString: sqlite3_errmsg(handle)))
    }

    // MARK: Backup

    /// Copies the whole database as of one moment into a new file.
    func backup(to path: String) throws {
        let target = try SQLiteConnection(path: path, mode: .readWrite, cacheKiB: 2_048)
        try target.run("PRAGMA journal_mode = DELETE")
        guard let backup = sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw target.failure(sqlite3_errcode(target.handle))
        }
        let stepped = sqlite3_backup_step(backup, -1)
        let finished = sqlite3_backup_finish(backup)
        guard stepped == SQLITE_DONE, finished == SQLITE_OK else { throw target.failure(stepped) }
        // The copy is in the source's journal mode; a backup is one file.
        try target.run("PRAGMA journal_mode = DELETE")
        try target.verify()
    }

    /// Reads every page and follows every reference.
    func verify() throws {
        let verdict = try query(SQL("PRAGMA integrity_check(1)"), []) { $0.text(0) }
        guard verdict == ["ok"] else { throw SQLiteError(code: SQLITE_CORRUPT, message: "the copy is damaged") }
        let broken = try query(SQL("PRAGMA foreign_key_check"), []) { $0.text(0) }
        guard broken.isEmpty else { throw SQLiteError(code: SQLITE_CORRUPT, message: "the copy lacks rows") }
    }
}

/// The row that a statement stands on.
private struct SQLiteRow: SQLRow {
    let statement: OpaquePointer

    func isNull(_ column: Int) -> Bool {
        sqlite3_column_type(statement, Int32(column)) == SQLITE_NULL
    }

    func int64(_ column: Int) -> Int64 {
        sqlite3_column_int64(statement, Int32(column))
    }

    func buffer(_ column: Int) -> UnsafeRawBufferPointer {
        // The pointer first, then the length, as SQLite asks.
        let start = sqlite3_column_blob(statement, Int32(column))
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, Int32(column))))
    }
}
