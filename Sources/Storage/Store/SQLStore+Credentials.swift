package import Connections

private let columns = """
    id, workspace_id, label, description, auth_type, credential_type, scope, provider, user_id, status, expires_at, \
    last_used_at, is_inline, created_by, created_at, updated_at, revision
    """

extension Credential {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(
            id: try row.id(0), workspaceID: try row.id(1), label: row.text(2), description: row.optionalText(3),
            authType: try row.word(4), credentialType: try row.word(5), scope: row.text(6),
            provider: row.optionalText(7), userID: row.optionalText(8), status: try row.word(9),
            expiresAt: row.optionalTime(10), lastUsedAt: row.optionalTime(11), isInline: row.bool(12),
            createdBy: row.text(13), createdAt: row.time(14), updatedAt: row.time(15), revision: row.int64(16))
    }

    fileprivate var searchText: String { searchFolded(label, description) }
}

private let selectCredential = SQL("SELECT \(columns) FROM credential WHERE workspace_id = ?1 AND id = ?2")

extension SQLStore {
    package func credential(_ id: CredentialID, in workspace: WorkspaceID) async throws -> Credential? {
        try await database.read(.point) { sql in
            try sql.first(selectCredential, [.id(workspace), .id(id)], Credential.init)
        }
    }

    package func credentials(_ query: CredentialQuery) async throws -> Page<Credential, CredentialID> {
        var filter = Filter()
        filter.add("workspace_id = ?", .id(query.workspace))
        filter.add("credential_type = ?", query.credentialType.map { .word($0) })
        filter.add("auth_type = ?", query.authType.map { .word($0) })
        filter.add("status = ?", query.status.map { .text($0) })
        filter.add("search_text LIKE ? ESCAPE '\\'", query.search.map { Filter.containing($0) })
        return try await database.read(.scan) { [filter] sql in
            try sql.page(
                select: columns, from: "credential", filter: filter, request: query.page, total: nil, id: \.id,
                row: Credential.init)
        }
    }
}

extension SQLTransaction {
    private static let insertCredential = SQL(
        """
        INSERT INTO credential (\(columns), search_text)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
        """)
    private static let updateCredential = SQL(
        """
        UPDATE credential SET label = ?3, description = ?4, status = ?5, expires_at = ?6, updated_at = ?7,
            revision = ?8, search_text = ?9
        WHERE workspace_id = ?1 AND id = ?2
        """)
    private static let deleteCredential = SQL("DELETE FROM credential WHERE workspace_id = ?1 AND id = ?2")
    private static let selectSealed = SQL(
        """
        SELECT data, record_key, generation FROM credential_secret WHERE workspace_id = ?1 AND credential_id = ?2
        """)
    private static let upsertSealed = SQL(
        """
        INSERT INTO credential_secret (workspace_id, credential_id, data, record_key, generation)
        VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (workspace_id, credential_id) DO UPDATE
        SET data = excluded.data, record_key = excluded.record_key, generation = excluded.generation
        """)

    func credential(_ id: CredentialID, in workspace: WorkspaceID) throws -> Credential? {
        try sql.first(selectCredential, [.id(workspace), .id(id)], Credential.init)
    }

    func sealed(_ id: CredentialID, in workspace: WorkspaceID) throws -> SealedCredential? {
        try sql.first(Self.selectSealed, [.id(workspace), .id(id)]) { row in
            SealedCredential(data: row.bytes(0), wrappedRecordKey: row.bytes(1), generation: row.int64(2))
        }
    }

    func insert(_ credential: Credential, sealed: SealedCredential) throws {
        try sql.execute(
            Self.insertCredential,
            [
                .id(credential.id), .id(credential.workspaceID), .text(credential.label),
                .text(credential.description), .word(credential.authType), .word(credential.credentialType),
                .text(credential.scope), .text(credential.provider), .text(credential.userID),
                .word(credential.status), .time(credential.expiresAt), .time(credential.lastUsedAt),
                .bool(credential.isInline), .text(credential.createdBy), .time(credential.createdAt),
                .time(credential.updatedAt), .int(credential.revision), .text(credential.searchText),
            ])
        try upsert(sealed, of: credential)
    }

    func update(_ credential: Credential, sealed: SealedCredential?) throws {
        try sql.execute(
            Self.updateCredential,
            [
                .id(credential.workspaceID), .id(credential.id), .text(credential.label),
                .text(credential.description), .word(credential.status), .time(credential.expiresAt),
                .time(credential.updatedAt), .int(credential.revision), .text(credential.searchText),
            ])
        if let sealed { try upsert(sealed, of: credential) }
    }

    func delete(credential id: CredentialID, in workspace: WorkspaceID) throws {
        try sql.execute(Self.deleteCredential, [.id(workspace), .id(id)])
    }

    private func upsert(_ sealed: SealedCredential, of credential: Credential) throws {
        try sql.execute(
            Self.upsertSealed,
            [
                .id(credential.workspaceID), .id(credential.id), .blob(sealed.data),
                .blob(sealed.wrappedRecordKey), .int(sealed.generation),
            ])
    }
}
