package import Connections
import LosslessJSON

private let columns = """
    id, workspace_id, credential_id, integration, integration_type, auth_method_id, user_id, label, config, status, \
    external_id, tags, metadata, needs_rebind, created_by, created_at, updated_at, revision, status_reason, status_since, \
    last_checked_at, check_interval, event_sequence
    """

extension Connection {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(
            id: try row.id(0), workspaceID: try row.id(1), credentialID: try row.id(2), integration: row.text(3),
            integrationType: try row.word(4), authMethodID: row.text(5), userID: row.optionalText(6),
            label: row.optionalJSON(7), config: row.json(8), status: try row.word(9),
            externalID: row.optionalText(10), tags: row.json(11), metadata: row.json(12), needsRebind: row.bool(13),
            createdBy: row.text(14), createdAt: row.time(15), updatedAt: row.time(16), revision: row.int64(17),
            statusReason: row.optionalText(18), statusSince: row.time(19), lastCheckedAt: row.optionalTime(20),
            checkInterval: row.isNull(21) ? nil : Int(row.int64(21)), eventSequence: row.int64(22))
    }
}

// MARK: - Reading

private let selectConnection = SQL("SELECT \(columns) FROM connection WHERE \(ConnectionRowKey.condition) LIMIT 1")

private let selectByExternalID = SQL(
    "SELECT id FROM connection WHERE workspace_id = ?1 AND integration = ?2 AND external_id = ?3")

private let selectCounts = SQL(
    """
    SELECT integration_type, status, SUM(total) FROM connection_count
    WHERE workspace_id = ?1 AND user_id = ?2 GROUP BY integration_type, status HAVING SUM(total) > 0
    """)

extension SQLStore {
    package func connection(_ id: ConnectionID, in workspace: WorkspaceID) async throws -> Connection? {
        try await database.read(.point) { try $0.connection(id, in: workspace) }
    }

    package func connections(_ query: ConnectionQuery) async throws -> Page<Connection, ConnectionID> {
        try await database.read(.scan) { sql in
            try sql.page(
                select: columns, from: "connection", filter: query.filter, request: query.page,
                total: query.isCounted ? sql.countedTotal(query) : nil, id: \.id, row: Connection.init)
        }
    }

    package func connectionID(
        externalID: String, integration: String, in workspace: WorkspaceID
    ) async throws -> ConnectionID? {
        try await database.read(.point) { sql in
            try sql.first(selectByExternalID, [.id(workspace), .text(integration), .text(externalID)]) { try $0.id(0) }
        }
    }

    package func connectionCounts(in workspace: WorkspaceID, userID: String?) async throws -> [ConnectionCount] {
        try await database.read(.point) { try $0.connectionCounts(in: workspace, userID: userID) }
    }
}

extension SQLConnection {
    fileprivate func connection(_ id: ConnectionID, in workspace: WorkspaceID) throws -> Connection? {
        try first(selectConnection, ConnectionRowKey.values(id, in: workspace), Connection.init)
    }

    fileprivate func connectionCounts(in workspace: WorkspaceID, userID: String?) throws -> [ConnectionCount] {
        try query(selectCounts, [.id(workspace), .text(userID ?? "")]) { row in
            ConnectionCount(type: try row.word(0), status: try row.word(1), count: Int(row.int64(2)))
        }
    }

    fileprivate func countedTotal(_ query: ConnectionQuery) throws -> Int {
        try connectionCounts(in: query.workspace, userID: query.userID)
            .filter { query.integrationType == nil || $0.type == query.integrationType }
            .filter { query.status == nil || $0.status == query.status }
            .reduce(0) { $0 + $1.count }
    }
}

extension ConnectionQuery {
    /// Whether the counters know the total, so that nothing has to be counted.
    fileprivate var isCounted: Bool {
        integration == nil && externalID == nil && tag == nil && credentialID == nil && search == nil
    }

    fileprivate var filter: Filter {
        var filter = Filter()
        filter.add("workspace_id = ?", .id(workspace))
        filter.add("integration = ?", integration.map { .text($0) })
        filter.add("integration_type = ?", integrationType.map { .word($0) })
        filter.add("status = ?", status.map { .word($0) })
        filter.add("user_id = ?", userID.map { .text($0) })
        filter.add("external_id = ?", externalID.map { .text($0) })
        filter.add("credential_id = ?", credentialID.map { .id($0) })
        filter.add(
            "id IN (SELECT connection_id FROM connection_tag WHERE workspace_id = ? AND tag = ?)", .id(workspace),
            tag.map { .text($0) })
        filter.add("search_text LIKE ? ESCAPE '\\'", search.map { Filter.containing($0) })
        return filter
    }
}

