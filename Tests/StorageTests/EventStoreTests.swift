import Connections
import LosslessJSON
import Storage
import Testing

/// What a driver has to keep of events: their order, what is whose, and how far a look reaches.
@Suite struct EventStoreTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `events come in the order of commits, one workspace's and no others`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            // Identifiers that fall while positions rise: the order is that of commits.
            for number in 1...6 {
                try await fixture.append(
                    UInt64(10 - number), number == 4 ? .apiKeyCreated : .connectionUpdated,
                    in: number.isMultiple(of: 3) ? fixture.b : fixture.a)
            }
            let page = try await fixture.store.events(EventQuery(workspace: fixture.a, after: 0, limit: 10))
            #expect(page.events.map(\.id) == [9, 8, 5].map(StoreFixture.eventID))
            #expect(page.isEnd)
            // The audit entry is passed, too.
            #expect(page.last == StoreFixture.eventID(5))
            let positions = page.events.map(\.position)
            #expect(positions == positions.sorted())
            #expect(page.events.first?.record.subject == "s")
            #expect(page.events.first?.record.requestID == "req")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a page goes on where the one before it ended`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            for number in 1...5 { try await fixture.append(UInt64(number), .connectionUpdated, in: fixture.a) }
            var query = EventQuery(workspace: fixture.a, after: 0, limit: 2)
            var seen: [EventID] = []
            var pages = 0
            while true {
                let page = try await fixture.store.events(query)
                seen += page.events.map(\.id)
                query.after = page.through
                pages += 1
                if page.isEnd { break }
            }
            #expect(seen == (1...5).map { StoreFixture.eventID(UInt64($0)) })
            #expect(pages == 3)
            let empty = try await fixture.store.events(query)
            #expect(empty.events.isEmpty)
            #expect(empty.isEnd)
            #expect(empty.last == nil)
            #expect(empty.through == query.after)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a look reaches so far and says how far it was`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            for number in 1...9 { try await fixture.append(UInt64(number), .apiKeyUpdated, in: fixture.a) }
            try await fixture.append(10, .connectionUpdated, in: fixture.a)
            var query = EventQuery(workspace: fixture.a, after: 0, limit: 5, reach: 4)
            let first = try await fixture.store.events(query)
            #expect(first.events.isEmpty)
            #expect(!first.isEnd)
            #expect(first.last == StoreFixture.eventID(4))
            query.after = first.through
            let second = try await fixture.store.events(query)
            #expect(second.last == StoreFixture.eventID(8))
            query.after = second.through
            let third = try await fixture.store.events(query)
            #expect(third.events.map(\.id) == [StoreFixture.eventID(10)])
            #expect(third.isEnd)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `filters narrow by kind, subject and time`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.append(1, .connectionCreated, in: fixture.a, subject: "x", at: 0)
            try await fixture.append(2, .connectionUpdated, in: fixture.a, subject: "x", at: 1_000)
            try await fixture.append(3, .connectionUpdated, in: fixture.a, subject: "y", at: 2_000)
            try await fixture.append(4, .appFailing, in: fixture.a, subject: "x", at: 3_000)
            var query = EventQuery(workspace: fixture.a, after: 0, limit: 10)
            func found() async throws -> [EventID] { try await fixture.store.events(query).events.map(\.id) }
            query.kinds = [.connectionUpdated, .connectionDeleted]
            #expect(try await found() == [2, 3].map(StoreFixture.eventID))
            query.subjects = ["x", "z"]
            #expect(try await found() == [2].map(StoreFixture.eventID))
            query.kinds = JournalEntry.Kind.events
            #expect(try await found() == [1, 2, 4].map(StoreFixture.eventID))
            query.since = .t0.advanced(bySeconds: 1_000)
            #expect(try await found() == [2, 4].map(StoreFixture.eventID))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a place is found by an entry and by an instant`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            var positions: [Int64] = []
            for number in 0..<40 {
                positions.append(
                    try await fixture.append(
                        UInt64(number), .connectionUpdated, in: number.isMultiple(of: 4) ? fixture.b : fixture.a,
                        at: Int64(number) * 3_600))
            }
            let known = try await fixture.store.position(of: StoreFixture.eventID(7), in: fixture.a)
            #expect(known == positions[7])
            #expect(try await fixture.store.position(of: StoreFixture.eventID(7), in: fixture.b) == nil)
            #expect(try await fixture.store.position(of: StoreFixture.eventID(99), in: fixture.a) == nil)
            #expect(try await fixture.store.newestPosition() == positions[39])
            // Nothing that is as young may lie before it, and nothing that is much older behind it.
            for hour in 0..<40 {
                let instant = Timestamp.t0.advanced(bySeconds: Int64(hour) * 3_600)
                let position = try await fixture.store.position(before: instant, in: fixture.a)
                let own = (0..<40).filter { !$0.isMultiple(of: 4) }
                #expect(own.allSatisfy { $0 < hour || positions[$0] > position })
                #expect(own.allSatisfy { $0 >= hour || positions[$0] <= position }, "hour \(hour)")
            }
            #expect(try await fixture.store.position(before: .t0.advanced(bySeconds: -9_999), in: fixture.a) == 0)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an event of a credential names the connections that use it`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.insert(
                StoreFixture.connection(1, in: fixture.a), StoreFixture.connection(2, in: fixture.a),
                StoreFixture.connection(3, in: fixture.b))
            let credential = StoreFixture.credentialID(0).description
            try await fixture.append(1, .refreshed, in: fixture.a, subject: credential)
            try await fixture.append(2, .refreshFailed, in: fixture.a, subject: credential)
            try await fixture.append(3, .revoked, in: fixture.a, subject: StoreFixture.connectionID(9).description)
            try await fixture.append(4, .connectionUpdated, in: fixture.a, subject: credential)
            let page = try await fixture.store.events(EventQuery(workspace: fixture.a, after: 0, limit: 10))
            let users = [1, 2].map(StoreFixture.connectionID)
            #expect(page.events.map(\.connections) == [users, users, [StoreFixture.connectionID(9)], []])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `steps tell of everything, without what`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.append(1, .workspaceDeleted, in: nil, subject: "w")
            try await fixture.append(2, .tokenRead, in: fixture.a, subject: "c")
            let steps = try await fixture.store.journalSteps(after: 0, limit: 10)
            #expect(steps.map(\.kind) == [.workspaceDeleted, .tokenRead])
            #expect(steps.map(\.workspaceID) == [nil, fixture.a])
            #expect(steps.map(\.subject) == ["w", "c"])
            let rest = try await fixture.store.journalSteps(after: steps[0].position, limit: 10)
            #expect(rest == [steps[1]])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `whoever waits is told of a commit`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let signal = fixture.store.signal
            let seen = signal.commits
            async let waiting: Void = signal.wait(past: seen, atMost: .seconds(60))
            try await fixture.append(1, .connectionUpdated, in: fixture.a)
            await waiting
            #expect(signal.commits > seen)
            // Committed before somebody waits: there is nothing to wait for.
            await signal.wait(past: seen, atMost: .seconds(60))
        }
    }
}
