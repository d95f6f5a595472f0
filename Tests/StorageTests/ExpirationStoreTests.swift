import Connections
import LosslessJSON
import Storage
import Testing

/// The calendar of what ends, over a real store.
@Suite struct ExpirationStoreTests {
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
        "20 refresh_token Credential 2 false", "21 refresh_token Credential 3 true",
        "25 certificate Connection 6 false",
    ]

    // MARK: The calendar

    @Test(arguments: StoreUnderTest.allCases)
    func `what ends is told in order, with whom it concerns`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await ExpirationRows.fill(fixture)
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
            try await ExpirationRows.fill(fixture)
            // Of the same moment as others, and of the same kind and moment as each other.
            let others = ["a", "b"].map {
                Expiration(.jwtKey, of: $0, at: ExpirationRows.days(15), label: nil, renewsItself: false)
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
}