// MARK: - Writing

extension SQLTransaction {
    private static let insertConnection = SQL(
        """
        INSERT INTO connection (\(columns), search_text, key)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
            ?24, ?25)
        """)
    private static let selectTakenKeys = SQL("SELECT key FROM connection WHERE key BETWEEN ?1 AND ?2")

    /// Names no column of an index, so that an update touches one page of the table and none of an index.
    private static let updateContent = SQL(
        """
        UPDATE connection SET label = ?4, config = ?5, tags = ?6, metadata = ?7, needs_rebind = ?8, updated_at = ?9,
            revision = ?10, search_text = COALESCE(?11, search_text), status_reason = ?12, status_since = ?13,
            last_checked_at = ?14, check_interval = ?15, event_sequence = ?16
        WHERE \(ConnectionRowKey.condition)
        """)
    private static let updateStatus = SQL("UPDATE connection SET status = ?4 WHERE \(ConnectionRowKey.condition)")
    private static let updateExternalID = SQL(
        "UPDATE connection SET external_id = ?4 WHERE \(ConnectionRowKey.condition)")
    private static let deleteConnection = SQL("DELETE FROM connection WHERE \(ConnectionRowKey.condition)")
    private static let insertTag = SQL(
        "INSERT INTO connection_tag (workspace_id, tag, connection_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
    private static let deleteTags = SQL("DELETE FROM connection_tag WHERE workspace_id = ?1 AND connection_id = ?2")
    private static let addCount = SQL(
        """
        INSERT INTO connection_count (workspace_id, user_id, integration_type, status, shard, total)
        VALUES (?1, ?2, ?3, ?4, 0, ?5)
        ON CONFLICT (workspace_id, user_id, integration_type, status, shard)
        DO UPDATE SET total = connection_count.total + excluded.total
        """)

    func connection(_ id: ConnectionID, in workspace: WorkspaceID) throws -> Connection? {
        try sql.connection(id, in: workspace)
    }

    func connection(externalID: String, integration: String, in workspace: WorkspaceID) throws -> Connection? {
        try sql.first(selectByExternalID, [.id(workspace), .text(integration), .text(externalID)]) { row in
            try row.id(0) as ConnectionID
        }.flatMap { try connection($0, in: workspace) }
    }

    func insert(_ connection: Connection, secrets: ConnectionSecrets, searchText: String) throws {
        try sql.execute(
            Self.insertConnection,
            [
                .id(connection.id), .id(connection.workspaceID), .id(connection.credentialID),
                .text(connection.integration), .word(connection.integrationType), .text(connection.authMethodID),
                .text(connection.userID), .json(connection.label), .json(connection.config),
                .word(connection.status), .text(connection.externalID), .json(connection.tags),
                .json(connection.metadata), .bool(connection.needsRebind), .text(connection.createdBy),
                .time(connection.createdAt), .time(connection.updatedAt), .int(connection.revision),
                .text(connection.statusReason), .time(connection.statusSince), .time(connection.lastCheckedAt),
                .int(connection.checkInterval), .int(connection.eventSequence), .text(searchText),
                .int(try freeKey(of: connection.id)),
            ])
        try insertTags(of: connection)
        try count(connection, by: 1)
        try insert(secrets, of: connection.id, in: connection.workspaceID)
    }

    func update(_ connection: Connection, from old: Connection, searchText: String?) throws {
        let key = ConnectionRowKey.values(connection.id, in: connection.workspaceID)
        try sql.execute(
            Self.updateContent,
            key + [
                .json(connection.label), .json(connection.config), .json(connection.tags),
                .json(connection.metadata), .bool(connection.needsRebind), .time(connection.updatedAt),
                .int(connection.revision), .text(searchText), .text(connection.statusReason),
                .time(connection.statusSince), .time(connection.lastCheckedAt), .int(connection.checkInterval),
                .int(connection.eventSequence),
            ])
        if connection.externalID != old.externalID {
            try sql.execute(Self.updateExternalID, key + [.text(connection.externalID)])
        }
        if connection.status != old.status {
            try sql.execute(Self.updateStatus, key + [.word(connection.status)])
            try count(old, by: -1)
            try count(connection, by: 1)
        }
        if connection.tags != old.tags {
            try sql.execute(Self.deleteTags, [.id(connection.workspaceID), .id(connection.id)])
            try insertTags(of: connection)
        }
    }

    func delete(_ connection: Connection) throws {
        try sql.execute(Self.deleteConnection, ConnectionRowKey.values(connection.id, in: connection.workspaceID))
        try count(connection, by: -1)
    }

    /// The first of the numbers that the row may stand at.
    private func freeKey(of id: ConnectionID) throws -> Int64 {
        let first = ConnectionRowKey.of(id)
        let last = first + ConnectionRowKey.reach - 1
        let taken = Set(try sql.query(Self.selectTakenKeys, [.int(first), .int(last)]) { $0.int64(0) })
        guard let free = (first...last).first(where: { !taken.contains($0) }) else {
            throw StoreError.duplicate(.other)
        }
        return free
    }

    private func insertTags(of connection: Connection) throws {
        for tag in connection.tags.slice.elements.compactMap(\.string) {
            try sql.execute(Self.insertTag, [.id(connection.workspaceID), .text(tag), .id(connection.id)])
        }
    }

    private func count(_ connection: Connection, by step: Int64) throws {
        for user in ["", connection.userID].compactMap(\.self) {
            try sql.execute(
                Self.addCount,
                [
                    .id(connection.workspaceID), .text(user), .word(connection.integrationType),
                    .word(connection.status), .int(step),
                ])
        }
    }

    // MARK: Secrets

    private static let insertSecrets = SQL(
        """
        INSERT INTO connection_secret
            (workspace_id, connection_id, origins, record_key, config, config_origins, config_generation)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        """)
    private static let updateSecrets = SQL(
        """
        UPDATE connection_secret
        SET origins = ?3, record_key = ?4, config = ?5, config_origins = ?6, config_generation = ?7
        WHERE workspace_id = ?1 AND connection_id = ?2
        """)
    private static let selectSecrets = SQL(
        """
        SELECT origins, record_key, config, config_origins, config_generation FROM connection_secret
        WHERE workspace_id = ?1 AND connection_id = ?2
        """)

    func secrets(of connection: ConnectionID, in workspace: WorkspaceID) throws -> ConnectionSecrets? {
        try sql.first(Self.selectSecrets, [.id(workspace), .id(connection)]) { row in
            ConnectionSecrets(
                origins: row.strings(0), wrappedRecordKey: row.bytes(1),
                config: row.isNull(2)
                    ? nil : SealedConfig(bytes: row.bytes(2), origins: row.strings(3), generation: row.int64(4)))
        }
    }

    func update(secrets: ConnectionSecrets, of connection: ConnectionID, in workspace: WorkspaceID) throws {
        try sql.execute(Self.updateSecrets, values(secrets, of: connection, in: workspace))
    }

    private func insert(_ secrets: ConnectionSecrets, of connection: ConnectionID, in workspace: WorkspaceID) throws {
        try sql.execute(Self.insertSecrets, values(secrets, of: connection, in: workspace))
    }

    private func values(
        _ secrets: ConnectionSecrets, of connection: ConnectionID, in workspace: WorkspaceID
    ) -> [SQLValue] {
        [
            .id(workspace), .id(connection), .strings(secrets.origins), .blob(secrets.wrappedRecordKey),
            secrets.config.map { .blob($0.bytes) } ?? .null, .strings(secrets.config?.origins),
            secrets.config.map { .int($0.generation) } ?? .null,
        ]
    }

    // MARK: By credential

    /// The inner query is there for its index: asked at once, SQLite would go through the primary key for the order's sake.
    private static let selectUsing = SQL(
        """
        SELECT \(columns) FROM connection WHERE workspace_id = ?1 AND id IN (
            SELECT id FROM connection WHERE workspace_id = ?1 AND credential_id = ?2 ORDER BY id DESC LIMIT ?3
        ) ORDER BY id DESC
        """)
    private static let countUsing = SQL(
        "SELECT COUNT(*) FROM connection WHERE workspace_id = ?1 AND credential_id = ?2")

    func connections(
        using credential: CredentialID, in workspace: WorkspaceID, limit: Int
    ) throws -> [Connection] {
        try sql.query(
            Self.selectUsing, [.id(workspace), .id(credential), .int(Int64(limit))], Connection.init)
    }

    /// The status is wrapped, since few connections use a credential and many may have a status: the index of these would be
    /// the wrong one.
    private static let selectWithStatus = SQL(
        "SELECT 1 FROM connection WHERE workspace_id = ?1 AND credential_id = ?2 AND status || '' = ?3 LIMIT 1")

    func hasConnections(
        using credential: CredentialID, status: ConnectionStatus, in workspace: WorkspaceID
    ) throws -> Bool {
        try sql.first(Self.selectWithStatus, [.id(workspace), .id(credential), .word(status)]) { _ in true } ?? false
    }

    func countConnections(using credential: CredentialID, in workspace: WorkspaceID) throws -> Int {
        try sql.count(Self.countUsing, [.id(workspace), .id(credential)])
    }
}
