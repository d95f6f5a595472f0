package import Connections

private let columns = """
    workspace_id, credential_id, kind, app_id, client_id, state, access_expires_at, refresh_expires_at, due_at, \
    has_refresh_token, requested_scopes, granted_scopes, account_label, account_fingerprint, failures, last_failure, \
    lease_owner, lease_until, fence, intent_generation, intent_at, intent_is_second_try, answer, \
    renews_refresh_token
    """

extension Grant {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(
            workspaceID: try row.id(0), credentialID: try row.id(1), kind: try row.word(2),
            appID: try row.optionalID(3), clientID: row.optionalText(4), state: try row.word(5),
            accessExpiresAt: row.optionalTime(6), refreshExpiresAt: row.optionalTime(7),
            renewsRefreshToken: row.isNull(23) ? nil : row.bool(23), dueAt: row.optionalTime(8),
            hasRefreshToken: row.bool(9), requestedScopes: row.strings(10),
            grantedScopes: row.isNull(11) ? nil : row.strings(11),
            account: row.isNull(13) ? nil : Account(label: row.text(12), fingerprint: row.text(13)),
            failures: Int(row.int64(14)), lastFailure: row.optionalText(15),
            lease: row.isNull(16) ? nil : Lease(owner: row.text(16), until: row.time(17)), fence: row.int64(18),
            intent: row.isNull(19)
                ? nil : Intent(generation: row.int64(19), at: row.time(20), isSecondTry: row.bool(21)),
            answer: row.isNull(22) ? nil : row.bytes(22))
    }
}

private let selectGrant = SQL("SELECT \(columns) FROM oauth_grant WHERE workspace_id = ?1 AND credential_id = ?2")

private let selectSameAccount = SQL(
    """
    SELECT connection.id FROM oauth_grant
    JOIN connection ON connection.workspace_id = oauth_grant.workspace_id
        AND connection.credential_id = oauth_grant.credential_id
    WHERE oauth_grant.workspace_id = ?1 AND oauth_grant.account_fingerprint = ?2 AND connection.integration = ?3
    ORDER BY connection.id DESC LIMIT 100
    """)

private let countAtRisk = SQL("SELECT COUNT(*) FROM oauth_grant WHERE has_refresh_token = 1 AND state <> 'dead'")
private let selectAtRisk = SQL(
    "SELECT workspace_id, credential_id FROM oauth_grant WHERE has_refresh_token = 1 AND state <> 'dead' LIMIT ?1")

/// Over the workspace's primary key: activating is done once, and an index would cost every refresh.
private let selectSuspended = SQL(
    """
    SELECT workspace_id, credential_id FROM oauth_grant
    WHERE workspace_id = ?1 AND credential_id > ?2 AND state = 'suspended' ORDER BY credential_id LIMIT ?3
    """)

private let selectNextDue = SQL(
    """
    SELECT MIN(due) FROM (
        SELECT MIN(due_at) AS due FROM oauth_grant WHERE due_at IS NOT NULL
        UNION ALL SELECT MIN(due_at) AS due FROM oauth_revocation WHERE due_at IS NOT NULL
        UNION ALL SELECT MIN(expires_at) AS due FROM oauth_flow
    ) AS work
    """)

extension GrantKey {
    fileprivate init(_ row: any SQLRow) throws {
        self.init(workspaceID: try row.id(0), credentialID: try row.id(1))
    }
}

extension SQLStore {
    package func grant(of credential: CredentialID, in workspace: WorkspaceID) async throws -> Grant? {
        try await database.read(.point) { try $0.first(selectGrant, [.id(workspace), .id(credential)], Grant.init) }
    }

    package func connections(
        ofAccount fingerprint: String, integration: String, in workspace: WorkspaceID, except: ConnectionID?
    ) async throws -> [ConnectionID] {
        try await database.read(.point) { sql in
            try sql.query(selectSameAccount, [.id(workspace), .text(fingerprint), .text(integration)]) { row in
                try row.id(0) as ConnectionID
            }
        }.filter { $0 != except }
    }

    package func dueGrants(
        at: Timestamp, except: Set<OAuthAppID>, limit: Int
    ) async throws -> [DueGrant] {
        try await database.read(.scan) { sql in
            var filter = Filter()
            filter.add("due_at IS NOT NULL AND due_at <= ?", .time(at))
            if !except.isEmpty {
                let apps = except.sorted().map { filter.placeholder(for: .id($0)) }.joined(separator: ", ")
                filter.add("(app_id IS NULL OR app_id NOT IN (\(apps)))")
            }
            let clause = filter.clause
            let bound = filter.placeholder(for: .int(Int64(limit)))
            return try sql.query(
                .interned(
                    "SELECT workspace_id, credential_id, app_id FROM oauth_grant\(clause) ORDER BY due_at LIMIT \(bound)"
                ),
                filter.values
            ) { DueGrant(key: try GrantKey($0), app: try $0.optionalID(2)) }
        }
    }

    package func nextDue() async throws -> Timestamp? {
        try await database.read(.point) { sql in
            try sql.first(selectNextDue, []) { $0.optionalTime(0) } ?? nil
        }
    }

    package func grantsAtRisk(limit: Int) async throws -> (total: Int, keys: [GrantKey]) {
        try await database.read(.scan) { sql in
            (try sql.count(countAtRisk, []), try sql.query(selectAtRisk, [.int(Int64(limit))], GrantKey.init))
        }
    }

