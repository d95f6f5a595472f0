import Connections
import Egress
import Testing

/// Addresses for clients that speak something else than HTTP.
@Suite struct AddressesTests {
    private static let names = [
        "db.example.test": ["8.8.8.8", "10.0.0.1", "2001:4860:4860::8888"], "inside.example.test": ["10.0.0.1"],
        "opened.example.test": ["127.0.0.1"],
    ]

    @Test(arguments: [
        ("db.example.test", ["8.8.8.8", "2001:4860:4860::8888"]),
        ("DB.example.test", ["8.8.8.8", "2001:4860:4860::8888"]),
        ("opened.example.test", ["127.0.0.1"]), ("127.0.0.1", ["127.0.0.1"]), ("8.8.8.8", ["8.8.8.8"]),
        ("2001:4860:4860::8888", ["2001:4860:4860::8888"]), ("[2001:4860:4860::8888]", ["2001:4860:4860::8888"]),
    ])
    func permitted(_ host: String, _ addresses: [String]) async throws {
        try await Door.open(allowing: ["probe=127.0.0.1/32:5432"], resolver: StubResolver(Self.names)) { egress in
            let found = try await egress.addresses(of: host, port: 5_432, purpose: .probe, timeout: .seconds(30))
            #expect(found == addresses.compactMap { IPAddress($0) })
        }
    }

    @Test(arguments: [
        ("inside.example.test", 5_432, EgressError.destinationRefused), ("127.0.0.1", 5_433, .destinationRefused),
        ("169.254.169.254", 80, .destinationRefused), ("::1", 5_432, .destinationRefused),
        ("::ffff:8.8.8.8", 5_432, .destinationRefused), ("nowhere.example.test", 5_432, .nameNotResolved),
        ("", 5_432, .invalidURL), ("a b", 5_432, .invalidURL), ("/run/postgresql", 5_432, .invalidURL),
        ("user@db.example.test", 5_432, .invalidURL), ("db.example.test/x", 5_432, .invalidURL),
        ("db.example.test?x", 5_432, .invalidURL), ("db.example.test", 0, .invalidURL),
        ("db.example.test", 65_536, .invalidURL), ("db.example.test:1", 5_432, .invalidURL),
    ])
    func refused(_ host: String, _ port: Int, _ error: EgressError) async throws {
        try await Door.open(allowing: ["probe=127.0.0.1/32:5432"], resolver: StubResolver(Self.names)) { egress in
            _ = await #expect(throws: error) {
                try await egress.addresses(of: host, port: port, purpose: .probe, timeout: .seconds(30))
            }
        }
    }

    @Test func ofOnePurposeOnly() async throws {
        try await Door.open(allowing: ["probe=127.0.0.1/32:5432"]) { egress in
            _ = await #expect(throws: EgressError.destinationRefused) {
                try await egress.addresses(of: "127.0.0.1", port: 5_432, purpose: .webhook, timeout: .seconds(30))
            }
        }
    }

    @Test func endsAtTheDeadline() async throws {
        try await Door.open(resolver: SilentResolver()) { egress in
            _ = await #expect(throws: EgressError.timedOut) {
                try await egress.addresses(
                    of: "db.example.test", port: 5_432, purpose: .probe, timeout: .milliseconds(100))
            }
        }
    }
}
