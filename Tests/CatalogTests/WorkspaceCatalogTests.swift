import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import Catalog

/// Workspaces' own integrations beside the built-in ones.
@Suite struct WorkspaceCatalogTests {
    private struct Definitions: IntegrationStore {
        let rows: [IntegrationDefinition]

        func integrationDefinitions() async throws -> [IntegrationDefinition] { rows }
    }

    private static func row(
        _ id: String, in workspace: WorkspaceID = .numbered(1), name: String = "Own", revision: Int64 = 1
    ) -> IntegrationDefinition {
        IntegrationDefinition(
            workspaceID: workspace, id: id,
            definition: .literal(
                #"""
                {"name":"\#(name)","type":"api","category":"http","description":"d","docs_url":"https://api.test/docs",
                 "base_url":"https://api.test","auth_methods":[{"id":"token","name":"T","type":"bearer",
                 "auth_type":"access_token","description":"d",
                 "fields":[{"key":"token","label":"Token","type":"password","required":true}]}]}
                """#),
            createdBy: "test", createdAt: .t0, updatedAt: .t0, revision: revision)
    }

    private static func put(_ row: IntegrationDefinition, into catalog: WorkspaceCatalog) throws {
        catalog.put(try WorkspaceCatalog.parse(row), of: row)
    }

    @Test func `what the store has is there after a start, and what cannot be read is named`() async throws {
        let catalog = WorkspaceCatalog()
        var broken = Self.row("broken")
        broken.definition = .literal(#"{"name":1}"#)
        let unreadable = try await catalog.load(
            Definitions(rows: [Self.row("own", revision: 3), broken, Self.row("own", in: .numbered(2), name: "Two")]))
        #expect(unreadable == ["broken"])
        #expect(catalog.integration("own", in: .numbered(1))?.name == "Own")
        #expect(catalog.integration("own", in: .numbered(2))?.name == "Two")
        #expect(catalog.revision("own", in: .numbered(1)) == 3)
        #expect(catalog.integration("broken", in: .numbered(1)) == nil)
        #expect(catalog.integration("own", in: .numbered(3)) == nil)
    }

    @Test func `a workspace's own never stands in for a built-in one`() throws {
        let catalog = WorkspaceCatalog()
        try Self.put(Self.row("slack", name: "Mine"), into: catalog)
        #expect(catalog.isBuiltIn("slack"))
        #expect(!catalog.isBuiltIn("own"))
        let slack = try #require(catalog.integration("slack", in: .numbered(1)))
        #expect(slack.name == "Slack")
        #expect(!slack.isWorkspaceDefined)
    }

    @Test func `an older revision does not take the place of a newer one`() throws {
        let catalog = WorkspaceCatalog()
        for (revision, name) in [(2, "second"), (1, "first")] as [(Int64, String)] {
            try Self.put(Self.row("own", name: name, revision: revision), into: catalog)
        }
        #expect(catalog.integration("own", in: .numbered(1))?.name == "second")
        #expect(catalog.revision("own", in: .numbered(1)) == 2)
        try Self.put(Self.row("own", name: "third", revision: 3), into: catalog)
        #expect(catalog.integration("own", in: .numbered(1))?.name == "third")
    }

    @Test func `a list is by id, and each workspace's own`() throws {
        let catalog = WorkspaceCatalog()
        let builtIn = catalog.all(in: .numbered(1)).map(\.id)
        try Self.put(Self.row("aaa"), into: catalog)
        try Self.put(Self.row("zzz"), into: catalog)
        let ids = catalog.all(in: .numbered(1)).map(\.id)
        #expect(ids == (builtIn + ["aaa", "zzz"]).sorted())
        #expect(catalog.all(in: .numbered(2)).map(\.id) == builtIn)
        catalog.remove("aaa", in: .numbered(2))
        #expect(catalog.integration("aaa", in: .numbered(1)) != nil)
        catalog.remove("aaa", in: .numbered(1))
        #expect(catalog.integration("aaa", in: .numbered(1)) == nil)
    }
}
