package import Connections

private let columns = "id, name, slug, description, created_by, created_at, updated_at, revision"

extension Workspace {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(
            id: try row.id(0), name: row.text(1), slug: row.text(2), description: row.optionalText(3),
            createdBy: row.text(4), createdAt: row.time(5), updatedAt: row.time(6), revision: row.int64(7))
    }
}

private let selectByID = SQL("SELECT \(columns) FROM workspace WHERE id = ?1")
private let selectBySlug = SQL("SELECT \(columns) FROM workspace WHERE slug = ?1")

extension SQLStore {
    package func workspace(_ id: WorkspaceID) async throws -> Workspace? {
        try await database.read(.point) { try $0.first(selectByID, [.id(id)], Workspace.init) }
    }

    package func workspace(slug: String) async throws -> Workspace? {
        try await database.read(.point) { try $0.first(selectBySlug, [.text(slug)], Workspace.init) }
    }

    package func workspaces(
        _ ids: [WorkspaceID]?, page: PageRequest<WorkspaceID>
    ) async throws -> Page<Workspace, WorkspaceID> {
        var filter = Filter()
        if let ids {
            let places = ids.map { filter.placeholder(for: .id($0)) }.joined(separator: ", ")
            filter.add("id IN (\(places))")
        }
        return try await database.read(.scan) { [filter] sql in
            try sql.page(
                select: columns, from: "workspace", filter: filter, request: page, total: nil, id: \.id,
                row: Workspace.init)
        }
    }
}

extension SQLTransaction {
    private static let insertWorkspace = SQL(
        "INSERT INTO workspace (\(columns), data_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
    private static let updateWorkspace = SQL(
        "UPDATE workspace SET name = ?2, slug = ?3, description = ?4, updated_at = ?5, revision = ?6 WHERE id = ?1")
    private static let selectDataKey = SQL("SELECT data_key FROM workspace WHERE id = ?1")
    private static let countContents = SQL(
        """
        SELECT (SELECT COUNT(*) FROM connection WHERE workspace_id = ?1)
            + (SELECT COUNT(*) FROM credential WHERE workspace_id = ?1)
            + (SELECT COUNT(*) FROM api_key WHERE workspace_id = ?1)
        """)
    /// In the order that foreign keys ask for.
    private static let deleteContents = [
        "connection", "connection_count", "credential", "oauth_app", "oauth_flow", "oauth_revocation", "integration",
        "api_key", "webhook", "unreachable_host", "expiry_notice", "journal", "journal_trim",
    ].map { SQL("DELETE FROM \($0) WHERE workspace_id = ?1") }
    private static let deleteWorkspace = SQL("DELETE FROM workspace WHERE id = ?1")

    func workspace(_ id: WorkspaceID) throws -> Workspace? {
        try sql.first(selectByID, [.id(id)], Workspace.init)
    }

    func insert(_ workspace: Workspace, wrappedDataKey: [UInt8]) throws {
        try sql.execute(
            Self.insertWorkspace,
            [
                .id(workspace.id), .text(workspace.name), .text(workspace.slug), .text(workspace.description),
                .text(workspace.createdBy), .time(workspace.createdAt), .time(workspace.updatedAt),
                .int(workspace.revision), .blob(wrappedDataKey),
            ])
    }

    func update(_ workspace: Workspace) throws {
        try sql.execute(
            Self.updateWorkspace,
            [
                .id(workspace.id), .text(workspace.name), .text(workspace.slug), .text(workspace.description),
                .time(workspace.updatedAt), .int(workspace.revision),
            ])
    }

    func countContents(of workspace: WorkspaceID) throws -> Int {
        try sql.count(Self.countContents, [.id(workspace)])
    }

    func delete(workspace id: WorkspaceID) throws {
        for statement in Self.deleteContents { try sql.execute(statement, [.id(id)]) }
        try sql.execute(Self.deleteWorkspace, [.id(id)])
    }

    func wrappedDataKey(of workspace: WorkspaceID) throws -> [UInt8]? {
        try sql.first(Self.selectDataKey, [.id(workspace)]) { $0.bytes(0) }
    }
}
