import Connections

extension Migration {
    /// What ends and when, and hosts that do not answer.
    static let expirations = Migration(version: 5, name: "expirations") { d in
        [
            // A host's checks are postponed together, and found for that without looking at others.
            """
            CREATE INDEX connection_check_by_host ON connection_check (workspace_id, origin, due_at)
            WHERE due_at IS NOT NULL
            """,
            // Checks that were there before their host was written down: the first origin that the secret is bound to.
            """
            UPDATE connection_check SET origin = COALESCE((
                SELECT SUBSTR(rest, 1, \(d.position)(rest, '"') - 1) FROM (
                    SELECT SUBSTR(origins, \(d.position)(origins, '"http') + 1) AS rest FROM connection_secret
                    WHERE connection_secret.workspace_id = connection_check.workspace_id
                        AND connection_secret.connection_id = connection_check.connection_id
                        AND \(d.position)(origins, '"http') > 0
                ) AS bound
            ), '')
            WHERE origin = ''
            """,
            """
            CREATE TABLE unreachable_host (
                workspace_id \(d.id) NOT NULL REFERENCES workspace (id),
                origin \(d.text) NOT NULL,
                since \(d.int64) NOT NULL,
                trials \(d.int64) NOT NULL,
                retry_at \(d.int64) NOT NULL,
                PRIMARY KEY (workspace_id, origin)
            )\(d.clusteredTableOptions)
            """,
            "ALTER TABLE oauth_app ADD COLUMN client_secret_expires_at \(d.int64)",
            "ALTER TABLE oauth_grant ADD COLUMN renews_refresh_token \(d.int64)",
            // Access tokens that are refreshed stand in none of these, so that a refresh writes no more than it did.
            """
            CREATE INDEX oauth_grant_ending ON oauth_grant (workspace_id, access_expires_at)
            WHERE has_refresh_token = 0 AND access_expires_at IS NOT NULL
            """,
            """
            CREATE INDEX oauth_grant_refresh_end ON oauth_grant (workspace_id, refresh_expires_at)
            WHERE refresh_expires_at IS NOT NULL
            """,
            """
            CREATE INDEX credential_ending ON credential (workspace_id, expires_at)
            WHERE expires_at IS NOT NULL AND \(ExpirationSource.isNoMirror)
            """,
            "DROP INDEX connection_check_certificate",
            """
            CREATE INDEX connection_check_certificate ON connection_check (workspace_id, certificate_expires_at)
            WHERE certificate_expires_at IS NOT NULL
            """,
            // What was told of, once for each threshold. An empty workspace stands for the instance.
            """
            CREATE TABLE expiry_notice (
                workspace_id \(d.id) NOT NULL,
                kind \(d.text) NOT NULL CHECK (kind IN (\(words(Expiration.Kind.self)))),
                subject \(d.id) NOT NULL,
                expires_at \(d.int64) NOT NULL,
                days \(d.int64) NOT NULL,
                PRIMARY KEY (workspace_id, kind, subject, expires_at, days)
            )\(d.clusteredTableOptions)
            """,
            "CREATE INDEX expiry_notice_by_end ON expiry_notice (expires_at)",
        ]
    }
}
