import Connections

extension SQLTransaction {
    private static let selectReach = SQL(
        """
        SELECT COUNT(*), COALESCE(MAX(sequence), 0), COALESCE(MIN(at), 0) FROM (
            SELECT sequence, at FROM journal WHERE sequence > ?1 ORDER BY sequence LIMIT ?2
        ) AS reach
        """)

    /// What says the status is found by the index of timelines; the instance's own entries belong to no workspace.
    private static let deleteOld = SQL(
        """
        DELETE FROM journal WHERE sequence > ?1 AND sequence <= ?2 AND at < ?3
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
            WHERE webhook.workspace_id = journal.workspace_id AND webhook.position < journal.sequence))
        """)

    func prune(_ pruning: JournalPruning) throws -> JournalPruning.Step {
        let reach = try sql.first(Self.selectReach, [.int(pruning.after), .int(Int64(pruning.limit))]) { row in
            (count: row.int64(0), through: row.int64(1), oldest: row.time(2))
        }
        guard let reach, reach.count > 0, reach.oldest < pruning.before else {
            return JournalPruning.Step(through: pruning.after, deleted: 0, isEnd: true)
        }
        let deleted = try sql.execute(
            Self.deleteOld,
            [
                .int(pruning.after), .int(reach.through), .time(pruning.before), .time(pruning.evenUndelivered),
            ])
        return JournalPruning.Step(through: reach.through, deleted: deleted, isEnd: false)
    }
}
