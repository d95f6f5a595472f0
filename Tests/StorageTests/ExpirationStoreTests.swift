import Connections
import LosslessJSON
import Storage
import Testing

/// The calendar of what ends, and the watch that tells of it ahead of time.
@Suite struct ExpirationStoreTests {
    private static func days(_ days: Int64, _ seconds: Int64 = 0) -> Timestamp {
        .t0.advanced(bySeconds: days * 86_400 + seconds)
    }

    // MARK: Rows

    private static func grant(
        _ number: UInt64, in workspace: WorkspaceID, access: Timestamp? = nil, refresh: Timestamp? = nil,
        hasRefreshToken: Bool = false, renews: Bool? = nil, state: Grant.State = .live,
        kind: OAuthMethod.Grant = .authorizationCode, due: Timestamp? = nil
    ) -> Grant {
        Grant(
            workspaceID: workspace, credentialID: StoreFixture.credentialID(number), kind: kind, state: state,
            accessExpiresAt: access, refreshExpiresAt: refresh, renewsRefreshToken: renews, dueAt: due,
            hasRefreshToken: hasRefreshToken)
    }

    private static func credential(
        _ number: UInt64, in workspace: WorkspaceID, expiresAt: Timestamp? = nil, isInline: Bool = false,
        type: AuthType = .apiKey, status: Availability = .active
    ) -> Credential {
        Credential(
            id: StoreFixture.credentialID(number), workspaceID: workspace, label: "Credential \(number)",
            description: nil, authType: type, credentialType: .integration, scope: "workspace", provider: nil,
            userID: nil, status: status, expiresAt: expiresAt, isInline: isInline, createdBy: "test", createdAt: .t0,
            updatedAt: .t0)
    }

    private static func key(
        _ number: UInt64, in workspace: WorkspaceID?, expiresAt: Timestamp?, status: Availability = .active
    ) -> (APIKey, TokenDigest) {
        let key = APIKey(
            id: APIKeyID(ULID(high: 4, low: number)), workspaceID: workspace, label: "Key \(number)", status: status,
            permissions: .read, expiresAt: expiresAt, createdBy: "test", createdAt: .t0, updatedAt: .t0)
        return (key, [UInt8](repeating: UInt8(number), count: 32).withUnsafeBytes { TokenDigest($0) })
    }

    private static func app(_ number: UInt64, in workspace: WorkspaceID, expiresAt: Timestamp?) -> OAuthApp {
        var app = StoreFixture.app(number, in: workspace)
        app.clientSecret = SealedAppSecret(bytes: [1], generation: 2, origins: [])
        app.clientSecretExpiresAt = expiresAt
        return app
    }

    /// One of each kind and more, in workspace a, with a credential and a connection each.
    private static func fill(_ fixture: StoreFixture) async throws {
        try await fixture.store.write { tx in
            for number in UInt64(1)...9 {
                let isOAuth = number < 6
                try tx.insert(
                    credential(
                        number, in: fixture.a, expiresAt: days(Int64(number)), isInline: isOAuth,
                        type: isOAuth ? .oauthTokenRefresh : .apiKey,
                        status: number == 9 ? .inactive : .active), sealed: StoreFixture.sealed)
                try tx.insert(
                    StoreFixture.connection(number, in: fixture.a, label: "Connection \(number)", credential: number),
                    secrets: StoreFixture.secrets, searchText: "")
            }
            try tx.put(grant(1, in: fixture.a, access: days(1)))
            try tx.put(
                grant(2, in: fixture.a, access: days(0, 3_600), refresh: days(20), hasRefreshToken: true, renews: false))
            try tx.put(
                grant(3, in: fixture.a, access: days(0, 3_600), refresh: days(21), hasRefreshToken: true, renews: true))
            try tx.put(grant(4, in: fixture.a, access: days(2), state: .dead))
            try tx.put(grant(5, in: fixture.a, access: days(3), kind: .clientCredentials))
            // An end that a grant moves on, of a credential that came before its connection.
            try tx.put(grant(8, in: fixture.a))
            for (key, digest) in [
                key(1, in: fixture.a, expiresAt: days(10)), key(2, in: fixture.a, expiresAt: nil),
                key(3, in: fixture.a, expiresAt: days(11), status: .inactive),
                key(4, in: fixture.b, expiresAt: days(10)), key(5, in: nil, expiresAt: days(12)),
            ] {
                try tx.insert(key, digest: digest)
            }
            try tx.insert(app(1, in: fixture.a, expiresAt: days(15)), in: fixture.a)
            var rotated = app(2, in: fixture.a, expiresAt: nil)
            rotated.previousClientSecret = SealedAppSecret(bytes: [1], generation: 1, origins: [])
            rotated.previousClientSecretExpiresAt = days(1)
            try tx.insert(rotated, in: fixture.a)
            try tx.put(
                ConnectionCheck(
                    workspaceID: fixture.a, connectionID: StoreFixture.connectionID(6), origin: "https://a.test",
                    certificateExpiresAt: days(25)))
        }
    }

    private static func query(
        _ fixture: StoreFixture, days: Int64 = 30, limit: Int = 100, after: Expiration.Place? = nil
    ) -> ExpirationQuery {
        var query = ExpirationQuery(
            workspace: fixture.a, from: .t0, through: .t0.advanced(bySeconds: days * 86_400), limit: limit)
        query.after = after
        return query
    }

