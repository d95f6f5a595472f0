import Connections
import Storage
import Testing

@Suite struct ListingTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let filter: @Sendable (inout ConnectionQuery) -> Void
        let expected: [UInt64]

        init(_ name: String, _ expected: [UInt64], _ filter: @escaping @Sendable (inout ConnectionQuery) -> Void) {
            testDescription = name
            self.filter = filter
            self.expected = expected
        }
    }

    static let cases = [
        Case("no filter, newest first", [4, 3, 2, 1]) { _ in },
        Case("integration", [2]) { $0.integration = "github" },
        Case("type", [3]) { $0.integrationType = .mcp },
        Case("status", [4, 2]) { $0.status = .error },
        Case("user", [3, 1]) { $0.userID = "u" },
        Case("user and status", [1]) {
            $0.userID = "u"
            $0.status = .inactive
        },
        Case("external id", [2]) { $0.externalID = "e" },
        Case("tag", [4, 1]) { $0.tag = "red" },
        Case("no such tag", []) { $0.tag = "re" },
        Case("search by label, folded", [1]) { $0.search = searchFolded("ÄPFEL") },
        Case("search takes its wildcards literally", [4]) { $0.search = "100%" },
        Case("underscore is no wildcard", []) { $0.search = "_pfel" },
        Case("credential", [4, 3, 2, 1]) { $0.credentialID = StoreFixture.credentialID(0) },
        Case("a credential of nobody", []) { $0.credentialID = StoreFixture.credentialID(7) },
    ]

    private static func fill(_ fixture: StoreFixture) async throws {
        try await fixture.insert(
            StoreFixture.connection(
                1, in: fixture.a, userID: "u", label: "Äpfel", status: .inactive, tags: ["red", "green"]),
            StoreFixture.connection(2, in: fixture.a, integration: "github", status: .error, externalID: "e"),
            StoreFixture.connection(3, in: fixture.a, integration: "mcp", type: .mcp, userID: "u"),
            StoreFixture.connection(4, in: fixture.a, label: "100% \\ sure", status: .error, tags: ["red"]),
            StoreFixture.connection(5, in: fixture.b, label: "Äpfel", externalID: "e", tags: ["red"]))
    }

    @Test(arguments: StoreUnderTest.allCases, cases)
    func `a filter finds its rows and their number`(_ kind: StoreUnderTest, _ filter: Case) async throws {
        try await kind.run { fixture in
            try await Self.fill(fixture)
            var query = ConnectionQuery(workspace: fixture.a, page: PageRequest(limit: 10))
            filter.filter(&query)
            let page = try await fixture.store.connections(query)
            #expect(page.items.map(\.id) == filter.expected.map(StoreFixture.connectionID))
            #expect(page.total == filter.expected.count)
            #expect(page.next == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `pages by cursor and by skip give every row once`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await Self.fill(fixture)
            var seen: [ConnectionID] = []
            var cursor: ConnectionID?
            repeat {
                let page = try await fixture.store.connections(
                    ConnectionQuery(workspace: fixture.a, page: PageRequest(limit: 3, after: cursor)))
                #expect(page.total == 4)
                seen += page.items.map(\.id)
                cursor = page.next
            } while cursor != nil
            #expect(seen == [4, 3, 2, 1].map(StoreFixture.connectionID))
            let skipped = try await fixture.store.connections(
                ConnectionQuery(workspace: fixture.a, page: PageRequest(skip: 3, limit: 3)))
            #expect(skipped.items.map(\.id) == [StoreFixture.connectionID(1)])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `totals that the counters know are not counted`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await Self.fill(fixture)
            var query = ConnectionQuery(workspace: fixture.a, page: PageRequest(limit: 10))
            query.status = .error
            let counted = try await fixture.database.recording { [query] in
                _ = try await fixture.store.connections(query)
            }
            #expect(!counted.contains { $0.contains("COUNT(*)") })
        }
    }
}
