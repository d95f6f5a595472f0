package import Connections

/// What `JournalRecord.init` reads, and the position behind it.
private let columns = "\(JournalRecord.columns), sequence"
private let positionColumn = 9

private let selectPosition = SQL("SELECT sequence FROM journal WHERE id = ?1 AND workspace_id = ?2")
private let selectNewest = SQL("SELECT COALESCE(MAX(sequence), 0) FROM journal")
private let selectNext = SQL(
    "SELECT sequence, at FROM journal WHERE workspace_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT 1")
private let selectReached = SQL(
    "SELECT sequence, id FROM journal WHERE workspace_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT 1 OFFSET ?3")
private let selectNewestOfWorkspace = SQL(
    """
    SELECT sequence, id FROM journal WHERE workspace_id = ?1 AND sequence > ?2 ORDER BY sequence DESC LIMIT 1
    """)
private let selectUsers = SQL(
    "SELECT id FROM connection WHERE workspace_id = ?1 AND credential_id = ?2 ORDER BY id LIMIT ?3")
private let selectSteps = SQL(
    "SELECT sequence, workspace_id, kind, subject FROM journal WHERE sequence > ?1 ORDER BY sequence LIMIT ?2")
private let selectByID = SQL("SELECT \(columns) FROM journal WHERE id = ?1 AND workspace_id = ?2")

extension SQLStore {
    /// Requests are written down when they have begun, and committed a little later: so far two entries may stand the other
    /// way round than they happened.
    private static let disorder: Int64 = 600

    package func events(_ query: EventQuery) async throws -> EventPage {
        // Those who wait for events ask again and again, and mostly there are none.
        let hasMore = try await database.read(.point) { sql in
            try sql.first(selectNext, [.id(query.workspace), .int(query.after)]) { _ in true } ?? false
        }
        guard hasMore else { return EventPage(events: [], through: query.after, last: nil, isEnd: true) }
        return try await database.read(.scan) { try $0.events(query) }
    }

    package func position(of entry: EventID, in workspace: WorkspaceID) async throws -> Int64? {
        try await database.read(.point) { try $0.position(of: entry, in: workspace) }
    }

    package func newestPosition() async throws -> Int64 {
        try await database.read(.point) { try $0.newestPosition() }
    }

    /// By halves over the positions, since no index holds times.
    package func position(before instant: Timestamp, in workspace: WorkspaceID) async throws -> Int64 {
        let instant = instant.advanced(bySeconds: -Self.disorder)
        return try await database.read(.scan) { sql in
            var low: Int64 = 0
            var high = try sql.newestPosition()
            while low < high {
                let middle = low + (high - low) / 2
                let next = try sql.first(selectNext, [.id(workspace), .int(middle)]) { ($0.int64(0), $0.time(1)) }
                if let next, next.1 < instant { low = next.0 } else { high = middle }
            }
            return low
        }
    }

    package func journalSteps(after position: Int64, limit: Int) async throws -> [JournalStep] {
        try await database.read(.scan) { sql in
            try sql.query(selectSteps, [.int(position), .int(Int64(limit))]) { row in
                JournalStep(
                    position: row.int64(0), workspaceID: try row.optionalID(1),
                    kind: JournalEntry.Kind(rawValue: row.text(2)), subject: row.text(3))
            }
        }
    }
}

extension SQLConnection {
    func newestPosition() throws -> Int64 {
        try first(selectNewest, []) { $0.int64(0) } ?? 0
    }

    func position(of entry: EventID, in workspace: WorkspaceID) throws -> Int64? {
        try first(selectPosition, [.id(entry), .id(workspace)]) { $0.int64(0) }
    }

    func event(_ id: EventID, in workspace: WorkspaceID) throws -> Event? {
        guard let event = try first(selectByID, [.id(id), .id(workspace)], Event.init) else { return nil }
        return try withConnections([event]).first
    }

    fileprivate func events(_ query: EventQuery) throws -> EventPage {
        let workspace = SQLValue.id(query.workspace)
        func place(_ row: any SQLRow) throws -> (Int64, EventID) { (row.int64(0), try row.id(1)) }
        let reached = try first(
            selectReached, [workspace, .int(query.after), .int(Int64(max(1, query.reach) - 1))], place)
        let end = try reached ?? first(selectNewestOfWorkspace, [workspace, .int(query.after)], place)
        guard let end else { return EventPage(events: [], through: query.after, last: nil, isEnd: true) }

        var found = try self.query(query.sql(through: end.0), query.values(through: end.0), Event.init)
        if found.count > query.limit {
            found.removeLast()
            let last = found.last
            return EventPage(
                events: try withConnections(found), through: last?.position ?? query.after, last: last?.id,
                isEnd: false)
        }
        return EventPage(
            events: try withConnections(found), through: end.0, last: end.1, isEnd: reached == nil)
    }

    private func withConnections(_ events: [Event]) throws -> [Event] {
        guard events.contains(where: { $0.record.kind.isOfCredential }) else { return events }
        var known: [String: [ConnectionID]] = [:]
        return try events.map { event in
            let record = event.record
            guard record.kind.isOfCredential else { return event }
            let users = try known[record.subject] ?? users(of: record)
            known[record.subject] = users
            return Event(position: event.position, record: record, connections: users)
        }
    }

    /// A revocation outlives its connection, and is told of it.
    private func users(of record: JournalRecord) throws -> [ConnectionID] {
        if let connection = ConnectionID(record.subject) { return [connection] }
        guard let credential = CredentialID(record.subject), let workspace = record.workspaceID else { return [] }
        return try query(selectUsers, [.id(workspace), .id(credential), .int(Int64(Event.maxConnections))]) { row in
            try row.id(0)
        }
    }
}

extension Event {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(position: row.int64(positionColumn), record: try JournalRecord(row))
    }
}

extension EventQuery {
    /// One statement for each set of filters and number of kinds.
    fileprivate func sql(through position: Int64) -> SQL {
        let filter = filter(through: position)
        return .interned(
            "SELECT \(columns) FROM journal\(filter.clause) ORDER BY sequence LIMIT ?\(filter.values.count + 1)")
    }

    fileprivate func values(through position: Int64) -> [SQLValue] {
        filter(through: position).values + [.int(Int64(limit) + 1)]
    }

    private func filter(through position: Int64) -> Filter {
        var filter = Filter()
        filter.add("workspace_id = ?", .id(workspace))
        filter.add("sequence > ?", .int(after))
        filter.add("sequence <= ?", .int(position))
        filter.add("at >= ?", since.map { .time($0) })
        let kinds = kinds.map { filter.placeholder(for: .word($0)) }
        filter.add("kind IN (\(kinds.joined(separator: ", ")))")
        if let subjects {
            let places = subjects.map { filter.placeholder(for: .text($0)) }
            filter.add("subject IN (\(places.joined(separator: ", ")))")
        }
        return filter
    }
}
