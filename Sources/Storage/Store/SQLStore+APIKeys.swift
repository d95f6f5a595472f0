package import Connections

private let columns = """
    id, workspace_id, label, status, permissions, expires_at, ip_whitelist, collections, created_by, created_at, \
    updated_at, last_used_at, revision
    """

extension APIKey {
    fileprivate init(_ row: any SQLRow) throws {
        let permissions = row.text(4).split(separator: ",").compactMap { Permission(rawValue: String($0)) }
        self.init(
            id: try row.id(0), workspaceID: try row.optionalID(1), label: row.text(2), status: try row.word(3),
            permissions: Permissions(permissions), expiresAt: row.optionalTime(5),
            ipWhitelist: row.isNull(6) ? nil : row.strings(6).compactMap { IPRange($0) },
            collections: row.isNull(7) ? nil : row.strings(7), createdBy: row.text(8), createdAt: row.time(9),
            updatedAt: row.time(10), lastUsedAt: row.optionalTime(11), revision: row.int64(12))
    }
}

private let selectByDigest = SQL("SELECT \(columns) FROM api_key WHERE digest = ?1")
/// Without a workspace, any: for instance-wide principals only.
private let selectByID = SQL(
    "SELECT \(columns) FROM api_key WHERE id = ?1 AND (?2 IS NULL OR workspace_id = ?2)")

extension SQLStore {
    package func apiKey(_ digest: TokenDigest) async throws -> APIKey? {
        try await database.read(.point) { sql in
            try sql.first(selectByDigest, [.blob(digest.bytes)], APIKey.init)
        }
    }

    package func apiKey(_ id: APIKeyID, in workspace: WorkspaceID?) async throws -> APIKey? {
        try await database.read(.point) { sql in
            try sql.first(selectByID, [.id(id), .id(workspace)], APIKey.init)
        }
    }

    package func apiKeys(
        in workspace: WorkspaceID?, page: PageRequest<APIKeyID>
    ) async throws -> Page<APIKey, APIKeyID> {
        var filter = Filter()
        filter.add("workspace_id = ?", workspace.map { .id($0) })
        return try await database.read(.scan) { [filter] sql in
            try sql.page(
                select: columns, from: "api_key", filter: filter, request: page, total: nil, id: \.id,
                row: APIKey.init)
        }
    }
}

private let selectByStatus = SQL("SELECT \(columns) FROM api_key WHERE status = ?1 ORDER BY id")

extension SQLTransaction {
    private static let insertKey = SQL(
        """
        INSERT INTO api_key (\(columns), digest)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
        """)
    private static let updateKey = SQL(
        """
        UPDATE api_key SET label = ?2, status = ?3, permissions = ?4, expires_at = ?5, ip_whitelist = ?6,
            collections = ?7, updated_at = ?8, revision = ?9
        WHERE id = ?1 AND workspace_id IS NOT DISTINCT FROM ?10
        """)
    private static let deleteKey = SQL(
        "DELETE FROM api_key WHERE id = ?1 AND workspace_id IS NOT DISTINCT FROM ?2")
    /// By id alone: the id comes from the token that was used, not from a caller.
    private static let touchKey = SQL("UPDATE api_key SET last_used_at = ?2 WHERE id = ?1")

    func apiKey(_ id: APIKeyID, in workspace: WorkspaceID?) throws -> APIKey? {
        try sql.first(selectByID, [.id(id), .id(workspace)], APIKey.init)
    }

    func apiKeys(status: Availability) throws -> [APIKey] {
        try sql.query(selectByStatus, [.word(status)], APIKey.init)
    }

    func insert(_ key: APIKey, digest: TokenDigest) throws {
        try sql.execute(
            Self.insertKey,
            [
                .id(key.id), .id(key.workspaceID), .text(key.label), .word(key.status),
                .text(key.permissions.names.joined(separator: ",")), .time(key.expiresAt),
                .strings(key.ipWhitelist?.map(\.text)), .strings(key.collections), .text(key.createdBy),
                .time(key.createdAt), .time(key.updatedAt), .time(key.lastUsedAt), .int(key.revision),
                .blob(digest.bytes),
            ])
    }

    func update(_ key: APIKey) throws {
        try sql.execute(
            Self.updateKey,
            [
                .id(key.id), .text(key.label), .word(key.status),
                .text(key.permissions.names.joined(separator: ",")), .time(key.expiresAt),
                .strings(key.ipWhitelist?.map(\.text)), .strings(key.collections), .time(key.updatedAt),
                .int(key.revision), .id(key.workspaceID),
            ])
    }

    func delete(_ key: APIKey) throws {
        try sql.execute(Self.deleteKey, [.id(key.id), .id(key.workspaceID)])
    }

    func touch(apiKey id: APIKeyID, at time: Timestamp) throws {
        try sql.execute(Self.touchKey, [.id(id), .time(time)])
    }
}
