package import Connections

private let selectHosts = SQL("SELECT workspace_id, origin, since, trials, retry_at FROM unreachable_host")

extension SQLStore {
    package func unreachableHosts() async throws -> [UnreachableHost] {
        try await database.read(.scan) { sql in
            try sql.query(selectHosts, []) { row in
                UnreachableHost(
                    host: CheckedHost(workspaceID: try row.id(0), origin: row.text(1)), since: row.time(2),
                    trials: Int(row.int64(3)), retryAt: row.time(4))
            }
        }
    }
}

extension SQLTransaction {
    private static let putHost = SQL(
        """
        INSERT INTO unreachable_host (workspace_id, origin, since, trials, retry_at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (workspace_id, origin) DO UPDATE
        SET since = excluded.since, trials = excluded.trials, retry_at = excluded.retry_at
        """)
    private static let deleteHost = SQL("DELETE FROM unreachable_host WHERE workspace_id = ?1 AND origin = ?2")

    /// `?6` is the first of the new times and `?7` their whole width; rows are counted from 0.
    private static let moveChecks = SQL(
        """
        UPDATE connection_check SET due_at = ?6 + ?7 / ?5 * batch.place
        FROM (
            SELECT connection_id, ROW_NUMBER() OVER (ORDER BY due_at, connection_id) - 1 AS place FROM (
                SELECT connection_id, due_at FROM connection_check
                WHERE workspace_id = ?1 AND origin = ?2 AND due_at IS NOT NULL AND due_at > ?3 AND due_at <= ?4
                ORDER BY due_at, connection_id LIMIT ?5
            ) AS first
        ) AS batch
        WHERE connection_check.workspace_id = ?1 AND connection_check.connection_id = batch.connection_id
        """)

    func put(_ unreachable: UnreachableHost) throws {
        try sql.execute(
            Self.putHost,
            [
                .id(unreachable.host.workspaceID), .text(unreachable.host.origin), .time(unreachable.since),
                .int(Int64(unreachable.trials)), .time(unreachable.retryAt),
            ])
    }

    func delete(unreachable host: CheckedHost) throws {
        try sql.execute(Self.deleteHost, [.id(host.workspaceID), .text(host.origin)])
    }

    func move(_ checks: CheckMove) throws -> Int {
        try sql.execute(
            Self.moveChecks,
            [
                .id(checks.host.workspaceID), .text(checks.host.origin), .time(checks.dueAfter ?? .distantPast),
                .time(checks.dueThrough), .int(Int64(checks.limit)), .time(checks.time),
                .int(checks.spread * 1_000_000),
            ])
    }
}

extension Timestamp {
    fileprivate static let distantPast = Timestamp(microseconds: .min)
}
