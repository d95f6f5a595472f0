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
            let fixture = try await StoreFixture(database: database)
            try await fixture.insert(StoreFixture.connection(1, in: fixture.a, label: "kept", tags: ["x"]))
            #expect(try await Migrator.version(of: database) == 1)

            let names = try await Migrator.migrate(database, now: .t0)
            #expect(names == Migration.all.dropFirst().map(\.name))
            #expect(try await Migrator.version(of: database) == Migrator.newestVersion)
            let kept = try #require(
                await fixture.store.connection(StoreFixture.connectionID(1), in: fixture.a))
            #expect(kept.label?.slice.string == "kept")
            let grant = Grant(
                workspaceID: fixture.a, credentialID: StoreFixture.credentialID(0), kind: .authorizationCode)
            try await fixture.store.write { try $0.put(grant) }
            let found = try await fixture.store.grant(of: grant.credentialID, in: fixture.a)
            #expect(found != nil)
            try await fixture.store.write { try $0.delete(workspace: fixture.a) }
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
            #expect(names == ["oauth"])
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
