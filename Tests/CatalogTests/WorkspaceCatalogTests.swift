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
        catalog.put(try WorkspaceCatalog.parse(row), of: row, order: catalog.nextOrder())
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

    /// One change of a definition. They stand in the order of the store's writes.
    enum Change: Sendable {
        case put(String, revision: Int64)
        case remove
    }

    struct Race: CustomTestStringConvertible, Sendable {
        let name: String
        let changes: [Change]
        /// Whose commits are noticed in this order.
        let noticed: [Int]
        let winner: String?

        var testDescription: String { name }
    }

    @Test(arguments: [
        Race(
            name: "in order", changes: [.put("first", revision: 1), .put("second", revision: 2)], noticed: [0, 1],
            winner: "second"),
        Race(
            name: "a late update", changes: [.put("first", revision: 1), .put("second", revision: 2)], noticed: [1, 0],
            winner: "second"),
        Race(
            name: "a late update of what is gone", changes: [.put("a", revision: 7), .remove], noticed: [1, 0],
            winner: nil),
        Race(
            name: "a late update of what was made anew",
            changes: [.put("old", revision: 7), .remove, .put("new", revision: 1)], noticed: [1, 2, 0], winner: "new"),
        Race(
            name: "a late deletion of what was made anew",
            changes: [.put("old", revision: 7), .remove, .put("new", revision: 1)], noticed: [0, 2, 1], winner: "new"),
        Race(
            name: "all of it backwards",
            changes: [.put("old", revision: 7), .remove, .put("new", revision: 1)], noticed: [2, 1, 0], winner: "new"),
    ])
    func `the last write wins in whatever order commits are noticed`(_ race: Race) throws {
        let catalog = WorkspaceCatalog()
        let orders = race.changes.map { _ in catalog.nextOrder() }
        for index in race.noticed {
            switch race.changes[index] {
            case .put(let name, let revision):
                let row = Self.row("own", name: name, revision: revision)
                catalog.put(try WorkspaceCatalog.parse(row), of: row, order: orders[index])
            case .remove: catalog.remove("own", in: .numbered(1), order: orders[index])
            }
        }
        #expect(catalog.integration("own", in: .numbered(1))?.name == race.winner)
    }

    @Test func `a deleted workspace's are forgotten`() throws {
        let catalog = WorkspaceCatalog()
        try Self.put(Self.row("own"), into: catalog)
        try Self.put(Self.row("own", in: .numbered(2)), into: catalog)
        catalog.forget(.numbered(1))
        #expect(catalog.integration("own", in: .numbered(1)) == nil)
        #expect(catalog.integration("slack", in: .numbered(1)) != nil)
        #expect(catalog.integration("own", in: .numbered(2)) != nil)
    }

    @Test func `a list is by id, and each workspace's own`() throws {
        let catalog = WorkspaceCatalog()
        let builtIn = catalog.all(in: .numbered(1)).map(\.id)
        try Self.put(Self.row("aaa"), into: catalog)
        try Self.put(Self.row("zzz"), into: catalog)
        let ids = catalog.all(in: .numbered(1)).map(\.id)
        #expect(ids == (builtIn + ["aaa", "zzz"]).sorted())
        #expect(catalog.all(in: .numbered(2)).map(\.id) == builtIn)
        catalog.remove("aaa", in: .numbered(2), order: catalog.nextOrder())
        #expect(catalog.integration("aaa", in: .numbered(1)) != nil)
        catalog.remove("aaa", in: .numbered(1), order: catalog.nextOrder())
        #expect(catalog.integration("aaa", in: .numbered(1)) == nil)
    }
}
