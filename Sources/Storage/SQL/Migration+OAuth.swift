import Connections

extension Migration {
    static let oauth = Migration(version: 2, name: "oauth") { d in
        [
            """
            CREATE TABLE oauth_app (
                workspace_id \(d.id) NOT NULL REFERENCES workspace (id),
                id \(d.id) NOT NULL,
                integration \(d.id) NOT NULL,
                auth_method_id \(d.text) NOT NULL,
                label \(d.text),
                client_id \(d.text) NOT NULL,
                client_secret \(d.blob),
                client_secret_origins \(d.text) NOT NULL,
                client_secret_generation \(d.int64) NOT NULL,
                previous_client_secret \(d.blob),
                previous_client_secret_origins \(d.text) NOT NULL,
                previous_client_secret_expires_at \(d.int64),
                scopes \(d.text) NOT NULL,
                client_authentication \(d.text) NOT NULL
                    CHECK (client_authentication IN (\(words(OAuthMethod.ClientAuthentication.self)))),
                return_urls \(d.text) NOT NULL,
                authorize_parameters \(d.text) NOT NULL,
                config \(d.text) NOT NULL,
                failure \(d.text),
                failing_since \(d.int64),
                created_by \(d.text) NOT NULL,
                created_at \(d.int64) NOT NULL,
                updated_at \(d.int64) NOT NULL,
                revision \(d.int64) NOT NULL CHECK (revision > 0),
                PRIMARY KEY (workspace_id, id)
            )\(d.clusteredTableOptions)
            """,
            // A digest is looked up without a workspace: whoever comes with it is in a browser and names none.
            """
            CREATE TABLE oauth_flow (
                workspace_id \(d.id) NOT NULL REFERENCES workspace (id),
                id \(d.id) NOT NULL,
                app_id \(d.id) NOT NULL,
                state_digest \(d.blob) NOT NULL CONSTRAINT oauth_flow_state UNIQUE,
                connect_digest \(d.blob) NOT NULL CONSTRAINT oauth_flow_connect UNIQUE,
                browser_digest \(d.blob),
                ticket_digest \(d.blob) CONSTRAINT oauth_flow_ticket UNIQUE,
                stage \(d.text) NOT NULL CHECK (stage IN (\(words(AuthorizationFlow.Stage.self)))),
                request \(d.text) NOT NULL,
                sealed \(d.blob) NOT NULL,
                created_at \(d.int64) NOT NULL,
                expires_at \(d.int64) NOT NULL,
                PRIMARY KEY (workspace_id, id)
            )\(d.clusteredTableOptions)
            """,
            "CREATE INDEX oauth_flow_by_expiry ON oauth_flow (expires_at)",
            """
            CREATE TABLE oauth_grant (
                workspace_id \(d.id) NOT NULL,
                credential_id \(d.id) NOT NULL,
                kind \(d.text) NOT NULL CHECK (kind IN (\(words(OAuthMethod.Grant.self)))),
                app_id \(d.id),
                client_id \(d.text),
                state \(d.text) NOT NULL CHECK (state IN (\(words(Grant.State.self)))),
                access_expires_at \(d.int64),
                refresh_expires_at \(d.int64),
                due_at \(d.int64),
                has_refresh_token \(d.int64) NOT NULL CHECK (has_refresh_token IN (0, 1)),
                requested_scopes \(d.text) NOT NULL,
                granted_scopes \(d.text),
                account_label \(d.text),
                account_fingerprint \(d.id),
                failures \(d.int64) NOT NULL,
                last_failure \(d.text),
                lease_owner \(d.text),
                lease_until \(d.int64),
                fence \(d.int64) NOT NULL,
                intent_generation \(d.int64),
                intent_at \(d.int64),
                intent_is_second_try \(d.int64) NOT NULL CHECK (intent_is_second_try IN (0, 1)),
                answer \(d.blob),
                PRIMARY KEY (workspace_id, credential_id),
                FOREIGN KEY (workspace_id, credential_id) REFERENCES credential (workspace_id, id) ON DELETE CASCADE
            )\(d.clusteredTableOptions)
            """,
            // What is due is found without looking at what is not.
            "CREATE INDEX oauth_grant_due ON oauth_grant (due_at) WHERE due_at IS NOT NULL",
            "CREATE INDEX oauth_grant_by_app ON oauth_grant (workspace_id, app_id, state) WHERE app_id IS NOT NULL",
            """
            CREATE INDEX oauth_grant_by_account ON oauth_grant (workspace_id, account_fingerprint)
            WHERE account_fingerprint IS NOT NULL
            """,
            """
            CREATE TABLE oauth_revocation (
                workspace_id \(d.id) NOT NULL REFERENCES workspace (id),
                id \(d.id) NOT NULL,
                connection_id \(d.id) NOT NULL,
                integration \(d.id) NOT NULL,
                sealed \(d.blob) NOT NULL,
                attempts \(d.int64) NOT NULL,
                last_failure \(d.text),
                due_at \(d.int64),
                created_at \(d.int64) NOT NULL,
                PRIMARY KEY (workspace_id, id)
            )\(d.clusteredTableOptions)
            """,
            "CREATE INDEX oauth_revocation_due ON oauth_revocation (due_at) WHERE due_at IS NOT NULL",
            // An integration that a workspace wrote itself, as the JSON that it was sent as.
            """
            CREATE TABLE integration (
                workspace_id \(d.id) NOT NULL REFERENCES workspace (id),
                id \(d.id) NOT NULL,
                definition \(d.text) NOT NULL,
                created_by \(d.text) NOT NULL,
                created_at \(d.int64) NOT NULL,
                updated_at \(d.int64) NOT NULL,
                revision \(d.int64) NOT NULL CHECK (revision > 0),
                PRIMARY KEY (workspace_id, id)
            )\(d.clusteredTableOptions)
            """,
        ]
    }
}
