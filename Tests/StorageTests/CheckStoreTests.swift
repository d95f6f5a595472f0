import Connections
import Storage
import Testing

/// Checks that are due, and hosts that do not answer.
@Suite struct CheckStoreTests {
    private static func at(_ seconds: Int64) -> Timestamp { .t0.advanced(bySeconds: seconds) }

    /// Connections in a, due in so many seconds, and one in b.
    private static func fill(_ fixture: StoreFixture, due: [Int64?], origin: String = "https://a.test") async throws {
        try await fixture.store.write { tx in
            for (index, seconds) in due.enumerated() {
                let connection = StoreFixture.connection(UInt64(index + 1), in: fixture.a)
                try tx.insert(connection, secrets: StoreFixture.secrets, searchText: "")
                try tx.put(
                    ConnectionCheck(
                        workspaceID: fixture.a, connectionID: connection.id, origin: origin,
                        dueAt: seconds.map { at($0) }))
            }
            let foreign = StoreFixture.connection(99, in: fixture.b)
            try tx.insert(foreign, secrets: StoreFixture.secrets, searchText: "")
            try tx.put(
                ConnectionCheck(workspaceID: fixture.b, connectionID: foreign.id, origin: origin, dueAt: at(0)))
        }
    }

    private static func dues(_ fixture: StoreFixture, _ count: Int) async throws -> [Int64?] {
        var dues: [Int64?] = []
        for number in 1...count {
            let check = try await fixture.store.check(of: StoreFixture.connectionID(UInt64(number)), in: fixture.a)
            dues.append(check?.dueAt.map { ($0.microseconds - Timestamp.t0.microseconds) / 1_000_000 })
        }
        return dues
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is due comes in order, and goes on behind what was seen`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            // Some at one moment, some later than asked for, one never.
            try await Self.fill(fixture, due: [3, 1, 1, 1, 2, nil, 50, 0])
            var found: [Int64] = []
            var last: DueCheck?
            while true {
                let page = try await fixture.store.dueChecks(at: Self.at(10), after: last, limit: 2)
                found += page.map { ($0.dueAt.microseconds - Timestamp.t0.microseconds) / 1_000_000 }
                last = page.last ?? last
                if page.count < 2 { break }
            }
            #expect(found == [0, 0, 1, 1, 1, 2, 3])
            let host = CheckedHost(workspaceID: fixture.a, origin: "https://a.test")
            let own = try await fixture.store.dueChecks(of: host, at: Self.at(10), limit: 100)
            #expect(own.count == 6)
            #expect(own.allSatisfy { $0.key.workspaceID == fixture.a && $0.host == host })
            let next = try await fixture.store.nextCheck(of: host)
            #expect(next?.connectionID == StoreFixture.connectionID(8))
            let other = CheckedHost(workspaceID: fixture.a, origin: "https://b.test")
            #expect(try await fixture.store.nextCheck(of: other) == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `checks of a host move together, evenly, and nobody else's`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await Self.fill(fixture, due: [1, 2, 3, 4, nil, 50])
            let host = CheckedHost(workspaceID: fixture.a, origin: "https://a.test")
            func move(after: Int64?, through: Int64, to time: Int64, spread: Int64, limit: Int) async throws -> Int {
                let move = CheckMove(
                    of: host, dueAfter: after.map { Self.at($0) }, dueThrough: Self.at(through), to: Self.at(time),
                    spread: spread, limit: limit)
                return try await fixture.store.write { try $0.move(move) }
            }
            #expect(try await move(after: nil, through: 10, to: 1_000, spread: 100, limit: 4) == 4)
            #expect(try await Self.dues(fixture, 6) == [1_000, 1_025, 1_050, 1_075, nil, 50])
            #expect(try await move(after: nil, through: 10, to: 1_000, spread: 100, limit: 4) == 0)
            // Back, some at a time, but for what is due soon anyway.
            #expect(try await move(after: 60, through: 2_000, to: 0, spread: 60, limit: 3) == 3)
            #expect(try await move(after: 60, through: 2_000, to: 0, spread: 60, limit: 3) == 1)
            #expect(try await Self.dues(fixture, 6) == [0, 20, 40, 0, nil, 50])
            let foreign = try await fixture.store.check(of: StoreFixture.connectionID(99), in: fixture.b)
            #expect(foreign?.dueAt == .t0)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a host that does not answer is kept until it does`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            var host = UnreachableHost(
                CheckedHost(workspaceID: fixture.a, origin: "https://a.test"), at: .t0, jitter: 0.5)
            let lost = host
            try await fixture.store.write { try $0.put(lost) }
            host.noteTrial(at: Self.at(30), jitter: 0.5)
            let tried = host
            try await fixture.store.write { try $0.put(tried) }
            #expect(try await fixture.store.unreachableHosts() == [host])
            try await fixture.store.write { try $0.delete(unreachable: tried.host) }
            #expect(try await fixture.store.unreachableHosts() == [])
        }
    }
}
