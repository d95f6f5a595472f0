package import Connections

private let columns = """
    workspace_id, connection_id, origin, due_at, failures, verdict, account_label, account_fingerprint, \
    certificate_expires_at, test_started_at, status_before_test, reason_before_test, since_before_test
    """

extension ConnectionCheck {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(
            workspaceID: try row.id(0), connectionID: try row.id(1), origin: row.text(2), dueAt: row.optionalTime(3),
            failures: Int(row.int64(4)), verdict: row.isNull(5) ? nil : try row.word(5),
            account: row.isNull(7) ? nil : Grant.Account(label: row.text(6), fingerprint: row.text(7)),
            certificateExpiresAt: row.optionalTime(8),
            running: row.isNull(9)
                ? nil
                : RunningTest(
                    startedAt: row.time(9), status: try row.word(10), reason: row.optionalText(11), since: row.time(12))
        )
    }
}

extension JournalRecord {
    /// What `init` reads.
    static let columns = "id, kind, workspace_id, subject, subject_sequence, actor, request_id, at, data"

    init(_ row: any SQLRow) throws {
        self.init(
            id: try row.id(0), kind: try row.word(1), workspaceID: try row.optionalID(2), subject: row.text(3),
            subjectSequence: row.isNull(4) ? nil : row.int64(4), actor: row.text(5), requestID: row.text(6),
            at: row.time(7), data: row.json(8))
    }
}

// MARK: - Reading

private let selectDue = SQL(
    """
    SELECT workspace_id, connection_id, origin, due_at FROM connection_check
    WHERE due_at IS NOT NULL AND due_at <= ?1 AND (due_at, workspace_id, connection_id) > (?2, ?3, ?4)
    ORDER BY due_at, workspace_id, connection_id LIMIT ?5
    """)

private let selectDueOfHost = SQL(
    """
    SELECT workspace_id, connection_id, origin, due_at FROM connection_check
    WHERE workspace_id = ?1 AND origin = ?2 AND due_at IS NOT NULL AND due_at <= ?3 ORDER BY due_at LIMIT ?4
    """)

private let selectNextOfHost = SQL(
    """
    SELECT workspace_id, connection_id FROM connection_check
    WHERE workspace_id = ?1 AND origin = ?2 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1
    """)

private let selectCheck = SQL(
    "SELECT \(columns) FROM connection_check WHERE workspace_id = ?1 AND connection_id = ?2")

extension DueCheck {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(
            key: ConnectionKey(workspaceID: try row.id(0), connectionID: try row.id(1)), origin: row.text(2),
            dueAt: row.time(3))
    }
}

private let selectUnfinished = SQL(
    """
    SELECT workspace_id, connection_id FROM connection_check
    WHERE test_started_at IS NOT NULL AND test_started_at < ?1 ORDER BY test_started_at LIMIT ?2
    """)

private let selectSequence = SQL("SELECT sequence FROM journal WHERE id = ?1 AND workspace_id = ?2")

extension SQLStore {
    package func dueChecks(at now: Timestamp, after: DueCheck?, limit: Int) async throws -> [DueCheck] {
        let place: [SQLValue] =
            after.map { [.time($0.dueAt), .id($0.key.workspaceID), .id($0.key.connectionID)] }
            ?? [.int(.min), .text(""), .text("")]
        return try await database.read(.scan) { sql in
            try sql.query(selectDue, [.time(now)] + place + [.int(Int64(limit))], DueCheck.init)
        }
    }

    package func dueChecks(of host: CheckedHost, at now: Timestamp, limit: Int) async throws -> [DueCheck] {
        try await database.read(.scan) { sql in
            try sql.query(
                selectDueOfHost, [.id(host.workspaceID), .text(host.origin), .time(now), .int(Int64(limit))],
                DueCheck.init)
        }
    }

    package func nextCheck(of host: CheckedHost) async throws -> ConnectionKey? {
        try await database.read(.point) { sql in
            try sql.first(selectNextOfHost, [.id(host.workspaceID), .text(host.origin)]) { row in
                ConnectionKey(workspaceID: try row.id(0), connectionID: try row.id(1))
            }
        }
    }

    package func check(of connection: ConnectionID, in workspace: WorkspaceID) async throws -> ConnectionCheck? {
        try await database.read(.point) { sql in
            try sql.first(selectCheck, [.id(workspace), .id(connection)], ConnectionCheck.init)
        }
    }

    package func unfinishedTests(
        startedBefore: Timestamp, limit: Int
    ) async throws -> [ConnectionKey] {
        try await database.read(.point) { sql in
            try sql.query(selectUnfinished, [.time(startedBefore), .int(Int64(limit))]) { row in
                ConnectionKey(workspaceID: try row.id(0), connectionID: try row.id(1))
            }
        }
    }

    package func timeline(_ query: TimelineQuery) async throws -> [JournalRecord] {
        try await database.read(.scan) { sql in
            var filter = Filter()
            filter.add("in_timeline = 1")
            filter.add("workspace_id = ?", .id(query.workspace))
            if let credential = query.credential {
                filter.add("subject IN (?, ?)", .id(query.connection), .id(credential))
            } else {
                filter.add("subject = ?", .id(query.connection))
            }
            if query.onlyStatus {
                filter.add(
                    "kind IN (?, ?)", .word(JournalEntry.Kind.connectionCreated),
                    .word(JournalEntry.Kind.connectionStatusChanged))
            }
            filter.add("at <= ?", query.until.map { .time($0) })
            if let before = query.before {
                let sequence = try sql.first(selectSequence, [.id(before), .id(query.workspace)]) { $0.int64(0) }
                filter.add("sequence < ?", .int(sequence ?? 0))
            }
            let clause = filter.clause
            let limit = filter.placeholder(for: .int(Int64(query.limit)))
            return try sql.query(
                .interned(
                    "SELECT \(JournalRecord.columns) FROM journal\(clause) ORDER BY sequence DESC LIMIT \(limit)"),
                filter.values, JournalRecord.init)
        }
    }
}

// MARK: - Writing

extension SQLTransaction {
    private static let putCheck = SQL(
        """
        INSERT INTO connection_check (\(columns))
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (workspace_id, connection_id) DO UPDATE SET
            origin = excluded.origin, due_at = excluded.due_at, failures = excluded.failures,
            verdict = excluded.verdict, account_label = excluded.account_label,
            account_fingerprint = excluded.account_fingerprint,
            certificate_expires_at = excluded.certificate_expires_at, test_started_at = excluded.test_started_at,
            status_before_test = excluded.status_before_test, reason_before_test = excluded.reason_before_test,
            since_before_test = excluded.since_before_test
        """)

    func check(of connection: ConnectionID, in workspace: WorkspaceID) throws -> ConnectionCheck? {
        try sql.first(selectCheck, [.id(workspace), .id(connection)], ConnectionCheck.init)
    }

    func put(_ check: ConnectionCheck) throws {
        try sql.execute(
            Self.putCheck,
            [
                .id(check.workspaceID), .id(check.connectionID), .text(check.origin), .time(check.dueAt),
                .int(Int64(check.failures)), check.verdict.map { .word($0) } ?? .null, .text(check.account?.label),
                .text(check.account?.fingerprint), .time(check.certificateExpiresAt),
                .time(check.running?.startedAt), check.running.map { .word($0.status) } ?? .null,
                .text(check.running?.reason), .time(check.running?.since),
            ])
    }
}
