import Connections

extension Migration {
    static let initial = Migration(version: 1, name: "initial") { d in
        [
            """
            CREATE TABLE setting (
                name \(d.id) NOT NULL PRIMARY KEY,
                value \(d.text) NOT NULL
            )\(d.clusteredTableOptions)
            """,
            """
            CREATE TABLE workspace (
                id \(d.id) NOT NULL PRIMARY KEY,
                name \(d.text) NOT NULL,
                slug \(d.id) NOT NULL CONSTRAINT workspace_slug UNIQUE,
                description \(d.text),
                data_key \(d.blob) NOT NULL,
                created_by \(d.text) NOT NULL,
                created_at \(d.int64) NOT NULL,
                updated_at \(d.int64) NOT NULL,
                revision \(d.int64) NOT NULL CHECK (revision > 0)
            )\(d.tableOptions)
            """,
            """
            CREATE TABLE credential (
                workspace_id \(d.id) NOT NULL REFERENCES workspace (id),
                id \(d.id) NOT NULL,
                label \(d.text) NOT NULL,
                description \(d.text),
                auth_type \(d.text) NOT NULL CHECK (auth_type IN (\(words(AuthType.self)))),
                credential_type \(d.text) NOT NULL CHECK (credential_type IN (\(words(CredentialType.self)))),
                scope \(d.text) NOT NULL,
                provider \(d.text),
                user_id \(d.id),
                status \(d.text) NOT NULL CHECK (status IN (\(words(Availability.self)))),
                expires_at \(d.int64),
                last_used_at \(d.int64),
                is_inline \(d.int64) NOT NULL CHECK (is_inline IN (0, 1)),
                search_text \(d.text) NOT NULL,
                created_by \(d.text) NOT NULL,
                created_at \(d.int64) NOT NULL,
                updated_at \(d.int64) NOT NULL,
                revision \(d.int64) NOT NULL CHECK (revision > 0),
                PRIMARY KEY (workspace_id, id)
            )\(d.clusteredTableOptions)
            """,
            """
            CREATE TABLE credential_secret (
                workspace_id \(d.id) NOT NULL,
                credential_id \(d.id) NOT NULL,
                data \(d.blob) NOT NULL,
                record_key \(d.blob) NOT NULL,
                generation \(d.int64) NOT NULL CHECK (generation > 0),
                PRIMARY KEY (workspace_id, credential_id),
                FOREIGN KEY (workspace_id, credential_id) REFERENCES credential (workspace_id, id) ON DELETE CASCADE
            )\(d.clusteredTableOptions)
            """,
            """
            CREATE TABLE connection (
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
                external_id \(d.id),
                tags \(d.text) NOT NULL,
                metadata \(d.text) NOT NULL,
                needs_rebind \(d.int64) NOT NULL CHECK (needs_rebind IN (0, 1)),
                search_text \(d.text) NOT NULL,
                created_by \(d.text) NOT NULL,
                created_at \(d.int64) NOT NULL,
                updated_at \(d.int64) NOT NULL,
                revision \(d.int64) NOT NULL CHECK (revision > 0),
                PRIMARY KEY (workspace_id, id),
                FOREIGN KEY (workspace_id, credential_id) REFERENCES credential (workspace_id, id)
            )\(d.clusteredTableOptions)
            """,
            "CREATE INDEX connection_by_credential ON connection (workspace_id, credential_id, id)",
            "CREATE INDEX connection_by_integration ON connection (workspace_id, integration, id)",
            "CREATE INDEX connection_by_type ON connection (workspace_id, integration_type, id)",
            "CREATE INDEX connection_by_status ON connection (workspace_id, status, id)",
            "CREATE INDEX connection_by_user ON connection (workspace_id, user_id, id) WHERE user_id IS NOT NULL",
            """
            CREATE UNIQUE INDEX connection_external_id ON connection (workspace_id, integration, external_id)
            WHERE external_id IS NOT NULL
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
            "CREATE INDEX connection_tag_by_connection ON connection_tag (workspace_id, connection_id)",
            // Totals stay exact and cost the same at any size. An empty user_id counts the whole workspace. The shard lets an
            // engine with many writers spread one hot row over several; SQLite has one writer and uses shard 0.
            """
            CREATE TABLE connection_count (
                workspace_id \(d.id) NOT NULL REFERENCES workspace (id),
                user_id \(d.id) NOT NULL,
                integration_type \(d.id) NOT NULL,
                status \(d.id) NOT NULL,
                shard \(d.int64) NOT NULL,
                total \(d.int64) NOT NULL,
                PRIMARY KEY (workspace_id, user_id, integration_type, status, shard)
            )\(d.clusteredTableOptions)
            """,
            """
            CREATE TABLE api_key (
                id \(d.id) NOT NULL PRIMARY KEY,
                workspace_id \(d.id) REFERENCES workspace (id),
                label \(d.text) NOT NULL,
                digest \(d.blob) NOT NULL CONSTRAINT api_key_digest UNIQUE,
                status \(d.text) NOT NULL CHECK (status IN (\(words(Availability.self)))),
                permissions \(d.text) NOT NULL,
                expires_at \(d.int64),
                ip_whitelist \(d.text),
                collections \(d.text),
                created_by \(d.text) NOT NULL,
                created_at \(d.int64) NOT NULL,
                updated_at \(d.int64) NOT NULL,
                last_used_at \(d.int64),
                revision \(d.int64) NOT NULL CHECK (revision > 0)
            )\(d.tableOptions)
            """,
            "CREATE INDEX api_key_by_workspace ON api_key (workspace_id, id)",
            // Append-only: sequence is the order of commits, id is what the outside sees.
            """
            CREATE TABLE journal (
                sequence \(d.identity),
                id \(d.id) NOT NULL CONSTRAINT journal_id UNIQUE,
                workspace_id \(d.id),
                kind \(d.text) NOT NULL,
                subject \(d.id) NOT NULL,
                actor \(d.text) NOT NULL,
                request_id \(d.text) NOT NULL,
                at \(d.int64) NOT NULL,
                data \(d.text) NOT NULL
            )\(d.tableOptions)
            """,
            "CREATE INDEX journal_by_workspace ON journal (workspace_id, sequence)",
        ]
    }

    static func words<Word: CaseIterable & RawRepresentable>(
        _: Word.Type
    ) -> String where Word.RawValue == String {
        Word.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    }
}
