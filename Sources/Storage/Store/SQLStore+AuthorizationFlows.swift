package import Connections

private let columns = """
    workspace_id, id, app_id, state_digest, connect_digest, browser_digest, ticket_digest, stage, request, sealed, \
    created_at, expires_at
    """

extension AuthorizationFlow {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(
            id: try row.id(1), workspaceID: try row.id(0), appID: try row.id(2),
            stateDigest: try row.digest(3), connectDigest: try row.digest(4),
            browserDigest: row.isNull(5) ? nil : try row.digest(5),
            ticketDigest: row.isNull(6) ? nil : try row.digest(6), stage: try row.word(7),
            request: AuthorizationRequest(row.json(8)), sealed: row.bytes(9), createdAt: row.time(10),
            expiresAt: row.time(11))
    }
}

extension SQLRow {
    fileprivate func digest(_ column: Int) throws -> TokenDigest {
        let bytes = buffer(column)
        guard bytes.count == 32 else { throw UnreadableRow(column: column) }
        return TokenDigest(bytes)
    }
}

private let selectByState = SQL("SELECT \(columns) FROM oauth_flow WHERE state_digest = ?1")

extension SQLStore {
    package func authorizationFlow(state: TokenDigest) async throws -> AuthorizationFlow? {
        try await database.read(.point) { try $0.first(selectByState, [.blob(state.bytes)], AuthorizationFlow.init) }
    }
}

extension SQLTransaction {
    private static let insertFlow = SQL(
        "INSERT INTO oauth_flow (\(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")
    private static let selectByConnect = SQL("SELECT \(columns) FROM oauth_flow WHERE connect_digest = ?1")
    private static let selectByTicket = SQL(
        "SELECT \(columns) FROM oauth_flow WHERE ticket_digest = ?1 AND workspace_id = ?2")
    private static let updateFlow = SQL(
        """
        UPDATE oauth_flow SET browser_digest = ?3, ticket_digest = ?4, stage = ?5, sealed = ?6, expires_at = ?7
        WHERE workspace_id = ?1 AND id = ?2
        """)
    private static let selectExpired = SQL(
        "SELECT \(columns) FROM oauth_flow WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2")
    private static let deleteFlow = SQL("DELETE FROM oauth_flow WHERE workspace_id = ?1 AND id = ?2")

    func insert(_ flow: AuthorizationFlow) throws {
        try sql.execute(
            Self.insertFlow,
            [
                .id(flow.workspaceID), .id(flow.id), .id(flow.appID), .blob(flow.stateDigest.bytes),
                .blob(flow.connectDigest.bytes), flow.browserDigest.map { .blob($0.bytes) } ?? .null,
                flow.ticketDigest.map { .blob($0.bytes) } ?? .null, .word(flow.stage), .json(flow.request.text),
                .blob(flow.sealed), .time(flow.createdAt), .time(flow.expiresAt),
            ])
    }

    func authorizationFlow(state: TokenDigest) throws -> AuthorizationFlow? {
        try sql.first(selectByState, [.blob(state.bytes)], AuthorizationFlow.init)
    }

    func authorizationFlow(connect: TokenDigest) throws -> AuthorizationFlow? {
        try sql.first(Self.selectByConnect, [.blob(connect.bytes)], AuthorizationFlow.init)
    }

    func authorizationFlow(ticket: TokenDigest, in workspace: WorkspaceID) throws -> AuthorizationFlow? {
        try sql.first(Self.selectByTicket, [.blob(ticket.bytes), .id(workspace)], AuthorizationFlow.init)
    }

    func update(_ flow: AuthorizationFlow) throws {
        try sql.execute(
            Self.updateFlow,
            [
                .id(flow.workspaceID), .id(flow.id), flow.browserDigest.map { .blob($0.bytes) } ?? .null,
                flow.ticketDigest.map { .blob($0.bytes) } ?? .null, .word(flow.stage), .blob(flow.sealed),
                .time(flow.expiresAt),
            ])
    }

    func deleteFlows(expiredBefore: Timestamp, limit: Int) throws -> [AuthorizationFlow] {
        let expired = try sql.query(
            Self.selectExpired, [.time(expiredBefore), .int(Int64(limit))], AuthorizationFlow.init)
        for flow in expired { try sql.execute(Self.deleteFlow, [.id(flow.workspaceID), .id(flow.id)]) }
        return expired
    }
}
