import Connections
import LosslessJSON
import Storage
import Testing

/// What is told of ahead of time, over a real store.
@Suite struct ExpiryWatchTests {
    private static func watch(_ fixture: StoreFixture, at now: Timestamp) -> ExpiryWatch {
        ExpiryWatch(
            store: fixture.store,
            ambient: Ambient(now: { now }, randomBytes: { count in (0..<count).map { _ in .random(in: 0...255) } }))
    }

    /// The events that were journaled: kind, last letter of the subject, what ends, and within how many days.
    private static func events(_ fixture: StoreFixture) async throws -> [String] {
        try await fixture.database.read(.scan) { sql in
            try sql.query(
                SQL("SELECT kind, subject, data FROM journal WHERE kind LIKE '%.expiring' ORDER BY sequence"), []
            ) { row in
                func bytes(_ column: Int) -> [UInt8] { Array(row.buffer(column)) }
                let data = JSONObject(try JSONSlice(parsing: bytes(2)))
                let subject = String(decoding: bytes(1).suffix(1), as: UTF8.self)
                let kind = String(decoding: bytes(0), as: UTF8.self)
                return "\(kind) \(subject) \(data.text(at: "kind") ?? "") \(data.text(at: "within_days") ?? "")"
            }
        }
    }

    private static func notices(_ fixture: StoreFixture) async throws -> Int {
        try await fixture.database.read(.scan) { try $0.count(SQL("SELECT COUNT(*) FROM expiry_notice"), []) }
    }

    private static func insertKey(
        _ number: UInt64, _ fixture: StoreFixture, expiresAt: Timestamp, in workspace: WorkspaceID?
    ) async throws {
        let (key, digest) = ExpirationRows.key(number, in: workspace, expiresAt: expiresAt)
        try await fixture.store.write { try $0.insert(key, digest: digest) }
    }

    // MARK: What is told

