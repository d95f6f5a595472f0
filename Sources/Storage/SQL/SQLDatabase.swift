import Connections

/// A database that the store is written over. Placeholders are `?1`, `?2` …; a driver rewrites them where it must.
package protocol SQLDatabase: Sendable {
    var dialect: SQLDialect { get }

    /// Reads what was committed. A `.point` read touches a handful of pages and may run where the caller stands.
    func read<Result: Sendable>(
        _ cost: ReadCost, _ body: @escaping @Sendable (any SQLConnection) throws -> Result
    ) async throws -> Result

    /// Runs `body` in a savepoint on the writer and returns once its commit is durable. The commit may be shared, and after
    /// a failure of the whole commit `body` runs again, so it must have no effect but through the connection.
    func write<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Result
    ) async throws -> Result

    func close() async
}

package enum ReadCost: Sendable {
    case point
    case scan
}

/// A connection in a transaction. It must not leave the closure that it was given to.
package protocol SQLConnection {
    /// Runs a statement for its effect and returns how many rows it changed.
    @discardableResult
    func execute(_ sql: SQL, _ values: [SQLValue]) throws -> Int
    /// Runs a query and hands over each row. Not generic, so that a call through the protocol costs no metadata look-up.
    func forEach(_ sql: SQL, _ values: [SQLValue], _ row: (any SQLRow) throws -> Void) throws
}

extension SQLConnection {
    /// Runs a query and makes something of each row.
    package func query<Item>(_ sql: SQL, _ values: [SQLValue], _ row: (any SQLRow) throws -> Item) throws -> [Item] {
        var items: [Item] = []
        try forEach(sql, values) { items.append(try row($0)) }
        return items
    }

    /// The first row of a query.
    package func first<Item>(_ sql: SQL, _ values: [SQLValue], _ row: (any SQLRow) throws -> Item) throws -> Item? {
        var item: Item?
        try forEach(sql, values) { if item == nil { item = try row($0) } }
        return item
    }

    package func count(_ sql: SQL, _ values: [SQLValue]) throws -> Int {
        try first(sql, values) { Int($0.int64(0)) } ?? 0
    }
}

/// One row of a result; columns count from 0.
package protocol SQLRow {
    func isNull(_ column: Int) -> Bool
    func int64(_ column: Int) -> Int64
    /// Text or blob; borrowed, and gone when the row moves on.
    func buffer(_ column: Int) -> UnsafeRawBufferPointer
}

/// A statement. Its identity is what prepared statements are kept by, so that no text is hashed on the hot path.
package final class SQL: Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }
}

package enum SQLValue: Sendable {
    case null
    case int(Int64)
    case text(String)
    /// Text as UTF-8.
    case utf8([UInt8])
    case blob([UInt8])
}

/// What differs between the engines where the SQL is otherwise one.
package struct SQLDialect: Sendable {
    /// A key: compared by bytes.
    package let id: String
    package let text: String
    package let blob: String
    package let int64: String
    /// A column that counts up by itself.
    package let identity: String
    /// A number that its row is stored under, and that is given when the row is made.
    package let rowKey: String
    /// The function that finds a text in a text, counting from 1.
    package let position: String
    /// What follows a table's closing bracket.
    package let tableOptions: String
    /// The same for a table that is stored in the order of its primary key.
    package let clusteredTableOptions: String

    package static let sqlite = SQLDialect(
        id: "TEXT", text: "TEXT", blob: "BLOB", int64: "INTEGER", identity: "INTEGER PRIMARY KEY AUTOINCREMENT",
        rowKey: "INTEGER NOT NULL PRIMARY KEY", position: "INSTR", tableOptions: " STRICT",
        clusteredTableOptions: " STRICT, WITHOUT ROWID")
}
