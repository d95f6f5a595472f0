import Connections

/// Where ends of one kind stand, and the statements that find them: the calendar's and the watch's. Tables are named by the
/// alias `x`, so that both are made of the same words.
struct ExpirationSource: Sendable {
    let kind: Expiration.Kind
    let hasInstanceRows: Bool
    /// Those of a workspace between two moments, in order, after a place:
    /// `?1` workspace, `?2` from, `?3` through, `?4` the subject of that place at `?2`, `?5` limit.
    let list: SQL
    /// Those that nobody was told of: `?1` workspace, `?2` now, `?3` to `?5` in 1, 7 and 30 days, `?6` limit.
    let unannounced: SQL

    /// Of a credential: its end is not one that a grant's refreshes move on. Index and statement must say it alike.
    static let isNoMirror =
        "(is_inline = 0 OR auth_type NOT IN ('oauth_token', 'oauth_token_refresh', 'oauth_token_refresh_rotation'))"

    /// - Parameters:
    ///   - tables: with the join that the label needs.
    ///   - label: text, or a JSON string where it is a connection's.
    ///   - pending: what the watch asks besides: whether somebody has to do something about it.
    private init(
        _ kind: Expiration.Kind, from tables: String, end: String, subject: String, label: String,
        renews: String = "0", where condition: String, pending: String, hasInstanceRows: Bool = false
    ) {
        self.kind = kind
        self.hasInstanceRows = hasInstanceRows
        // A workspace of none is the instance: the operator stands for equality where there is a value.
        let columns = "\(end), \(subject), \(label), \(renews)"
        let scope = "FROM \(tables) WHERE x.workspace_id IS NOT DISTINCT FROM ?1 AND \(condition)"
        list = SQL(
            """
            SELECT \(columns) \(scope) AND \(end) >= ?2 AND \(end) <= ?3 AND (\(end) > ?2 OR \(subject) > ?4)
            ORDER BY \(end), \(subject) LIMIT ?5
            """)
        let slack = ExpiryNotice.slack * 1_000_000
        unannounced = SQL(
            """
            SELECT \(columns) \(scope) AND \(pending) AND \(end) > ?2 AND \(end) <= ?5
            AND NOT EXISTS (
                SELECT 1 FROM expiry_notice AS told
                WHERE told.workspace_id = COALESCE(?1, '') AND told.kind = '\(kind.rawValue)' AND told.subject = \(subject)
                AND told.expires_at BETWEEN \(end) - \(slack) AND \(end) + \(slack)
                AND told.days <= CASE WHEN \(end) <= ?3 THEN 1 WHEN \(end) <= ?4 THEN 7 ELSE 30 END)
            ORDER BY \(end) LIMIT ?6
            """)
    }

    private static let selfIssued =
        OAuthMethod.Grant.allCases.filter(\.isSelfIssued).map { "'\($0.rawValue)'" }.joined(separator: ", ")

    private static let grants = """
        oauth_grant AS x
        JOIN credential ON credential.workspace_id = x.workspace_id AND credential.id = x.credential_id
        """

    static let all: [ExpirationSource] = [
        ExpirationSource(
            .accessToken, from: grants, end: "x.access_expires_at", subject: "x.credential_id",
            label: "credential.label",
            renews: "(x.has_refresh_token = 1 AND x.state <> 'suspended') OR x.kind IN (\(selfIssued))",
            where: "x.state <> 'dead'",
            pending: "x.has_refresh_token = 0 AND x.state <> 'suspended' AND x.kind NOT IN (\(selfIssued))"),
        // A refresh that is due before the last day may show that it renews itself; until then nobody is told.
        ExpirationSource(
            .refreshToken, from: grants, end: "x.refresh_expires_at", subject: "x.credential_id",
            label: "credential.label", renews: "COALESCE(x.renews_refresh_token, 0)",
            where: "x.state <> 'dead' AND x.has_refresh_token = 1",
            pending: """
                x.state <> 'suspended' AND (x.renews_refresh_token = 0 OR (x.renews_refresh_token IS NULL
                    AND (x.due_at IS NULL OR x.due_at > x.refresh_expires_at - 86400000000)))
                """),
        ExpirationSource(
            .apiKey, from: "api_key AS x", end: "x.expires_at", subject: "x.id", label: "x.label",
            where: "x.status = 'active'", pending: "1 = 1", hasInstanceRows: true),
        // The one before ends as it was meant to, since there is another already.
        ExpirationSource(
            .clientSecret,
            from: """
                (SELECT workspace_id, id, label, integration, client_secret_expires_at AS end_at, 0 AS is_over
                    FROM oauth_app WHERE client_secret IS NOT NULL
                UNION ALL
                SELECT workspace_id, id, label, integration, previous_client_secret_expires_at, 1
                    FROM oauth_app WHERE previous_client_secret IS NOT NULL) AS x
                """,
            end: "x.end_at", subject: "x.id", label: "COALESCE(x.label, x.integration)", renews: "x.is_over",
            where: "x.end_at IS NOT NULL", pending: "x.is_over = 0"),
        ExpirationSource(
            .certificate,
            from: """
                connection_check AS x
                JOIN connection ON connection.workspace_id = x.workspace_id AND connection.id = x.connection_id
                """,
            end: "x.certificate_expires_at", subject: "x.connection_id",
            label: "COALESCE(connection.label, '\"' || connection.integration || '\"')", where: "1 = 1",
            pending: "connection.status <> 'inactive'"),
        ExpirationSource(
            .credential, from: "credential AS x", end: "x.expires_at", subject: "x.id", label: "x.label",
            where: """
                \(isNoMirror) AND x.status = 'active' AND NOT EXISTS (
                    SELECT 1 FROM oauth_grant
                    WHERE oauth_grant.workspace_id = x.workspace_id AND oauth_grant.credential_id = x.id)
                """, pending: "1 = 1"),
    ]
}