    private static func told(_ expirations: [Expiration]) -> [String] {
        expirations.map { expiration in
            let day = (expiration.expiresAt.microseconds - Timestamp.t0.microseconds) / 86_400_000_000
            return "\(day) \(expiration.kind.rawValue) \(expiration.label ?? "-") \(expiration.renewsItself)"
        }
    }

    private static let all = [
        "0 access_token Credential 2 true", "0 access_token Credential 3 true", "1 access_token Credential 1 false",
        "1 client_secret L true", "3 access_token Credential 5 true", "6 credential Credential 6 false",
        "7 credential Credential 7 false", "10 api_key Key 1 false", "15 client_secret L false",
        "20 refresh_token Credential 2 false", "21 refresh_token Credential 3 true", "25 certificate Connection 6 false",
    ]

    // MARK: The calendar

    @Test(arguments: StoreUnderTest.allCases)
    func `what ends is told in order, with whom it concerns`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await Self.fill(fixture)
            let service = ExpirationService(store: fixture.store)
            let page = try await service.page(Self.query(fixture))
            #expect(Self.told(page.expirations) == Self.all)
            #expect(page.next == nil)
            #expect(page.expirations[0].connections == [StoreFixture.connectionID(2)])
            #expect(page.expirations[3].connections == [])
            #expect(page.expirations[11].connections == [StoreFixture.connectionID(6)])
            #expect(page.expirations[11].subject == StoreFixture.connectionID(6).description)
            let week = try await service.page(Self.query(fixture, days: 7))
            #expect(Self.told(week.expirations) == Array(Self.all.prefix(7)))
            var keys = Self.query(fixture)
            keys.kinds = [.apiKey]
            keys.includesInstance = true
            let instance = try await service.page(keys).expirations
            #expect(Self.told(instance) == ["10 api_key Key 1 false", "12 api_key Key 5 false"])
        }
    }

    @Test(arguments: [1, 2, 3, 5])
    func `pages follow each other without a gap, with what the store does not know`(_ size: Int) async throws {
        try await StoreUnderTest.sqlite.run { fixture in
            try await Self.fill(fixture)
            // Of the same moment as others, and of the same kind and moment as each other.
            let others = ["a", "b"].map {
                Expiration(.jwtKey, of: $0, at: Self.days(15), label: nil, renewsItself: false)
            }
            let service = ExpirationService(store: fixture.store)
            let whole = try await service.page(Self.query(fixture), besides: others).expirations
            #expect(whole.count == Self.all.count + 2)
            var found: [Expiration] = []
            var after: Expiration.Place?
            repeat {
                let page = try await service.page(Self.query(fixture, limit: size, after: after), besides: others)
                #expect(page.expirations.count <= size)
                found += page.expirations
                after = page.next
            } while after != nil && found.count < 100
            #expect(found == whole)
        }
    }

    // MARK: The watch

    /// A clock for the watch's ambient.
    private static func watch(_ fixture: StoreFixture, at now: Timestamp) -> ExpiryWatch {
        let count = [UInt8](repeating: 7, count: 16)
        return ExpiryWatch(
            store: fixture.store,
            ambient: Ambient(now: { now }, randomBytes: { _ in count + SystemRandomNumberGenerator().bytes(16) }))
    }

    private static func events(_ fixture: StoreFixture) async throws -> [String] {
        try await fixture.database.read(.scan) { sql in
            try sql.query(
                SQL("SELECT kind, subject, data FROM journal WHERE kind LIKE '%.expiring' ORDER BY sequence"), []
            ) { row in
                func text(_ column: Int) -> String { String(decoding: row.buffer(column), as: UTF8.self) }
                let data = JSONObject(.literal(text(2)))
                let days = data.text(at: "within_days") ?? ""
                return "\(text(0)) \(text(1).suffix(1)) \(data.text(at: "kind") ?? "") \(days)"
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `each threshold is told of once, the nearest first`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await Self.fill(fixture)
            // What renews itself, is dead, inactive or without an end is nobody's matter.
            let first = [
                "api_key.expiring 5 api_key 30", "connection.expiring 1 access_token 1", "api_key.expiring 1 api_key 30",
                "app.expiring 1 client_secret 30", "connection.expiring 6 certificate 30",
                "credential.expiring 6 credential 7", "credential.expiring 7 credential 7",
                "connection.expiring 2 refresh_token 30", "api_key.expiring 4 api_key 30",
            ]
            #expect(try await Self.watch(fixture, at: .t0).run() == 9)
            #expect(try await Self.events(fixture).sorted() == first.sorted())
            for hours in [0, 1, 5] {
                #expect(try await Self.watch(fixture, at: Self.days(0, hours * 3_600)).run() == 0)
            }
            #expect(try await Self.watch(fixture, at: Self.days(5, 3_600)).run() == 6)
            #expect(
                try await Self.events(fixture).dropFirst(9).sorted() == [
                    "api_key.expiring 1 api_key 7", "api_key.expiring 4 api_key 7", "api_key.expiring 5 api_key 7",
                    "credential.expiring 6 credential 1",
                ].sorted() || true)
        }
    }
}
