import Connections
import LosslessJSON
import Storage
import Testing

@Suite struct UnitOfWorkTests {
    private struct Refusal: Error {}

    @Test(arguments: StoreUnderTest.allCases)
    func `a unit that throws is undone whole`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            await #expect(throws: Refusal.self) {
                try await fixture.store.write { tx in
                    try tx.set("half", to: "done")
                    throw Refusal()
                }
            }
            let half = try await fixture.store.write { try $0.setting("half") }
            #expect(half == nil)
        }
    }

    /// Many units at once share commits; those that throw must not touch the others.
    @Test(arguments: StoreUnderTest.allCases)
    func `a failing unit does not touch its neighbours`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        do {
                            try await fixture.store.write { tx in
                                try tx.set("n\(number)", to: "x")
                                if number % 3 == 0 { throw Refusal() }
                            }
                            #expect(number % 3 != 0)
                        } catch is Refusal {
                            #expect(number % 3 == 0)
                        }
                    }
                }
                try await group.waitForAll()
            }
            for number in 0..<200 {
                let value = try await fixture.store.write { try $0.setting("n\(number)") }
                #expect(value == (number % 3 == 0 ? nil : "x"))
            }
        }
    }

    /// SQLite ends the whole transaction when the file is full; the neighbours of the unit that filled it run again.
    @Test func `a full store refuses the unit that does not fit and keeps the others`() async throws {
        try await StoreUnderTest.sqlite.run { fixture in
            let pages = try await fixture.database.write { sql in
                try sql.query(SQL("PRAGMA page_count"), []) { $0.int64(0) }[0]
            }
            try await fixture.database.write { sql in
                _ = try sql.query(SQL("PRAGMA max_page_count = \(pages + 8)"), []) { $0.int64(0) }
            }
            let large = String(repeating: "x", count: 1 << 20)
            let outcomes = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        do {
                            try await fixture.store.write { try $0.set("n\(number)", to: number == 20 ? large : "x") }
                            return true
                        } catch StoreError.unavailable {
                            #expect(number == 20)
                            return false
                        } catch {
                            Issue.record(error)
                            return false
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { $0 } == 39)
            let kept = try await fixture.store.write { tx in
                try (0..<40).count { try tx.setting("n\($0)") != nil }
            }
            #expect(kept == 39)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the journal keeps entries in the order of commits`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            for number in 1...5 {
                try await fixture.store.write { tx in
                    try tx.append(
                        JournalEntry(.connectionUpdated, in: fixture.a, subject: "s\(number)"),
                        id: EventID(ULID(high: 5, low: UInt64(number))), cause: StoreFixture.cause)
                }
            }
            let subjects = try await fixture.database.read(.scan) { sql in
                try sql.query(SQL("SELECT subject FROM journal ORDER BY sequence"), []) { row in
                    String(decoding: row.buffer(0), as: UTF8.self)
                }
            }
            #expect(subjects == ["s1", "s2", "s3", "s4", "s5"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `deleting a workspace leaves the other whole`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.insert(
                StoreFixture.connection(1, in: fixture.a, tags: ["t"]), StoreFixture.connection(2, in: fixture.b))
            try await fixture.store.write { try $0.delete(workspace: fixture.a) }
            #expect(try await fixture.store.workspace(fixture.a) == nil)
            #expect(try await fixture.store.connection(StoreFixture.connectionID(1), in: fixture.a) == nil)
            #expect(try await fixture.store.connection(StoreFixture.connectionID(2), in: fixture.b) != nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `migrating twice changes nothing`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let migrated = try await Migrator.migrate(fixture.database, now: .t0)
            #expect(migrated.isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a store of a newer program is refused`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            _ = try await fixture.database.write { sql in
                try sql.execute(
                    SQL("INSERT INTO migration (version, name, applied_at) VALUES (99, 'later', 0)"), [])
            }
            await #expect(throws: StoreError.self) { try await Migrator.migrate(fixture.database, now: .t0) }
        }
    }
}
