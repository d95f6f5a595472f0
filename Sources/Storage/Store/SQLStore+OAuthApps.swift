package import Connections
import LosslessJSON

private let columns = """
    workspace_id, id, integration, auth_method_id, label, client_id, client_secret, client_secret_origins, \
    client_secret_generation, previous_client_secret, previous_client_secret_origins, \
    previous_client_secret_expires_at, scopes, client_authentication, return_urls, authorize_parameters, config, \
    failure, failing_since, created_by, created_at, updated_at, revision, client_secret_expires_at
    """

extension OAuthApp {
    fileprivate init(_ row: any SQLRow) throws {
        let generation = row.int64(8)
        self.init(
            id: try row.id(1), workspaceID: try row.id(0), integration: row.text(2), authMethodID: row.text(3),
            label: row.optionalText(4), clientID: row.text(5),
            clientSecret: row.isNull(6)
                ? nil : SealedAppSecret(bytes: row.bytes(6), generation: generation, origins: row.strings(7)),
            clientSecretExpiresAt: row.optionalTime(23),
            previousClientSecret: row.isNull(9)
                ? nil : SealedAppSecret(bytes: row.bytes(9), generation: generation - 1, origins: row.strings(10)),
            previousClientSecretExpiresAt: row.optionalTime(11), scopes: row.strings(12),
            clientAuthentication: try row.word(13), returnURLs: row.strings(14), authorizeParameters: row.json(15),
            config: row.json(16),
            failure: row.isNull(17) ? nil : Failure(reason: row.text(17), since: row.time(18)),
            createdBy: row.text(19), createdAt: row.time(20), updatedAt: row.time(21), revision: row.int64(22))
    }

    fileprivate func values(in workspace: WorkspaceID) -> [SQLValue] {
        [
            .id(workspace), .id(id), .text(integration), .text(authMethodID), .text(label), .text(clientID),
            clientSecret.map { .blob($0.bytes) } ?? .null, .strings(clientSecret?.origins ?? []),
            .int(clientSecret?.generation ?? 0), previousClientSecret.map { .blob($0.bytes) } ?? .null,
            .strings(previousClientSecret?.origins ?? []), .time(previousClientSecretExpiresAt), .strings(scopes),
            .word(clientAuthentication), .strings(returnURLs), .json(authorizeParameters), .json(config),
            .text(failure?.reason), .time(failure?.since), .text(createdBy), .time(createdAt), .time(updatedAt),
            .int(revision), .time(clientSecretExpiresAt),
        ]
    }
}

private let selectApp = SQL("SELECT \(columns) FROM oauth_app WHERE workspace_id = ?1 AND id = ?2")

extension SQLStore {
    package func oauthApp(_ id: OAuthAppID, in workspace: WorkspaceID) async throws -> OAuthApp? {
        try await database.read(.point) { try $0.first(selectApp, [.id(workspace), .id(id)], OAuthApp.init) }
    }

    package func oauthApps(_ query: OAuthAppQuery) async throws -> Page<OAuthApp, OAuthAppID> {
        var filter = Filter()
        filter.add("workspace_id = ?", .id(query.workspace))
        filter.add("integration = ?", query.integration.map { .text($0) })
        return try await database.read(.scan) { [filter] sql in
            try sql.page(
                select: columns, from: "oauth_app", filter: filter, request: query.page, total: nil, id: \.id,
                row: OAuthApp.init)
        }
    }
}

extension SQLTransaction {
    private static let selectByMethod = SQL(
        """
        SELECT \(columns) FROM oauth_app WHERE workspace_id = ?1 AND integration = ?2 AND auth_method_id = ?3
        ORDER BY id DESC
        """)
    private static let insertApp = SQL(
        """
        INSERT INTO oauth_app (\(columns))
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
            ?24)
        """)
    private static let updateApp = SQL(
        """
        UPDATE oauth_app SET integration = ?3, auth_method_id = ?4, label = ?5, client_id = ?6, client_secret = ?7,
            client_secret_origins = ?8, client_secret_generation = ?9, previous_client_secret = ?10,
            previous_client_secret_origins = ?11, previous_client_secret_expires_at = ?12, scopes = ?13,
            client_authentication = ?14, return_urls = ?15, authorize_parameters = ?16, config = ?17, failure = ?18,
            failing_since = ?19, created_by = ?20, created_at = ?21, updated_at = ?22, revision = ?23,
            client_secret_expires_at = ?24
        WHERE workspace_id = ?1 AND id = ?2
        """)
    private static let deleteApp = SQL("DELETE FROM oauth_app WHERE workspace_id = ?1 AND id = ?2")
    private static let countGrantsOfApp = SQL(
        "SELECT COUNT(*) FROM oauth_grant WHERE workspace_id = ?1 AND app_id = ?2")

    func oauthApp(_ id: OAuthAppID, in workspace: WorkspaceID) throws -> OAuthApp? {
        try sql.first(selectApp, [.id(workspace), .id(id)], OAuthApp.init)
    }

    func oauthApps(integration: String, method: String, in workspace: WorkspaceID) throws -> [OAuthApp] {
        try sql.query(
            Self.selectByMethod, [.id(workspace), .text(integration), .text(method)], OAuthApp.init)
    }

    func insert(_ app: OAuthApp, in workspace: WorkspaceID) throws {
        try sql.execute(Self.insertApp, app.values(in: workspace))
    }

    func update(_ app: OAuthApp, in workspace: WorkspaceID) throws {
        try sql.execute(Self.updateApp, app.values(in: workspace))
    }

    func delete(oauthApp id: OAuthAppID, in workspace: WorkspaceID) throws {
        try sql.execute(Self.deleteApp, [.id(workspace), .id(id)])
    }

    func countGrants(of app: OAuthAppID, in workspace: WorkspaceID) throws -> Int {
        try sql.count(Self.countGrantsOfApp, [.id(workspace), .id(app)])
    }
}
