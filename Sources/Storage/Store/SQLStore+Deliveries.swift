package import Connections

private let columns = """
    workspace_id, webhook_id, event_id, kind, state, attempts, due_at, last_status, last_error, created_at, finished_at
    """

extension WebhookDelivery {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(
            webhook: WebhookKey(workspaceID: try row.id(0), webhookID: try row.id(1)), eventID: try row.id(2),
            kind: try row.word(3), state: try row.word(4), attempts: Int(row.int64(5)), dueAt: row.optionalTime(6),
            lastStatus: row.isNull(7) ? nil : Int(row.int64(7)), lastError: row.optionalText(8),
            createdAt: row.time(9), finishedAt: row.optionalTime(10))
    }
}

extension WebhookKey {
    fileprivate var values: [SQLValue] { [.id(workspaceID), .id(webhookID)] }
}

private let selectDue = SQL(
    """
    SELECT \(columns) FROM webhook_delivery
    WHERE workspace_id = ?1 AND webhook_id = ?2 AND due_at IS NOT NULL AND due_at <= ?3 ORDER BY due_at LIMIT ?4
    """)
private let selectNextDue = SQL(
    "SELECT MIN(due_at) FROM webhook_delivery WHERE workspace_id = ?1 AND webhook_id = ?2 AND due_at IS NOT NULL")
private let countPending = SQL("SELECT COUNT(*) FROM webhook_delivery WHERE due_at IS NOT NULL")

extension SQLStore {
    package func deliveries(_ query: DeliveryQuery) async throws -> Page<WebhookDelivery, EventID> {
        try await database.read(.scan) { try $0.deliveries(query) }
    }

    package func dueDeliveries(
        of webhook: WebhookKey, at now: Timestamp, limit: Int
    ) async throws -> [DueDelivery] {
        try await database.read(.scan) { sql in
            let due = try sql.query(
                selectDue, webhook.values + [.time(now), .int(Int64(limit))], WebhookDelivery.init)
            return try due.map { delivery in
                DueDelivery(
                    delivery: delivery, event: try sql.event(delivery.eventID, in: webhook.workspaceID))
            }
        }
    }

    package func nextDueDelivery(of webhook: WebhookKey) async throws -> Timestamp? {
        try await database.read(.point) { try $0.first(selectNextDue, webhook.values) { $0.optionalTime(0) } ?? nil }
    }

    package func countPendingDeliveries() async throws -> Int {
        try await database.read(.scan) { try $0.count(countPending, []) }
    }
}

extension SQLConnection {
    /// The key is the event's id, so this does not fit `page`, which goes by a column of that name.
    fileprivate func deliveries(_ query: DeliveryQuery) throws -> Page<WebhookDelivery, EventID> {
        var filter = Filter()
        filter.add("workspace_id = ?", .id(query.webhook.workspaceID))
        filter.add("webhook_id = ?", .id(query.webhook.webhookID))
        if let state = query.state {
            filter.add("state = ?", .word(state))
            // Said once more in the index's own words, by which it is found.
            if state != .delivered { filter.add("state <> 'delivered'") }
        }
        let total = try count(.interned("SELECT COUNT(*) FROM webhook_delivery\(filter.clause)"), filter.values)
        filter.add("event_id < ?", query.page.after.map { .id($0) })
        let clause = filter.clause
        let limit = filter.placeholder(for: .int(Int64(query.page.limit) + 1))
        let offset = filter.placeholder(for: .int(Int64(query.page.skip)))
        let text =
            "SELECT \(columns) FROM webhook_delivery\(clause) ORDER BY event_id DESC LIMIT \(limit) OFFSET \(offset)"
        var items = try self.query(.interned(text), filter.values, WebhookDelivery.init)
        let hasMore = items.count > query.page.limit
        if hasMore { items.removeLast() }
        return Page(items: items, total: total, next: hasMore ? items.last?.eventID : nil)
    }
}

extension SQLTransaction {
    private static let selectDelivery = SQL(
        """
        SELECT \(columns) FROM webhook_delivery WHERE workspace_id = ?1 AND webhook_id = ?2 AND event_id = ?3
        """)
    private static let putDelivery = SQL(
        """
        INSERT INTO webhook_delivery (\(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (workspace_id, webhook_id, event_id) DO UPDATE SET state = excluded.state,
            attempts = excluded.attempts, due_at = excluded.due_at, last_status = excluded.last_status,
            last_error = excluded.last_error, finished_at = excluded.finished_at
        """)
    private static let requeueDead = SQL(
        """
        UPDATE webhook_delivery SET state = 'pending', attempts = 0, due_at = ?3, finished_at = NULL
        WHERE workspace_id = ?1 AND webhook_id = ?2 AND event_id IN (
            SELECT event_id FROM webhook_delivery
            WHERE workspace_id = ?1 AND webhook_id = ?2 AND state = 'dead' AND state <> 'delivered'
            ORDER BY event_id LIMIT ?4)
        """)
    private static let pruneDeliveries = SQL(
        """
        DELETE FROM webhook_delivery WHERE workspace_id = ?1 AND webhook_id = ?2 AND event_id IN (
            SELECT event_id FROM webhook_delivery
            WHERE workspace_id = ?1 AND webhook_id = ?2 AND event_id < ?3 AND finished_at < ?4
            ORDER BY event_id LIMIT ?5)
        """)

    func delivery(of event: EventID, to webhook: WebhookKey) throws -> WebhookDelivery? {
        try sql.first(Self.selectDelivery, webhook.values + [.id(event)], WebhookDelivery.init)
    }

    func put(_ delivery: WebhookDelivery) throws {
        try sql.execute(
            Self.putDelivery,
            [
                .id(delivery.webhook.workspaceID), .id(delivery.webhook.webhookID), .id(delivery.eventID),
                .word(delivery.kind), .word(delivery.state), .int(Int64(delivery.attempts)), .time(delivery.dueAt),
                .int(delivery.lastStatus), .text(delivery.lastError), .time(delivery.createdAt),
                .time(delivery.finishedAt),
            ])
    }

    func requeueDead(of webhook: WebhookKey, at now: Timestamp, limit: Int) throws -> Int {
        try sql.execute(Self.requeueDead, webhook.values + [.time(now), .int(Int64(limit))])
    }

    /// What was finished so long ago is about events that are at least as old, and their ids begin with their time: so only the
    /// beginning of a webhook's rows is looked at, and no index is needed.
    func pruneDeliveries(of webhook: WebhookKey, finishedBefore cutoff: Timestamp, limit: Int) throws -> Int {
        let milliseconds = UInt64(max(0, cutoff.microseconds / 1_000)) & 0xFFFF_FFFF_FFFF
        let bound = EventID(ULID(high: milliseconds << 16, low: 0))
        return try sql.execute(
            Self.pruneDeliveries, webhook.values + [.id(bound), .time(cutoff), .int(Int64(limit))])
    }
}
