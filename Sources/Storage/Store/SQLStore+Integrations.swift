package import Connections

private let columns = "workspace_id, id, definition, created_by, created_at, updated_at, revision"

extension IntegrationDefinition {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(
            workspaceID: try row.id(0), id: row.text(1), definition: row.json(2), createdBy: row.text(3),
            createdAt: row.time(4), updatedAt: row.time(5), revision: row.int64(6))
    }
}

private let selectAll = SQL("SELECT \(columns) FROM integration")

extension SQLStore {
    package func integrationDefinitions() async throws -> [IntegrationDefinition] {
        try await database.read(.scan) { try $0.query(selectAll, [], IntegrationDefinition.init) }
    }
}

extension SQLTransaction {
    private static let selectOne = SQL("SELECT \(columns) FROM integration WHERE workspace_id = ?1 AND id = ?2")
    private static let countOwn = SQL("SELECT COUNT(*) FROM integration WHERE workspace_id = ?1")
    private static let insertDefinition = SQL(
        "INSERT INTO integration (\(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
    private static let updateDefinition = SQL(
        "UPDATE integration SET definition = ?3, updated_at = ?4, revision = ?5 WHERE workspace_id = ?1 AND id = ?2")
    private static let deleteDefinition = SQL("DELETE FROM integration WHERE workspace_id = ?1 AND id = ?2")
    private static let countConnectionsTo = SQL(
        "SELECT COUNT(*) FROM connection WHERE workspace_id = ?1 AND integration = ?2")

    func integrationDefinition(_ id: String, in workspace: WorkspaceID) throws -> IntegrationDefinition? {
        try sql.first(Self.selectOne, [.id(workspace), .text(id)], IntegrationDefinition.init)
    }

    func countIntegrationDefinitions(in workspace: WorkspaceID) throws -> Int {
        try sql.count(Self.countOwn, [.id(workspace)])
    }

    func insert(_ definition: IntegrationDefinition) throws {
        try sql.execute(
            Self.insertDefinition,
            [
                .id(definition.workspaceID), .text(definition.id), .json(definition.definition),
                .text(definition.createdBy), .time(definition.createdAt), .time(definition.updatedAt),
                .int(definition.revision),
            ])
    }

    func update(_ definition: IntegrationDefinition) throws {
        try sql.execute(
            Self.updateDefinition,
            [
                .id(definition.workspaceID), .text(definition.id), .json(definition.definition),
                .time(definition.updatedAt), .int(definition.revision),
            ])
    }

    func delete(integrationDefinition id: String, in workspace: WorkspaceID) throws {
        try sql.execute(Self.deleteDefinition, [.id(workspace), .text(id)])
    }

    func countConnections(to integration: String, in workspace: WorkspaceID) throws -> Int {
        try sql.count(Self.countConnectionsTo, [.id(workspace), .text(integration)])
    }
}
