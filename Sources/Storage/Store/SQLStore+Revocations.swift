package import Connections

/// `connection_id` holds the subject: the id of a connection, of a credential, or of a flow.
private let columns = """
    workspace_id, id, connection_id, integration, sealed, attempts, last_failure, due_at, created_at
    """

extension Revocation {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(
            id: try row.id(1), workspaceID: try row.id(0), subject: row.text(2), integration: row.text(3),
            sealed: row.bytes(4), attempts: Int(row.int64(5)), lastFailure: row.optionalText(6),
            dueAt: row.optionalTime(7), createdAt: row.time(8))
    }
}

private let selectDue = SQL(
    "SELECT \(columns) FROM oauth_revocation WHERE due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at LIMIT ?2")

extension SQLStore {
    package func revocations(
        in workspace: WorkspaceID, page: PageRequest<RevocationID>
    ) async throws -> Page<Revocation, RevocationID> {
        var filter = Filter()
        filter.add("workspace_id = ?", .id(workspace))
        return try await database.read(.scan) { [filter] sql in
            try sql.page(
                select: columns, from: "oauth_revocation", filter: filter, request: page, total: nil, id: \.id,
                row: Revocation.init)
        }
    }

    package func dueRevocations(at: Timestamp, limit: Int) async throws -> [Revocation] {
        try await database.read(.scan) {
            try $0.query(selectDue, [.time(at), .int(Int64(limit))], Revocation.init)
        }
    }
}

extension SQLTransaction {
    private static let insertRevocation = SQL(
        "INSERT INTO oauth_revocation (\(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
    private static let updateRevocation = SQL(
        """
        UPDATE oauth_revocation SET attempts = ?3, last_failure = ?4, due_at = ?5 WHERE workspace_id = ?1 AND id = ?2
        """)
    private static let deleteRevocation = SQL("DELETE FROM oauth_revocation WHERE workspace_id = ?1 AND id = ?2")

    func insert(_ revocation: Revocation) throws {
        try sql.execute(
            Self.insertRevocation,
            [
                .id(revocation.workspaceID), .id(revocation.id), .text(revocation.subject),
                .text(revocation.integration), .blob(revocation.sealed), .int(Int64(revocation.attempts)),
                .text(revocation.lastFailure), .time(revocation.dueAt), .time(revocation.createdAt),
            ])
    }

    func update(_ revocation: Revocation) throws {
        try sql.execute(
            Self.updateRevocation,
            [
                .id(revocation.workspaceID), .id(revocation.id), .int(Int64(revocation.attempts)),
                .text(revocation.lastFailure), .time(revocation.dueAt),
            ])
    }

    func delete(revocation id: RevocationID, in workspace: WorkspaceID) throws {
        try sql.execute(Self.deleteRevocation, [.id(workspace), .id(id)])
    }
}
