import Connections
import LosslessJSON
import Testing

@testable import Storage

@Suite struct MigrationTests {
    @Test func `versions count up from one`() {
        #expect(Migration.all.map(\.version) == (1...Migration.all.count).map { Int64($0) })
        #expect(Set(Migration.all.map(\.name)).count == Migration.all.count)
        #expect(Migrator.newestVersion == Int64(Migration.all.count))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a store of the first version goes on with its rows`(_ kind: StoreUnderTest) async throws {
        try await kind.runBare { database in
            try await Self.makeFirstVersion(database)
            try await Self.fillFirstVersion(database)
            #expect(try await Migrator.version(of: database) == 1)

            let names = try await Migrator.migrate(database, now: .t0)
            #expect(names == Migration.all.dropFirst().map(\.name))
            #expect(try await Migrator.version(of: database) == Migrator.newestVersion)
            let store = SQLStore(database)
            let workspace = WorkspaceID(ULID(high: 1, low: 1))
            for number in UInt64(1)...20 {
                let kept = try #require(await store.connection(Self.firstID(number), in: workspace))
                #expect(kept.label?.slice.string == "kept \(number)")
                #expect(kept.statusSince == .t0)
                let check = try #require(await store.check(of: kept.id, in: workspace))
                #expect(check.origin == (number == 1 ? "" : "https://api.slack.com"))
                #expect(check.dueAt == .t0)
            }
            let due = try await store.dueChecks(at: .t0, after: nil, limit: 100)
            #expect(due.count == 20)
            var query = ConnectionQuery(workspace: workspace, page: PageRequest(limit: 10))
            query.tag = "x"
            #expect(try await store.connections(query).items.map(\.id) == [Self.firstID(3)])
            let grant = Grant(
                workspaceID: workspace, credentialID: StoreFixture.credentialID(0), kind: .authorizationCode)
            try await store.write { try $0.put(grant) }
            let found = try await store.grant(of: grant.credentialID, in: workspace)
            #expect(found != nil)
            try await store.write { try $0.delete(workspace: workspace) }
        }
    }

    /// In a millisecond of their own each, as ids of those days were.
    private static func firstID(_ number: UInt64) -> ConnectionID {
        ConnectionID(ULID(high: number << 16, low: number))
    }

    /// Rows as the first version wrote them.
    private static func fillFirstVersion(_ database: RecordingDatabase) async throws {
        try await database.write { sql in
            let workspace = SQLValue.text("\(WorkspaceID(ULID(high: 1, low: 1)))")
            let credential = SQLValue.text("\(StoreFixture.credentialID(0))")
            let time = SQLValue.int(Timestamp.t0.microseconds)
            try sql.execute(
                SQL(
                    """
                    INSERT INTO workspace (id, name, slug, data_key, created_by, created_at, updated_at, revision)
                    VALUES (?1, 'w', 'w', ?2, 'test', ?3, ?3, 1)
                    """), [workspace, .blob([1]), time])
            try sql.execute(
                SQL(
                    """
                    INSERT INTO credential (workspace_id, id, label, auth_type, credential_type, scope, status, is_inline,
                        search_text, created_by, created_at, updated_at, revision)
                    VALUES (?1, ?2, 'c', 'api_key', 'integration', 'workspace', 'active', 0, '', 'test', ?3, ?3, 1)
                    """), [workspace, credential, time])
            for number in UInt64(1)...20 {
                let id = SQLValue.text("\(firstID(number))")
                try sql.execute(
                    SQL(
                        """
                        INSERT INTO connection (workspace_id, id, credential_id, integration, integration_type,
                            auth_method_id, label, config, status, tags, metadata, needs_rebind, search_text, created_by,
                            created_at, updated_at, revision)
                        VALUES (?1, ?2, ?3, 'slack', 'connectors', 'm', ?4, '{}', 'active', '[]', '{}', 0, '', 'test', ?5,
                            ?5, 1)
                        """), [workspace, id, credential, .text("\"kept \(number)\""), time])
                let origins =
                    number == 1 ? #"["bucket=\"b\""]"# : #"["https://api.slack.com","https://slack.com","sent as\nx"]"#
                try sql.execute(
                    SQL(
                        "INSERT INTO connection_secret (workspace_id, connection_id, origins, record_key) VALUES (?1, ?2, ?3, ?4)"
                    ), [workspace, id, .text(origins), .blob([2])])
            }
            try sql.execute(
                SQL("INSERT INTO connection_tag (workspace_id, tag, connection_id) VALUES (?1, 'x', ?2)"),
                [workspace, .text("\(firstID(3))")])
        }
    }

    /// One migration that fails leaves the store as it was.
    @Test(arguments: StoreUnderTest.allCases)
    func `a migration is whole or nothing`(_ kind: StoreUnderTest) async throws {
        try await kind.runBare { database in
            try await Self.makeFirstVersion(database)
            _ = try await database.write { try $0.execute(SQL("CREATE TABLE oauth_revocation (x INTEGER)"), []) }
            await #expect(throws: StoreError.self) { try await Migrator.migrate(database, now: .t0) }
            #expect(try await Migrator.version(of: database) == 1)
            _ = try await database.write { try $0.execute(SQL("DROP TABLE oauth_revocation"), []) }
            let names = try await Migrator.migrate(database, now: .t0)
            #expect(names == Migration.all.dropFirst().map(\.name))
        }
    }

    private static func makeFirstVersion(_ database: RecordingDatabase) async throws {
        let dialect = database.dialect
        try await database.write { sql in
            let table =
                "CREATE TABLE migration (version \(dialect.int64) NOT NULL PRIMARY KEY, name \(dialect.text) NOT NULL, "
                + "applied_at \(dialect.int64) NOT NULL)\(dialect.tableOptions)"
            for statement in [table] + Migration.initial.statements(dialect) { try sql.execute(SQL(statement), []) }
            try sql.execute(SQL("INSERT INTO migration (version, name, applied_at) VALUES (1, 'initial', 0)"), [])
        }
    }
}