    @Test(arguments: StoreUnderTest.allCases)
    func `only what does not renew itself is told of, at the nearest threshold`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await ExpirationRows.fill(fixture)
            let told = try await Self.watch(fixture, at: .t0).run()
            #expect(
                try await Self.events(fixture).sorted() == [
                    "api_key.expiring 1 api_key 30", "api_key.expiring 4 api_key 30", "api_key.expiring 5 api_key 30",
                    "app.expiring 1 client_secret 30", "connection.expiring 1 access_token 1",
                    "connection.expiring 2 refresh_token 30", "connection.expiring 6 certificate 30",
                    "credential.expiring 6 credential 7", "credential.expiring 7 credential 7",
                ])
            #expect(told == 9)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `each threshold is told of once, whoever asks again`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await Self.insertKey(1, fixture, expiresAt: ExpirationRows.days(40), in: fixture.a)
            var told: [Int64] = []
            for hour in Int64(0)...41 * 24 {
                let now = ExpirationRows.days(0, hour * 3_600)
                // Another one each time, as after a restart.
                if try await Self.watch(fixture, at: now).run() > 0 { told.append(hour) }
            }
            #expect(told.map { $0 / 24 } == [10, 33, 39])
            #expect(told.allSatisfy { $0 % 24 == 0 })
            #expect(
                try await Self.events(fixture) == [30, 7, 1].map { "api_key.expiring 1 api_key \($0)" })
            #expect(try await Self.notices(fixture) == 0)
        }
    }

    @Test(arguments: [(0, 0), (30, 0), (-3_000, 0), (86_400, 1), (-86_400, 1)] as [(Int64, Int)])
    func `an end that moves by seconds is the same one`(_ seconds: Int64, _ again: Int) async throws {
        try await StoreUnderTest.sqlite.run { fixture in
            try await Self.insertKey(1, fixture, expiresAt: ExpirationRows.days(20), in: nil)
            #expect(try await Self.watch(fixture, at: .t0).run() == 1)
            var (key, _) = ExpirationRows.key(1, in: nil, expiresAt: ExpirationRows.days(20, seconds))
            key.revision = 2
            let moved = key
            try await fixture.store.write { try $0.update(moved) }
            #expect(try await Self.watch(fixture, at: .t0).run() == again)
        }
    }

    private static func refresh(
        _ renews: Bool?, dueIn days: Int64? = 1, state: Grant.State = .live
    ) -> @Sendable (WorkspaceID) -> Grant {
        { workspace in
            ExpirationRows.grant(
                1, in: workspace, refresh: ExpirationRows.days(20), hasRefreshToken: true, renews: renews, state: state,
                due: days.map { ExpirationRows.days($0) })
        }
    }

    @Test(
        arguments: [
            ("fixed", refresh(false), true), ("rolling", refresh(true), false),
            ("unknown, and a refresh comes first", refresh(nil), false),
            ("unknown, and no refresh comes in time", refresh(nil, dueIn: 20), true),
            ("unknown, and none is due", refresh(nil, dueIn: nil), true), ("dead", refresh(false, state: .dead), false),
            ("another system's", refresh(false, state: .suspended), false),
        ] as [(String, @Sendable (WorkspaceID) -> Grant, Bool)])
    func `a refresh token is told of unless its use renews it`(
        _ name: String, _ grant: @Sendable (WorkspaceID) -> Grant, _ isTold: Bool
    ) async throws {
        try await StoreUnderTest.sqlite.run { fixture in
            let row = grant(fixture.a)
            try await fixture.store.write { tx in
                try tx.insert(
                    ExpirationRows.credential(1, in: fixture.a, isInline: true, type: .oauthTokenRefresh),
                    sealed: StoreFixture.sealed)
                try tx.insert(
                    StoreFixture.connection(1, in: fixture.a, credential: 1), secrets: StoreFixture.secrets,
                    searchText: "")
                try tx.put(row)
            }
            let told = try await Self.watch(fixture, at: .t0).run()
            #expect(told == (isTold ? 1 : 0), "\(name)")
        }
    }

    // MARK: Whom it concerns

    @Test(arguments: StoreUnderTest.allCases)
    func `every connection in use is told of the end of its token, and counts that`(
        _ kind: StoreUnderTest
    ) async throws {
        try await kind.run { fixture in
            try await fixture.insert(
                StoreFixture.connection(1, in: fixture.a), StoreFixture.connection(2, in: fixture.a, status: .expired),
                StoreFixture.connection(3, in: fixture.a, status: .inactive))
            let grant = ExpirationRows.grant(0, in: fixture.a, access: ExpirationRows.days(3))
            try await fixture.store.write { try $0.put(grant) }
            #expect(try await Self.watch(fixture, at: .t0).run() == 1)
            #expect(
                try await Self.events(fixture).sorted() == [
                    "connection.expiring 1 access_token 7", "connection.expiring 2 access_token 7",
                ])
            let rows = try await [1, 2, 3].asyncMap { number in
                try await fixture.store.connection(StoreFixture.connectionID(number), in: fixture.a)
            }
            #expect(rows.map { $0?.eventSequence } == [1, 1, 0])
            #expect(rows.map { $0?.revision } == [1, 1, 1])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `many ends are told of in several units of work`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            for number in UInt64(1)...120 {
                try await Self.insertKey(number, fixture, expiresAt: ExpirationRows.days(2), in: fixture.a)
            }
            #expect(try await Self.watch(fixture, at: .t0).run() == 120)
            #expect(try await Self.watch(fixture, at: .t0).run() == 0)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a workspace that goes takes its notices with it`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await ExpirationRows.fill(fixture)
            _ = try await Self.watch(fixture, at: .t0).run()
            try await fixture.store.write { try $0.delete(workspace: fixture.a) }
            // Of the other workspace's key, and of the instance's.
            #expect(try await Self.notices(fixture) == 2)
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Item>(_ transform: (Element) async throws -> Item) async rethrows -> [Item] {
        var items: [Item] = []
        for element in self { items.append(try await transform(element)) }
        return items
    }
}