    package func suspendedGrants(
        in workspace: WorkspaceID, after: CredentialID?, limit: Int
    ) async throws -> [GrantKey] {
        let start: SQLValue = after.map { .id($0) } ?? .text("")
        return try await database.read(.scan) {
            try $0.query(selectSuspended, [.id(workspace), start, .int(Int64(limit))], GrantKey.init)
        }
    }
}

extension SQLTransaction {
    private static let upsertGrant = SQL(
        """
        INSERT INTO oauth_grant (\(columns))
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
            ?24)
        ON CONFLICT (workspace_id, credential_id) DO UPDATE SET kind = excluded.kind, app_id = excluded.app_id,
            client_id = excluded.client_id, state = excluded.state, access_expires_at = excluded.access_expires_at,
            refresh_expires_at = excluded.refresh_expires_at, due_at = excluded.due_at,
            has_refresh_token = excluded.has_refresh_token, requested_scopes = excluded.requested_scopes,
            granted_scopes = excluded.granted_scopes, account_label = excluded.account_label,
            account_fingerprint = excluded.account_fingerprint, failures = excluded.failures,
            last_failure = excluded.last_failure, lease_owner = excluded.lease_owner,
            lease_until = excluded.lease_until, fence = excluded.fence,
            intent_generation = excluded.intent_generation, intent_at = excluded.intent_at,
            intent_is_second_try = excluded.intent_is_second_try, answer = excluded.answer,
            renews_refresh_token = excluded.renews_refresh_token
        """)
    private static let selectOfApp = SQL(
        "SELECT workspace_id, credential_id FROM oauth_grant WHERE workspace_id = ?1 AND app_id = ?2 AND state = ?3")

    /// An account's fingerprint is of one integration.
    private static let countOfAccount = SQL(
        """
        SELECT COUNT(*) FROM oauth_grant
        WHERE workspace_id = ?1 AND account_fingerprint = ?2 AND credential_id <> ?3 AND state <> 'dead'
        """)

    private static let selectStanding = SQL(
        """
        SELECT connection.revision, credential.revision, credential_secret.generation, oauth_app.revision,
            connection.status, connection.needs_rebind, credential.status, oauth_grant.state,
            oauth_grant.access_expires_at
        FROM connection
        JOIN credential ON credential.workspace_id = connection.workspace_id AND credential.id = connection.credential_id
        JOIN credential_secret ON credential_secret.workspace_id = connection.workspace_id
            AND credential_secret.credential_id = connection.credential_id
        JOIN oauth_grant ON oauth_grant.workspace_id = connection.workspace_id
            AND oauth_grant.credential_id = connection.credential_id
        LEFT JOIN oauth_app ON oauth_app.workspace_id = connection.workspace_id AND oauth_app.id = oauth_grant.app_id
        WHERE \(ConnectionRowKey.condition) LIMIT 1
        """)

    func tokenStanding(of connection: ConnectionID, in workspace: WorkspaceID) throws -> TokenStanding? {
        try sql.first(Self.selectStanding, ConnectionRowKey.values(connection, in: workspace)) { row in
            TokenStanding(
                versions: TokenStanding.Versions(
                    connection: row.int64(0), credential: row.int64(1), generation: row.int64(2),
                    app: row.isNull(3) ? nil : row.int64(3)),
                connectionStatus: try row.word(4), needsRebind: row.bool(5), credentialStatus: try row.word(6),
                grantState: try row.word(7), accessExpiresAt: row.optionalTime(8))
        }
    }

    func grant(of credential: CredentialID, in workspace: WorkspaceID) throws -> Grant? {
        try sql.first(selectGrant, [.id(workspace), .id(credential)], Grant.init)
    }

    private static let keepAnswer = SQL(
        "UPDATE oauth_grant SET answer = ?4 WHERE workspace_id = ?1 AND credential_id = ?2 AND fence = ?3")

    func keep(
        answer: [UInt8], of credential: CredentialID, in workspace: WorkspaceID, fence: Int64
    ) throws -> Bool {
        try sql.execute(Self.keepAnswer, [.id(workspace), .id(credential), .int(fence), .blob(answer)]) > 0
    }

    func put(_ grant: Grant) throws {
        try sql.execute(
            Self.upsertGrant,
            [
                .id(grant.workspaceID), .id(grant.credentialID), .word(grant.kind), .id(grant.appID),
                .text(grant.clientID), .word(grant.state), .time(grant.accessExpiresAt),
                .time(grant.refreshExpiresAt), .time(grant.dueAt), .bool(grant.hasRefreshToken),
                .strings(grant.requestedScopes), .strings(grant.grantedScopes), .text(grant.account?.label),
                .text(grant.account?.fingerprint), .int(Int64(grant.failures)), .text(grant.lastFailure),
                .text(grant.lease?.owner), .time(grant.lease?.until), .int(grant.fence),
                grant.intent.map { .int($0.generation) } ?? .null, .time(grant.intent?.at),
                .bool(grant.intent?.isSecondTry ?? false), grant.answer.map { .blob($0) } ?? .null,
                grant.renewsRefreshToken.map { .bool($0) } ?? .null,
            ])
    }

    func hasGrant(
        ofAccount fingerprint: String, in workspace: WorkspaceID, except credential: CredentialID?
    ) throws -> Bool {
        let other: SQLValue = credential.map { .id($0) } ?? .text("")
        return try sql.count(Self.countOfAccount, [.id(workspace), .text(fingerprint), other]) > 0
    }

    func grants(of app: OAuthAppID, state: Grant.State, in workspace: WorkspaceID) throws -> [GrantKey] {
        try sql.query(Self.selectOfApp, [.id(workspace), .id(app), .word(state)], GrantKey.init)
    }
}
