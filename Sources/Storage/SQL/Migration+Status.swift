import Connections

extension Migration {
    /// What is known of a connection's status beside the status, and what the sweep works from.
    ///
    /// The table of connections is made anew, keyed by a number out of the id: rows this wide in the order of their text keys
    /// made a tree of six levels at a million rows, and every read fetched two or three pages that no cache held.
    static let status = Migration(version: 3, name: "status") { d in
        [
            "ALTER TABLE connection RENAME TO connection_before",
            "ALTER TABLE connection_secret RENAME TO connection_secret_before",
            "ALTER TABLE connection_tag RENAME TO connection_tag_before",
            """
            CREATE TABLE connection (
                key \(d.rowKey),
                workspace_id \(d.id) NOT NULL REFERENCES workspace (id),
                id \(d.id) NOT NULL,
                credential_id \(d.id) NOT NULL,
                integration \(d.id) NOT NULL,
                integration_type \(d.text) NOT NULL CHECK (integration_type IN (\(words(IntegrationType.self)))),
                auth_method_id \(d.text) NOT NULL,
                user_id \(d.id),
                label \(d.text),
                config \(d.text) NOT NULL,
                status \(d.text) NOT NULL CHECK (status IN (\(words(ConnectionStatus.self)))),
                status_reason \(d.text),
                status_since \(d.int64) NOT NULL,
                last_checked_at \(d.int64),
                check_interval \(d.int64) CHECK (check_interval >= 0),
                external_id \(d.id),
                tags \(d.text) NOT NULL,
                metadata \(d.text) NOT NULL,
                needs_rebind \(d.int64) NOT NULL CHECK (needs_rebind IN (0, 1)),
                created_by \(d.text) NOT NULL,
                created_at \(d.int64) NOT NULL,
                updated_at \(d.int64) NOT NULL,
                revision \(d.int64) NOT NULL CHECK (revision > 0),
                event_sequence \(d.int64) NOT NULL,
                search_text \(d.text) NOT NULL,
                FOREIGN KEY (workspace_id, credential_id) REFERENCES credential (workspace_id, id)
            )\(d.tableOptions)
            """,
            """
            INSERT INTO connection (
                key, workspace_id, id, credential_id, integration, integration_type, auth_method_id, user_id, label,
                config, status, status_since, external_id, tags, metadata, needs_rebind, created_by, created_at,
                updated_at, revision, event_sequence, search_text)
            SELECT key + ROW_NUMBER() OVER (PARTITION BY key ORDER BY id) - 1,
                workspace_id, id, credential_id, integration, integration_type, auth_method_id, user_id, label,
                config, status, created_at, external_id, tags, metadata, needs_rebind, created_by, created_at,
                updated_at, revision, revision, search_text
            FROM (SELECT connection_before.*, \(ConnectionRowKey.expression(of: "id", in: d)) AS key FROM connection_before)
            """,
            """
            CREATE TABLE connection_secret (
                workspace_id \(d.id) NOT NULL,
                connection_id \(d.id) NOT NULL,
                origins \(d.text) NOT NULL,
                record_key \(d.blob) NOT NULL,
                config \(d.blob),
                config_origins \(d.text),
                config_generation \(d.int64),
                PRIMARY KEY (workspace_id, connection_id),
                FOREIGN KEY (workspace_id, connection_id) REFERENCES connection (workspace_id, id) ON DELETE CASCADE
            )\(d.clusteredTableOptions)
            """,
            """
            CREATE TABLE connection_tag (
                workspace_id \(d.id) NOT NULL,
                tag \(d.id) NOT NULL,
                connection_id \(d.id) NOT NULL,
                PRIMARY KEY (workspace_id, tag, connection_id),
                FOREIGN KEY (workspace_id, connection_id) REFERENCES connection (workspace_id, id) ON DELETE CASCADE
            )\(d.clusteredTableOptions)
            """,
            // What the children refer to by must stand before they are filled.
            "CREATE UNIQUE INDEX connection_by_id ON connection (workspace_id, id)",
            "INSERT INTO connection_secret SELECT * FROM connection_secret_before",
            "INSERT INTO connection_tag SELECT * FROM connection_tag_before",
            "DROP TABLE connection_tag_before",
            "DROP TABLE connection_secret_before",
            "DROP TABLE connection_before",
            "CREATE INDEX connection_by_credential ON connection (workspace_id, credential_id, id)",
            "CREATE INDEX connection_by_integration ON connection (workspace_id, integration, id)",
            "CREATE INDEX connection_by_type ON connection (workspace_id, integration_type, id)",
            "CREATE INDEX connection_by_status ON connection (workspace_id, status, id)",
            "CREATE INDEX connection_by_user ON connection (workspace_id, user_id, id) WHERE user_id IS NOT NULL",
            """
            CREATE UNIQUE INDEX connection_external_id ON connection (workspace_id, integration, external_id)
            WHERE external_id IS NOT NULL
            """,
            "CREATE INDEX connection_tag_by_connection ON connection_tag (workspace_id, connection_id)",
            // What tests left, beside the row that everybody reads.
            """
            CREATE TABLE connection_check (
                workspace_id \(d.id) NOT NULL,
                connection_id \(d.id) NOT NULL,
                origin \(d.text) NOT NULL,
                due_at \(d.int64),
                failures \(d.int64) NOT NULL,
                verdict \(d.text) CHECK (verdict IN (\(words(Verdict.self)))),
                account_label \(d.text),
                account_fingerprint \(d.id),
                certificate_expires_at \(d.int64),
                test_started_at \(d.int64),
                status_before_test \(d.text) CHECK (status_before_test IN (\(words(ConnectionStatus.self)))),
                reason_before_test \(d.text),
                since_before_test \(d.int64),
                PRIMARY KEY (workspace_id, connection_id),
                FOREIGN KEY (workspace_id, connection_id) REFERENCES connection (workspace_id, id) ON DELETE CASCADE
            )\(d.clusteredTableOptions)
            """,
            // All of them are due at once, and looked at as fast as the sweep is allowed to.
            """
            INSERT INTO connection_check (workspace_id, connection_id, origin, due_at, failures)
            SELECT workspace_id, id, '', created_at, 0 FROM connection
            """,
            "CREATE INDEX connection_check_due ON connection_check (due_at) WHERE due_at IS NOT NULL",
            """
            CREATE INDEX connection_check_started ON connection_check (test_started_at)
            WHERE test_started_at IS NOT NULL
            """,
            """
            CREATE INDEX connection_check_certificate ON connection_check (certificate_expires_at)
            WHERE certificate_expires_at IS NOT NULL
            """,
            // The order of one connection's events, and those that tell its story.
            "ALTER TABLE journal ADD COLUMN subject_sequence \(d.int64)",
            "ALTER TABLE journal ADD COLUMN in_timeline \(d.int64) NOT NULL DEFAULT 0",
            "UPDATE journal SET in_timeline = 1 WHERE kind IN (\(timelineKinds))",
            "CREATE INDEX journal_timeline ON journal (workspace_id, subject, sequence) WHERE in_timeline = 1",
        ]
    }

    private static var timelineKinds: String {
        JournalEntry.Kind.allCases.filter(\.isInTimeline).map { "'\($0.rawValue)'" }.joined(separator: ", ")
    }
}
