import Connections
import Storage
import Testing

/// What may go, and what stays however old it is.
@Suite struct RetentionTests {
    private static let day: Int64 = 86_400

    /// Of ten days, with what a webhook has not seen kept for three more.
    private static func pruning(
        after position: Int64 = 0, limit: Int = 100, at now: Int64 = 20 * day
    ) -> JournalPruning {
        JournalPruning(
            after: position, limit: limit, before: .t0.advanced(bySeconds: now - 10 * day),
            evenUndelivered: .t0.advanced(bySeconds: now - 13 * day))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `old entries go, the newest of a workspace stays`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let first = try await fixture.append(1, .connectionUpdated, in: fixture.a)
            let second = try await fixture.append(2, .connectionUpdated, in: fixture.a)
            let other = try await fixture.append(3, .connectionUpdated, in: fixture.b)
            try await fixture.append(4, .instanceResumed, in: nil)
            let young = try await fixture.append(5, .connectionUpdated, in: fixture.b, at: 15 * Self.day)
            let step = try await fixture.store.write { try $0.prune(Self.pruning()) }
            #expect(step == JournalPruning.Step(through: young, deleted: 3, isEnd: false))
            // Of the second workspace the young one is the newest, and the instance's own belong to none.
            #expect(try await fixture.entries() == [second, young])
            #expect(first < second && second < other)
            let next = try await fixture.store.write { try $0.prune(Self.pruning(after: step.through)) }
            #expect(next == JournalPruning.Step(through: young, deleted: 0, isEnd: true))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `it goes step by step and stops before what is young`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            for number in 1...5 { try await fixture.append(UInt64(number), .connectionUpdated, in: fixture.a) }
            let young = try await fixture.append(6, .connectionUpdated, in: fixture.a, at: 15 * Self.day)
            var position: Int64 = 0
            var deleted: [Int] = []
            while true {
                let after = position
                let step = try await fixture.store.write { try $0.prune(Self.pruning(after: after, limit: 2)) }
                if step.isEnd { break }
                position = step.through
                deleted.append(step.deleted)
            }
            #expect(deleted == [2, 2, 1])
            #expect(try await fixture.entries() == [young])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `of a connection that exists, the newest word on its status stays`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.insert(StoreFixture.connection(1, in: fixture.a))
            let living = StoreFixture.connectionID(1).description
            let gone = StoreFixture.connectionID(2).description
            try await fixture.append(1, .connectionCreated, in: fixture.a, subject: living)
            let status = try await fixture.append(2, .connectionStatusChanged, in: fixture.a, subject: living)
            try await fixture.append(3, .connectionUpdated, in: fixture.a, subject: living)
            try await fixture.append(4, .connectionCreated, in: fixture.a, subject: gone)
            let young = try await fixture.append(5, .apiKeyCreated, in: fixture.a, at: 15 * Self.day)
            _ = try await fixture.store.write { try $0.prune(Self.pruning()) }
            #expect(try await fixture.entries() == [status, young])
            // With a newer word the older one may go.
            let newer = try await fixture.append(
                6, .connectionStatusChanged, in: fixture.a, subject: living, at: 16 * Self.day)
            _ = try await fixture.store.write { try $0.prune(Self.pruning()) }
            #expect(try await fixture.entries() == [young, newer])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what a webhook has not come to stays a little longer`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let seen = try await fixture.append(1, .connectionUpdated, in: fixture.a, at: 8 * Self.day)
            let unseen = try await fixture.append(2, .connectionUpdated, in: fixture.a, at: 8 * Self.day)
            let other = try await fixture.append(3, .connectionUpdated, in: fixture.b, at: 8 * Self.day)
            let young = try await fixture.append(4, .connectionUpdated, in: fixture.a, at: 15 * Self.day)
            let last = try await fixture.append(5, .connectionUpdated, in: fixture.b, at: 15 * Self.day)
            try await fixture.store.write {
                try $0.insert(StoreFixture.webhook(1, in: fixture.a, position: seen))
            }
            _ = try await fixture.store.write { try $0.prune(Self.pruning()) }
            #expect(try await fixture.entries() == [unseen, young, last])
            #expect(other < last)
            // Not for ever: three days later it goes all the same.
            _ = try await fixture.store.write { try $0.prune(Self.pruning(at: 22 * Self.day)) }
            #expect(try await fixture.entries() == [young, last])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what a webhook has to send still stays a little longer`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            // It has come past all of them.
            let webhook = StoreFixture.webhook(1, in: fixture.a, position: 1_000)
            let waiting = try await fixture.append(1, .connectionUpdated, in: fixture.a, at: 8 * Self.day)
            try await fixture.append(2, .connectionUpdated, in: fixture.a, at: 8 * Self.day)
            try await fixture.append(3, .connectionUpdated, in: fixture.a, at: 8 * Self.day)
            let young = try await fixture.append(4, .connectionUpdated, in: fixture.a, at: 15 * Self.day)
            try await fixture.store.write { tx in
                try tx.insert(webhook)
                try tx.put(StoreFixture.delivery(1, to: webhook, state: .pending, dueIn: 0))
                try tx.put(StoreFixture.delivery(2, to: webhook, state: .delivered, finishedIn: 10))
                try tx.put(StoreFixture.delivery(3, to: webhook, state: .dead, finishedIn: 10))
            }
            _ = try await fixture.store.write { try $0.prune(Self.pruning()) }
            #expect(try await fixture.entries() == [waiting, young])
            // Not for ever: three days later it goes all the same.
            _ = try await fixture.store.write { try $0.prune(Self.pruning(at: 22 * Self.day)) }
            #expect(try await fixture.entries() == [young])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `how far events went is remembered, for each workspace`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.insert(StoreFixture.connection(1, in: fixture.a))
            let living = StoreFixture.connectionID(1).description
            let kept = try await fixture.append(1, .connectionCreated, in: fixture.a, subject: living)
            let gone = try await fixture.append(2, .connectionUpdated, in: fixture.a, subject: living)
            // Nobody was told of this one, so that nobody misses it.
            try await fixture.append(3, .tokenRead, in: fixture.a)
            let quiet = try await fixture.append(4, .connectionUpdated, in: fixture.b)
            let young = try await fixture.append(5, .connectionUpdated, in: fixture.a, at: 15 * Self.day)
            _ = try await fixture.store.write { try $0.prune(Self.pruning()) }
            #expect(try await fixture.entries() == [kept, quiet, young])
            #expect(try await fixture.store.trimmedPosition(in: fixture.a) == gone)
            let within = try await fixture.store.write { try $0.trimmedPosition(in: fixture.a) }
            #expect(within == gone)
            #expect(try await fixture.store.trimmedPosition(in: fixture.b) == 0)
            // What goes later from before it does not lower it.
            let newer = try await fixture.append(
                6, .connectionStatusChanged, in: fixture.a, subject: living, at: 16 * Self.day)
            _ = try await fixture.store.write { try $0.prune(Self.pruning()) }
            #expect(try await fixture.entries() == [quiet, young, newer])
            #expect(try await fixture.store.trimmedPosition(in: fixture.a) == gone)
            try await fixture.store.write { try $0.delete(workspace: fixture.a) }
            #expect(try await fixture.store.trimmedPosition(in: fixture.a) == 0)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `finished deliveries go, others stay`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let webhook = StoreFixture.webhook(1, in: fixture.a)
            try await fixture.store.write { tx in
                try tx.insert(webhook)
                try tx.put(StoreFixture.delivery(1, to: webhook, state: .delivered, finishedIn: 10))
                try tx.put(StoreFixture.delivery(2, to: webhook, state: .dead, finishedIn: 10))
                try tx.put(StoreFixture.delivery(3, to: webhook, state: .delivered, finishedIn: 30))
                try tx.put(StoreFixture.delivery(4, to: webhook, state: .pending, dueIn: 0))
                try tx.put(StoreFixture.delivery(5, to: webhook, state: .delivered, finishedIn: 10))
            }
            let counts = try await fixture.store.write { tx in
                try (0..<3).map { _ in
                    try tx.pruneDeliveries(of: webhook.key, finishedBefore: .t0.advanced(bySeconds: 20), limit: 2)
                }
            }
            #expect(counts == [2, 1, 0])
            let left = try await fixture.store.deliveries(
                DeliveryQuery(webhook: webhook.key, page: PageRequest(limit: 9)))
            #expect(left.items.map(\.eventID) == [4, 3].map(StoreFixture.eventID))
        }
    }
}
