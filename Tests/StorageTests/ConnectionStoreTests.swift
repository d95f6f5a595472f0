import Connections
import LosslessJSON
import Storage
import Testing

@Suite struct ConnectionStoreTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `a row comes back as it was written`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            var row = StoreFixture.connection(1, in: fixture.a, userID: "u", label: "a\u{0}b é", tags: ["x", "y"])
            row.config = JSONText(unchecked: Array(#"{"n":123456789012345678901234567890,"f":1.0}"#.utf8))
            row.needsRebind = true
            let stored = row
            try await fixture.insert(stored)
            let found = try #require(await fixture.store.connection(stored.id, in: fixture.a))
            #expect(found.label == stored.label)
            #expect(found.config == stored.config)
            #expect(found.tags.string == #"["x","y"]"#)
            #expect(found.userID == "u")
            #expect(found.needsRebind)
            #expect(found.createdAt == .t0)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `another workspace's row is not there, by the same statements`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.insert(StoreFixture.connection(1, in: fixture.b))
            func statements(for number: UInt64) async throws -> [String] {
                try await fixture.database.recording {
                    let found = try await fixture.store.connection(StoreFixture.connectionID(number), in: fixture.a)
                    #expect(found == nil)
                }
            }
            let foreign = try await statements(for: 1)
            let unknown = try await statements(for: 9)
            #expect(foreign == unknown)
            #expect(foreign.count == 1)
            #expect(foreign.allSatisfy { $0.contains("workspace_id = ?1") })
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a connection cannot use another workspace's credential`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.store.write { tx in
                try tx.insert(StoreFixture.credential(5, in: fixture.b), sealed: StoreFixture.sealed)
            }
            await #expect(throws: StoreError.self) {
                try await fixture.insert(StoreFixture.connection(1, in: fixture.a, credential: 5))
            }
            let found = try await fixture.store.connection(StoreFixture.connectionID(1), in: fixture.a)
            #expect(found == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an external id is taken once an integration and workspace`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.insert(StoreFixture.connection(1, in: fixture.a, externalID: "e"))
            try await fixture.insert(StoreFixture.connection(2, in: fixture.a, integration: "github", externalID: "e"))
            try await fixture.insert(StoreFixture.connection(3, in: fixture.b, externalID: "e"))
            let error = await #expect(throws: StoreError.self) {
                try await fixture.insert(StoreFixture.connection(4, in: fixture.a, externalID: "e"))
            }
            guard case .duplicate(.externalID) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            let holder = try await fixture.store.connectionID(
                externalID: "e", integration: "slack", in: fixture.a)
            #expect(holder == StoreFixture.connectionID(1))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a deleted connection leaves nothing behind`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let row = StoreFixture.connection(1, in: fixture.a, userID: "u", tags: ["t"])
            try await fixture.insert(row)
            try await fixture.store.write { tx in
                try tx.delete(row)
                #expect(try tx.secrets(of: row.id, in: fixture.a) == nil)
            }
            var tagged = ConnectionQuery(workspace: fixture.a, page: PageRequest(limit: 10))
            tagged.tag = "t"
            #expect(try await fixture.store.connections(tagged).total == 0)
            #expect(try await fixture.store.connectionCounts(in: fixture.a, userID: nil).isEmpty)
            #expect(try await fixture.store.connectionCounts(in: fixture.a, userID: "u").isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an update of content writes one row and no index`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let row = StoreFixture.connection(1, in: fixture.a)
            try await fixture.insert(row)
            let statements = try await fixture.database.recording {
                try await fixture.store.write { tx in
                    var changed = row
                    changed.config = JSONText(unchecked: Array(#"{"a":1}"#.utf8))
                    changed.revision = 2
                    try tx.update(changed, from: row, searchText: nil)
                }
            }
            #expect(statements.count == 1)
            let found = try #require(try await fixture.store.connection(row.id, in: fixture.a))
            #expect(found.config.string == #"{"a":1}"#)
            #expect(found.revision == 2)
            #expect(found.label == row.label)
        }
    }

    /// Inserts, status changes and deletions in a fixed pseudo-random order; the counters must equal what is counted.
    @Test(arguments: StoreUnderTest.allCases)
    func `counters equal the rows`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            var state: UInt64 = 42
            func random(_ bound: UInt64) -> UInt64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (state >> 33) % bound
            }
            var rows: [Connection] = []
            for step in 1...300 {
                if rows.isEmpty || random(3) > 0 {
                    let row = StoreFixture.connection(
                        UInt64(step), in: fixture.a, type: IntegrationType.allCases[Int(random(7))],
                        userID: random(2) == 0 ? nil : "u\(random(3))",
                        status: ConnectionStatus.allCases[Int(random(5))])
                    try await fixture.insert(row)
                    rows.append(row)
                } else if random(2) == 0 {
                    let row = rows.remove(at: Int(random(UInt64(rows.count))))
                    try await fixture.store.write { try $0.delete(row) }
                } else {
                    let place = Int(random(UInt64(rows.count)))
                    let old = rows[place]
                    rows[place].status = ConnectionStatus.allCases[Int(random(5))]
                    let changed = rows[place]
                    try await fixture.store.write { try $0.update(changed, from: old, searchText: nil) }
                }
            }
            for user in [nil, "u0", "u1", "u2"] {
                let counts = try await fixture.store.connectionCounts(in: fixture.a, userID: user)
                let counted = Dictionary(uniqueKeysWithValues: counts.map { ("\($0.type) \($0.status)", $0.count) })
                let expected = Dictionary(
                    grouping: rows.filter { user == nil || $0.userID == user }
                ) { "\($0.integrationType) \($0.status)" }.mapValues(\.count)
                #expect(counted == expected)
            }
        }
    }
}
