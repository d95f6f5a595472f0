import Connections
import Testing

@testable import Egress

/// What a name server may say to lead a request elsewhere.
@Suite struct HostileAnswerTests {
    private static let name = "api.example.test"

    @Test(arguments: [
        ["127.0.0.1"], ["127.0.0.2"], ["127.255.255.255"], ["0.0.0.0"], ["0.1.2.3"], ["10.0.0.1"], ["10.255.255.255"],
        ["100.64.0.0"], ["100.127.255.255"], ["100.100.100.200"], ["168.63.129.16"], ["169.254.0.1"],
        ["169.254.169.254"], ["169.254.170.2"], ["172.16.0.1"], ["172.31.255.255"], ["192.0.0.1"], ["192.0.0.170"],
        ["192.0.2.1"], ["192.31.196.1"], ["192.52.193.1"], ["192.88.99.1"], ["192.168.1.1"], ["192.175.48.1"],
        ["198.18.0.1"], ["198.19.255.255"], ["198.51.100.1"], ["203.0.113.1"], ["224.0.0.251"], ["240.0.0.1"],
        ["255.255.255.255"], ["::"], ["::1"], ["::2"], ["::127.0.0.1"], ["::ffff:127.0.0.1"], ["::ffff:10.0.0.1"],
        ["::ffff:169.254.169.254"], ["64:ff9b::1"], ["64:ff9b::127.0.0.1"], ["64:ff9b::8.8.8.8"], ["64:ff9b:1::1"],
        ["100::1"], ["100:0:0:1::1"], ["2001::1"], ["2001:1::1"], ["2001:2::1"], ["2001:3::1"], ["2001:4:112::1"],
        ["2001:10::1"], ["2001:20::1"], ["2001:30::1"], ["2001:db8::1"], ["2002::1"], ["2002:7f00:1::1"],
        ["2620:4f:8000::1"], ["3fff::1"], ["4000::1"], ["5f00::1"], ["8000::1"], ["fc00::1"], ["fd00:ec2::254"],
        ["fd20:ce::254"], ["fe80::1"], ["febf::1"], ["fec0::1"], ["ff02::1"], ["ff0e::1"],
        ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"], ["127.0.0.1", "::1"], ["0.0.0.0", "::", "127.0.0.1"],
        ["fd00::1", "10.0.0.1", "169.254.169.254", "::1"],
    ])
    func isRefused(_ answer: [String]) async throws {
        try await Door.open(resolver: StubResolver([Self.name: answer])) { egress in
            #expect(await egress.outcome(of: "https://\(Self.name)/") == .failed(.destinationRefused))
            #expect(await egress.outcome(of: "http://\(Self.name)/") == .failed(.destinationRefused))
            #expect(await egress.outcome(of: "https://\(Self.name):8443/") == .failed(.destinationRefused))
        }
    }

    @Test(arguments: [[], ["nonsense"]])
    func isNoAnswer(_ answer: [String]) async throws {
        try await Door.open(resolver: StubResolver([Self.name: answer])) { egress in
            #expect(await egress.outcome(of: "https://\(Self.name)/") == .failed(.nameNotResolved))
            #expect(await egress.outcome(of: "https://unknown.example.test/") == .failed(.nameNotResolved))
        }
    }

    /// Among many addresses only those are tried that pass.
    @Test(arguments: [
        ["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"], ["10.0.0.1", "169.254.169.254", "::1", "127.0.0.1"],
        ["127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.0.1"], ["0.0.0.0", "127.0.0.1"],
        ["::ffff:127.0.0.2", "127.0.0.1"], ["::ffff:127.0.0.1"], ["8.8.8.8", "127.0.0.1"],
    ])
    func onlyThePermittedOneIsReached(_ answer: [String]) async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        let other = try await ScriptedServer(on: "127.0.0.2", port: server.port) { _ in .http() }
        defer { other.stop() }
        try await Door.open(allowing: [server.allowance], resolver: StubResolver([Self.name: answer])) { egress in
            #expect(await egress.outcome(of: "http://\(Self.name):\(server.port)/") == .status(200))
        }
        #expect(server.connections == 1)
        #expect(other.connections == 0)
    }

    /// A name that points out and in by turns: whatever is checked is where the request goes.
    @Test func aNameThatAlternates() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        let inside = try await ScriptedServer(on: "127.0.0.2", port: server.port) { _ in .http() }
        defer { inside.stop() }
        let rounds = 40
        let resolver = StubResolver([
            Self.name: (0..<rounds).map { $0.isMultiple(of: 2) ? ["127.0.0.1"] : ["127.0.0.2"] }
        ])
        let clock = ManualClock()
        try await Door.open(allowing: [server.allowance], resolver: resolver, clock: clock) { egress in
            for round in 0..<rounds {
                let outcome = await egress.outcome(of: "http://\(Self.name):\(server.port)/")
                #expect(outcome == (round.isMultiple(of: 2) ? .status(200) : .failed(.destinationRefused)))
                clock.advance(by: .seconds(10))
            }
        }
        #expect(resolver.questions.count == rounds)
        #expect(server.requests.count == rounds / 2)
        #expect(inside.connections == 0)
    }

    /// Kept connections and clients of one address do not serve a name that moved to another.
    @Test func aNameThatMoves() async throws {
        let before = try await ScriptedServer { _ in .http(201) }
        defer { before.stop() }
        let after = try await ScriptedServer(on: "127.0.0.2", port: before.port) { _ in .http(202) }
        defer { after.stop() }
        let resolver = StubResolver([Self.name: [["127.0.0.1"], ["127.0.0.2"]]])
        let clock = ManualClock()
        try await Door.open(allowing: ["127.0.0.0/8:\(before.port)"], resolver: resolver, clock: clock) { egress in
            #expect(await egress.outcome(of: "http://\(Self.name):\(before.port)/") == .status(201))
            clock.advance(by: .seconds(10))
            #expect(await egress.outcome(of: "http://\(Self.name):\(before.port)/") == .status(202))
        }
    }

    @Test func ourOwnListenerIsOutOfReach() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        let own = try #require(IPAddress("127.0.0.1"))
        let resolver = StubResolver([Self.name: ["127.0.0.1"]])
        try await Door.open(
            allowing: ["0.0.0.0/0", "::/0"], forbidding: [(own, port: server.port)], resolver: resolver
        ) { egress in
            #expect(await egress.outcome(of: server.origin) == .failed(.destinationRefused))
            let byName = await egress.outcome(of: "http://\(Self.name):\(server.port)/")
            #expect(byName == .failed(.destinationRefused))
        }
        #expect(server.connections == 0)
    }
}
