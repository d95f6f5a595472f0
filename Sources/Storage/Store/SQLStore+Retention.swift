package import Connections

private let selectTrim = SQL("SELECT through FROM journal_trim WHERE workspace_id = ?1")

extension SQLStore {
    package func trimmedPosition(in workspace: WorkspaceID) async throws -> Int64 {
        try await database.read(.point) { try $0.trimmedPosition(in: workspace) }
    }
}

extension SQLConnection {
    fileprivate func trimmedPosition(in workspace: WorkspaceID) throws -> Int64 {
        try first(selectTrim, [.id(workspace)]) { $0.int64(0) } ?? 0
    }
}

extension SQLTransaction {
    private static let selectReach = SQL(
        """
        SELECT COUNT(*), COALESCE(MAX(sequence), 0), COALESCE(MIN(at), 0) FROM (
            SELECT sequence, at FROM journal WHERE sequence > ?1 ORDER BY sequence LIMIT ?2
        ) AS reach
        """)

    /// What says the status is found by the index of timelines; the instance's own entries belong to no workspace. What a
    /// webhook still has to send is found by the key of its deliveries.
    private static let isOld = """
        sequence > ?1 AND sequence <= ?2 AND at < ?3
        AND (workspace_id IS NULL OR EXISTS (
            SELECT 1 FROM journal AS later
            WHERE later.workspace_id = journal.workspace_id AND later.sequence > journal.sequence))
        AND NOT (in_timeline = 1 AND kind IN ('connection.created', 'connection.status_changed')
            AND EXISTS (
                SELECT 1 FROM connection
                WHERE connection.workspace_id = journal.workspace_id AND connection.id = journal.subject)
            AND NOT EXISTS (
                SELECT 1 FROM journal AS later
                WHERE later.workspace_id = journal.workspace_id AND later.subject = journal.subject
                AND later.sequence > journal.sequence AND later.in_timeline = 1
                AND later.kind IN ('connection.created', 'connection.status_changed')))
        AND (at < ?4 OR NOT EXISTS (
            SELECT 1 FROM webhook
            WHERE webhook.workspace_id = journal.workspace_id
            AND (webhook.position < journal.sequence OR EXISTS (
                SELECT 1 FROM webhook_delivery
                WHERE webhook_delivery.workspace_id = webhook.workspace_id
                AND webhook_delivery.webhook_id = webhook.id
                AND webhook_delivery.event_id = journal.id
                AND webhook_delivery.state = 'pending'))))
        """

    private static let deleteOld = SQL("DELETE FROM journal WHERE \(isOld)")

    /// What is the audit trail's alone is missed by nobody who goes on from a cursor.
    private static let markTrim: SQL = {
        let kinds = JournalEntry.Kind.events.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        return SQL(
            """
            INSERT INTO journal_trim (workspace_id, through)
            SELECT workspace_id, MAX(sequence) FROM journal
            WHERE \(isOld) AND workspace_id IS NOT NULL AND kind IN (\(kinds))
            GROUP BY workspace_id
            ON CONFLICT (workspace_id) DO UPDATE SET through = excluded.through
            WHERE journal_trim.through < excluded.through
            """)
    }()

    func prune(_ pruning: JournalPruning) throws -> JournalPruning.Step {
        let reach = try sql.first(Self.selectReach, [.int(pruning.after), .int(Int64(pruning.limit))]) { row in
            (count: row.int64(0), through: row.int64(1), oldest: row.time(2))
        }
        guard let reach, reach.count > 0, reach.oldest < pruning.before else {
            return JournalPruning.Step(through: pruning.after, deleted: 0, isEnd: true)
        }
        let values: [SQLValue] = [
            .int(pruning.after), .int(reach.through), .time(pruning.before), .time(pruning.evenUndelivered),
        ]
        try sql.execute(Self.markTrim, values)
        let deleted = try sql.execute(Self.deleteOld, values)
        return JournalPruning.Step(through: reach.through, deleted: deleted, isEnd: false)
    }

    func trimmedPosition(in workspace: WorkspaceID) throws -> Int64 { try sql.trimmedPosition(in: workspace) }
}
