package import Connections

/// A numbered change of the schema. The list only ever grows: a migration that was released is never edited.
struct Migration: Sendable {
    let version: Int64
    let name: String
    let statements: @Sendable (SQLDialect) -> [String]

    static let all: [Migration] = [initial, oauth, status, events, expirations, trimming]
}

/// Brings a database to the newest schema.
package enum Migrator {
    package static let newestVersion = Migration.all.last?.version ?? 0

    /// Returns the names of the migrations that were run. Refuses a store that a newer program has written.
    package static func migrate(_ database: some SQLDatabase, now: Timestamp) async throws -> [String] {
        let dialect = database.dialect
        return try await database.write { connection in
            try connection.execute(
                SQL(
                    "CREATE TABLE IF NOT EXISTS migration (version \(dialect.int64) NOT NULL PRIMARY KEY, "
                        + "name \(dialect.text) NOT NULL, applied_at \(dialect.int64) NOT NULL)\(dialect.tableOptions)"),
                [])
            let current = try currentVersion(connection)
            guard current <= newestVersion else {
                throw StoreError.failed(
                    "the store has schema version \(current), this program knows \(newestVersion): use a newer one")
            }
            let pending = Migration.all.filter { $0.version > current }
            for migration in pending {
                for statement in migration.statements(dialect) { try connection.execute(SQL(statement), []) }
                try connection.execute(
                    SQL("INSERT INTO migration (version, name, applied_at) VALUES (?1, ?2, ?3)"),
                    [.int(migration.version), .text(migration.name), .time(now)])
            }
            return pending.map(\.name)
        }
    }

    /// The schema version that a database has. Throws where it is no store of ours.
    package static func version(of database: some SQLDatabase) async throws -> Int64 {
        try await database.read(.scan) { try currentVersion($0) }
    }

    private static func currentVersion(_ connection: any SQLConnection) throws -> Int64 {
        try connection.first(SQL("SELECT COALESCE(MAX(version), 0) FROM migration"), []) { $0.int64(0) } ?? 0
    }
}
