package import Connections

/// The one store, written in SQL that every engine takes.
package struct SQLStore: Store {
    let database: any SQLDatabase
    /// Told of every commit.
    package let signal: JournalSignal

    package init(_ database: any SQLDatabase, signal: JournalSignal = JournalSignal()) {
        self.database = database
        self.signal = signal
    }

    package func write<Result: Sendable>(
        _ unit: @escaping @Sendable (any StoreTransaction) throws -> Result
    ) async throws -> Result {
        let result = try await database.write { try unit(SQLTransaction(sql: $0)) }
        signal.notify()
        return result
    }

    package func read<Result: Sendable>(
        _ unit: @escaping @Sendable (any StoreTransaction) throws -> Result
    ) async throws -> Result {
        try await database.read(.point) { try unit(SQLTransaction(sql: $0)) }
    }
}

/// A unit of work over SQL.
struct SQLTransaction: StoreTransaction {
    let sql: any SQLConnection

    // MARK: Settings

    private static let selectSetting = SQL("SELECT value FROM setting WHERE name = ?1")
    private static let upsertSetting = SQL(
        """
        INSERT INTO setting (name, value) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        """)

    func setting(_ name: String) throws -> String? {
        try sql.first(Self.selectSetting, [.text(name)]) { $0.text(0) }
    }

    func set(_ name: String, to value: String) throws {
        try sql.execute(Self.upsertSetting, [.text(name), .text(value)])
    }

    // MARK: Journal

    private static let insertJournal = SQL(
        """
        INSERT INTO journal (id, workspace_id, kind, subject, actor, request_id, at, data, subject_sequence, in_timeline)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        """)

    func append(_ entry: JournalEntry, id: EventID, cause: Cause) throws {
        try sql.execute(
            Self.insertJournal,
            [
                .id(id), .id(entry.workspaceID), .word(entry.kind), .text(entry.subject),
                .text(cause.principal.actor), .text(cause.requestID), .time(cause.at), .json(entry.data),
                entry.subjectSequence.map { .int($0) } ?? .null, .bool(entry.kind.isInTimeline),
            ])
    }
}

/// Builds a WHERE clause out of the filters that were given.
struct Filter {
    private(set) var conditions: [String] = []
    private(set) var values: [SQLValue] = []

    /// Each `?` in the condition becomes the next value's placeholder. With a value that is `nil` there is no condition.
    mutating func add(_ condition: String, _ values: SQLValue?...) {
        let present = values.compactMap(\.self)
        guard present.count == values.count else { return }
        var parts = condition.split(separator: "?", omittingEmptySubsequences: false)[...]
        var text = String(parts.removeFirst())
        for (value, part) in zip(present, parts) { text += placeholder(for: value) + part }
        conditions.append(text)
    }

    /// A condition whose values have their placeholders already.
    mutating func add(_ condition: String) {
        conditions.append(condition)
    }

    var clause: String { conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ") }

    /// The placeholder of a value that stands outside the clause.
    mutating func placeholder(for value: SQLValue) -> String {
        values.append(value)
        return "?\(values.count)"
    }

    /// A pattern that finds `text` anywhere, with its own wildcards taken literally; for use with `ESCAPE '\'`.
    static func containing(_ text: String) -> SQLValue {
        let escaped = text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
        return .text("%\(escaped)%")
    }
}

extension SQLConnection {
    /// One page of rows in descending order of `id`, and the total without the page's own bounds.
    func page<Item, ID>(
        select: String, from table: String, filter: Filter, request: PageRequest<Identifier<ID>>, total: Int?,
        id: (Item) -> Identifier<ID>, row: (any SQLRow) throws -> Item
    ) throws -> Page<Item, Identifier<ID>> {
        let total = try total ?? count(.interned("SELECT COUNT(*) FROM \(table)\(filter.clause)"), filter.values)
        var filter = filter
        filter.add("id < ?", request.after.map { .id($0) })
        let clause = filter.clause
        let limit = filter.placeholder(for: .int(Int64(request.limit) + 1))
        let offset = filter.placeholder(for: .int(Int64(request.skip)))
        let text = "SELECT \(select) FROM \(table)\(clause) ORDER BY id DESC LIMIT \(limit) OFFSET \(offset)"
        var items = try query(.interned(text), filter.values, row)
        let hasMore = items.count > request.limit
        if hasMore { items.removeLast() }
        return Page(items: items, total: total, next: hasMore ? items.last.map(id) : nil)
    }
}
