package import Connections
import LosslessJSON

extension Expiration {
    fileprivate init(_ row: any SQLRow, of kind: Kind) throws {
        let subject = row.text(1)
        let isCertificate = kind == .certificate
        self.init(
            kind, of: subject, at: row.time(0),
            label: isCertificate ? row.json(2).slice.string : row.optionalText(2), renewsItself: row.bool(3),
            connections: isCertificate ? [try row.id(1)] : [])
    }
}

// MARK: - Reading

private let selectUsers = SQL(
    "SELECT id FROM connection WHERE workspace_id = ?1 AND credential_id = ?2 ORDER BY credential_id, id DESC LIMIT ?3")

private let selectUsersOfApp = SQL(
    """
    SELECT connection.id FROM oauth_grant
    JOIN connection ON connection.workspace_id = oauth_grant.workspace_id
        AND connection.credential_id = oauth_grant.credential_id
    WHERE oauth_grant.workspace_id = ?1 AND oauth_grant.app_id = ?2 AND oauth_grant.state IN ('live', 'in_doubt', 'held')
    LIMIT ?3
    """)

extension SQLStore {
    package func expirations(_ query: ExpirationQuery) async throws -> [Expiration] {
        let found = try await database.read(.scan) { sql in
            try ExpirationSource.all.filter { query.kinds.contains($0.kind) }.flatMap { source in
                try sql.expirations(of: source, in: query.workspace, query)
                    + (source.hasInstanceRows && query.includesInstance
                        ? sql.expirations(of: source, in: nil, query) : [])
            }
        }
        return Array(found.sorted { $0.place < $1.place }.prefix(query.limit))
    }

    package func connections(
        of expirations: [Expiration], in workspace: WorkspaceID
    ) async throws -> [String: [ConnectionID]] {
        let limit = SQLValue.int(Int64(Expiration.maxConnections))
        return try await database.read(.scan) { sql in
            var connections: [String: [ConnectionID]] = [:]
            for expiration in expirations where connections[expiration.subject] == nil {
                let statement: SQL
                switch expiration.kind {
                case .accessToken, .refreshToken, .credential: statement = selectUsers
                case .clientSecret: statement = selectUsersOfApp
                case .apiKey, .certificate, .jwtKey: continue
                }
                connections[expiration.subject] = try sql.query(
                    statement, [.id(workspace), .text(expiration.subject), limit]
                ) { try $0.id(0) }
            }
            return connections
        }
    }

    package func hasUnannounced(in workspace: WorkspaceID?, at now: Timestamp) async throws -> Bool {
        try await database.read(.scan) { try !$0.unannounced(in: workspace, at: now, limit: 1).isEmpty }
    }
}

extension SQLConnection {
    fileprivate func expirations(
        of source: ExpirationSource, in workspace: WorkspaceID?, _ query: ExpirationQuery
    ) throws -> [Expiration] {
        var (from, after) = (query.from, "")
        if let place = query.after, place.time >= from {
            // Of one moment, those of the kinds before were all shown.
            let isBefore = source.kind.order < place.kind.order
            from = isBefore ? Timestamp(microseconds: place.time.microseconds + 1) : place.time
            after = source.kind == place.kind ? place.subject : ""
        }
        return try self.query(
            source.list,
            [.id(workspace), .time(from), .time(query.through), .text(after), .int(Int64(query.limit))]
        ) { try Expiration($0, of: source.kind) }
    }

    fileprivate func unannounced(in workspace: WorkspaceID?, at now: Timestamp, limit: Int) throws -> [Expiration] {
        let thresholds = ExpiryThreshold.days.map { SQLValue.time(now.advanced(bySeconds: Int64($0) * 86_400)) }
        var found: [Expiration] = []
        for source in ExpirationSource.all where found.count < limit && (workspace != nil || source.hasInstanceRows) {
            found += try query(
                source.unannounced, [.id(workspace), .time(now)] + thresholds + [.int(Int64(limit - found.count))]
            ) { try Expiration($0, of: source.kind) }
        }
        return found
    }
}

// MARK: - Writing

extension SQLTransaction {
    private static let insertNotice = SQL(
        """
        INSERT INTO expiry_notice (workspace_id, kind, subject, expires_at, days) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO NOTHING
        """)
    private static let deleteNotices = SQL(
        """
        DELETE FROM expiry_notice WHERE (workspace_id, kind, subject, expires_at, days) IN (
            SELECT workspace_id, kind, subject, expires_at, days FROM expiry_notice WHERE expires_at < ?1
            ORDER BY expires_at LIMIT ?2)
        """)

    func unannounced(in workspace: WorkspaceID?, at now: Timestamp, limit: Int) throws -> [Expiration] {
        try sql.unannounced(in: workspace, at: now, limit: limit)
    }

    func insert(_ notice: ExpiryNotice) throws {
        try sql.execute(
            Self.insertNotice,
            [
                .text(notice.workspaceID?.description ?? ""), .word(notice.kind), .text(notice.subject),
                .time(notice.expiresAt), .int(Int64(notice.days)),
            ])
    }

    func deleteNotices(endedBefore time: Timestamp, limit: Int) throws -> Int {
        try sql.execute(Self.deleteNotices, [.time(time), .int(Int64(limit))])
    }
}
