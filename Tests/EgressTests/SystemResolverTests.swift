import Connections
import Testing

@testable import Egress

@Suite struct SystemResolverTests {
    /// What looks like a name and is an address to the platform comes out as the address that it is.
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0x7f000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"), ("0", "0.0.0.0"), ("::1", "::1"), ("0x08.8.2056", "8.8.8.8"),
    ])
    func disguises(_ host: String, _ address: String) async throws {
        let resolver = SystemResolver(threads: 1)
        defer { resolver.close() }
        #expect(try await resolver.addresses(of: host, port: 443) == [try #require(IPAddress(address))])
    }

    @Test(arguments: ["256.256.256.256.256", "host with spaces", "a..b", String(repeating: "a", count: 300)])
    func noNames(_ host: String) async throws {
        let resolver = SystemResolver(threads: 1)
        defer { resolver.close() }
        let addresses = (try? await resolver.addresses(of: host, port: 443)) ?? []
        #expect(addresses.isEmpty)
    }

    @Test func localhost() async throws {
        let resolver = SystemResolver()
        defer { resolver.close() }
        let addresses = try await resolver.addresses(of: "localhost", port: 80)
        #expect(!addresses.isEmpty)
        #expect(!addresses.contains { SpecialPurposeAddresses.isPublicUnicast($0) })
        #expect(Set(addresses).count == addresses.count)
    }

    @Test func mappedAddressesAreNotHonest() async throws {
        let resolver = SystemResolver(threads: 1)
        defer { resolver.close() }
        #expect(try await resolver.addresses(of: "::ffff:8.8.8.8", port: 443).isEmpty)
    }

    @Test func closed() async throws {
        let resolver = SystemResolver(threads: 1)
        resolver.close()
        await #expect(throws: EgressError.closed) { try await resolver.addresses(of: "127.0.0.1", port: 80) }
    }

    @Test func aTimeoutIsNoAnswer() async {
        let resolver = SystemResolver(threads: 1, timeout: .zero)
        defer { resolver.close() }
        do {
            // The answer may be there before anybody waits.
            #expect(try await resolver.addresses(of: "127.0.0.1", port: 80).count == 1)
        } catch {
            #expect(error as? EgressError == .nameNotResolved)
        }
    }
}
