import Connections
import HTTPTypes
import LosslessJSON
import Testing

@testable import HTTPAPI

/// The calendar. The clock stands at 2023-11-14T22:13:20Z.
@Suite struct ExpirationTests {
    static let scenarios =
        ["0d", "366d", "8761h", "030d", "30", "d", "-1d", "+1d", "1.5d", "1w", "", "99999999999999999999d"].map {
            span in
            Scenario(
                "within \(span)", .get, "/expirations?within=\(span.replacing("+", with: "%2B"))", status: 422,
                contains: [#"["query","within"]"#, "such as 30d or 12h"])
        } + [
            Scenario("an unknown kind", .get, "/expirations?kind=x", status: 422, contains: [#"["query","kind"]"#]),
            Scenario("a cursor of a list", .get, "/expirations?cursor=c1_01ARZ3NDEKTSV4RRFFQ69G5FAV", status: 422),
            Scenario("a cursor of nothing", .get, "/expirations?cursor=e1_", status: 422),
            Scenario("limit 0", .get, "/expirations?limit=0", status: 422),
            Scenario("nobody", .get, "/expirations", key: nil, status: 401),
            Scenario(
                "30 days of nothing", .get, "/expirations", status: 200,
                contains: [#"{"expirations":[],"until":"2023-12-14T22:13:20.000000Z","next_cursor":null}"#]),
            Scenario(
                "a year", .get, "/expirations?within=365d", status: 200,
                contains: [#""until":"2024-11-13T22:13:20.000000Z""#]),
            Scenario(
                "as many hours", .get, "/expirations?within=8760h", status: 200,
                contains: [#""until":"2024-11-13T22:13:20.000000Z""#]),
        ]

    @Test(arguments: scenarios)
    func `a request is checked`(_ scenario: Scenario) async throws {
        try await Harness.run { try await $0.check(scenario) }
    }

    /// In days from the clock's time, each at its hour.
    private static func fill(_ harness: Harness, key: String) async throws {
        for (path, body) in [
            ("/api-keys", #"{"label":"Key","permissions":["read"],"expires_at":"2023-11-24T00:00:00Z"}"#),
            (
                "/credentials",
                #"{"label":"Cred","auth_type":"api_key","credential_type":"llm","data":{"key":"hidden"},"expires_at":"2023-11-19T00:00:00Z"}"#
            ),
            (
                "/oauth/apps",
                #"{"integration":"linear","client_id":"c","client_secret":"hidden","client_secret_expires_at":"2023-11-29T00:00:00Z"}"#
            ),
        ] {
            let reply = try await harness.send(.post, path, body, key: key)
            #expect(reply.status == 200, "\(reply.text)")
        }
    }

    private static func kinds(_ reply: Harness.Reply) -> [String] {
        (reply.json["expirations"]?.slice.elements ?? []).compactMap { JSONObject($0).text(at: "kind") }
    }

    @Test func `what ends is told in order, page by page, to its workspace alone`() async throws {
        try await Harness.run { harness in
            let (one, two) = (try await harness.tenant("one"), try await harness.tenant("two"))
            try await Self.fill(harness, key: one.key)
            let all = try await harness.send(.get, "/expirations", key: one.key)
            #expect(Self.kinds(all) == ["credential", "api_key", "client_secret"])
            #expect(!all.text.contains("hidden"))
            let first = JSONObject(try #require(all.json["expirations"]?.slice.elements.first))
            #expect(first.text(at: "expires_at") == "2023-11-19T00:00:00.000000Z")
            #expect(first.text(at: "subject_id")?.hasPrefix("cred_") == true)
            #expect(first.text(at: "label") == "Cred")
            #expect(first["connection_ids"]?.string == "[]")
            #expect(first["renews_itself"]?.string == "false")

            var found: [String] = []
            var cursor = ""
            repeat {
                let page = try await harness.send(.get, "/expirations?limit=1\(cursor)", key: one.key)
                found += Self.kinds(page)
                cursor = page.string("next_cursor").map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty && found.count < 10
            #expect(found == Self.kinds(all))

            let week = try await harness.send(.get, "/expirations?within=7d", key: one.key)
            #expect(Self.kinds(week) == ["credential"])
            let keys = try await harness.send(.get, "/expirations?kind=api_key", key: one.key)
            #expect(Self.kinds(keys) == ["api_key"])
            let foreign = try await harness.send(.get, "/expirations", key: two.key)
            #expect(Self.kinds(foreign) == [])
            harness.clock.advance(seconds: 6 * 86_400)
            let later = try await harness.send(.get, "/expirations", key: one.key)
            #expect(Self.kinds(later) == ["api_key", "client_secret"])
        }
    }

    @Test func `a key without the permission to read sees nothing`() async throws {
        try await Harness.run { harness in
            let tenant = try await harness.tenant("one", permissions: ["write"])
            #expect(try await harness.send(.get, "/expirations", key: tenant.key).status == 403)
        }
    }

    @Test func `an instance-wide key sees its own kind's ends, in any workspace`() async throws {
        try await Harness.run { harness in
            let tenant = try await harness.tenant("one")
            let reply = try await harness.send(.get, "/expirations?kind=jwt_key")
            #expect(reply.status == 200)
            #expect(Self.kinds(try await harness.send(.get, "/expirations", key: tenant.key)) == [])
        }
    }

    // MARK: The end of a client's secret

    @Test func `the end of a client secret is kept, cleared, and goes with the secret`() async throws {
        try await Harness.run { harness in
            let reply = try await harness.send(
                .post, "/oauth/apps",
                #"{"integration":"linear","client_id":"c","client_secret":"s3cret","client_secret_expires_at":"2023-12-01T00:00:00+01:00"}"#
            )
            #expect(reply.string("client_secret_expires_at") == "2023-11-30T23:00:00.000000Z")
            let id = reply.string("id") ?? ""
            func put(_ body: String) async throws -> String? {
                let reply = try await harness.send(.put, "/oauth/apps/\(id)", body)
                #expect(reply.status == 200, "\(reply.text)")
                return reply.string("client_secret_expires_at")
            }
            #expect(try await put(#"{"label":"x"}"#) == "2023-11-30T23:00:00.000000Z")
            #expect(try await put(#"{"client_secret":"another"}"#) == nil)
            #expect(
                try await put(#"{"client_secret":"third","client_secret_expires_at":"2024-01-01T00:00:00Z"}"#)
                    == "2024-01-01T00:00:00.000000Z")
            #expect(try await put(#"{"client_secret_expires_at":null}"#) == nil)
            let bad = try await harness.send(
                .put, "/oauth/apps/\(id)", #"{"client_secret_expires_at":"soon"}"#)
            #expect(bad.status == 422)
            #expect(bad.text.contains("datetime_parsing"))
        }
    }

    // MARK: Keys of an issuer

    @Test func `an issuer's keys end when it says so`() async throws {
        var key = try await IssuerKey.es256("a").jwk
        key.replaceSubrange(key.startIndex...key.startIndex, with: #"{"exp":1800000000,"#)
        let other = try await IssuerKey.edDSA("b")
        let scene = try await IssuerKeysTests.Scene(#"{"keys":[\#(key),\#(other.jwk)]}"#)
        #expect(try await scene.status(other) == 200)
        let ends = scene.verifier.expirations
        #expect(
            ends == [
                Expiration(
                    .jwtKey, of: "a", at: Timestamp(microseconds: 1_800_000_000_000_000), label: "https://issuer",
                    renewsItself: false)
            ])
    }

    @Test(arguments: [
        Expiration.Place(time: Timestamp(microseconds: 1_700_000_000_000_001), kind: .apiKey, subject: "key_1"),
        Expiration.Place(
            time: Timestamp(microseconds: -5), kind: .jwtKey, subject: "a key / with + signs = and spaces"),
        Expiration.Place(time: Timestamp(microseconds: 0), kind: .jwtKey, subject: ""),
    ])
    func `a place comes back from its cursor`(_ place: Expiration.Place) {
        let cursor = ExpirationCursor.encode(place)
        #expect(
            cursor.utf8.allSatisfy { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") })
        #expect(ExpirationCursor.decode(cursor) == place)
    }

    @Test(arguments: ["", "e1_", "e2_MTIz", "e1_MTIz", "e1_!!!", "e1_" + String(repeating: "A", count: 2_000)])
    func `what is no cursor is refused`(_ text: String) {
        #expect(ExpirationCursor.decode(text) == nil)
    }
}
