import Connections
import Synchronization
import Testing

@testable import Egress

@Suite struct TLSTests {
    private static let name = "api.example.test"

    @Test func theNameIsKeptForTLSAndForTheHostHeader() async throws {
        let names = Mutex<[String?]>([])
        let server = try await ScriptedServer(
            prepare: try Certificates.server { name in names.withLock { $0.append(name) } }, answer: { _ in .http() })
        defer { server.stop() }
        try await Certificates.withFile(Certificates.authority) { roots in
            let resolver = StubResolver([Self.name: ["127.0.0.1"]])
            try await Door.open(allowing: [server.allowance], resolver: resolver, roots: roots) { egress in
                #expect(await egress.outcome(of: "https://\(Self.name):\(server.port)/") == .status(200))
            }
        }
        #expect(names.withLock { $0 } == [Self.name])
        #expect(server.requests.map { $0.header("host") } == ["\(Self.name):\(server.port)"])
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let host: String
        let addresses: [String]
        var isTrusted = true
        let outcome: Outcome
    }

    @Test(arguments: [
        Case(testDescription: "the name", host: name, addresses: ["127.0.0.1"], outcome: .status(200)),
        Case(
            testDescription: "the name elsewhere", host: name, addresses: ["127.0.0.9"],
            outcome: .failed(.connectFailed)),
        Case(
            testDescription: "another name", host: "b.example.test", addresses: ["127.0.0.1"],
            outcome: .failed(.tlsFailed)),
        Case(
            testDescription: "a name below", host: "x.\(name)", addresses: ["127.0.0.1"], outcome: .failed(.tlsFailed)),
        Case(testDescription: "its address", host: "127.0.0.1", addresses: [], outcome: .status(200)),
        Case(
            testDescription: "an authority unknown", host: name, addresses: ["127.0.0.1"], isTrusted: false,
            outcome: .failed(.tlsFailed)),
    ])
    func whoIsTrusted(_ expected: Case) async throws {
        let server = try await ScriptedServer(
            prepare: try Certificates.server { _ in }, answer: { _ in .http() })
        defer { server.stop() }
        try await Certificates.withFile(Certificates.authority) { roots in
            try await Door.open(
                allowing: ["127.0.0.0/8:\(server.port)"], resolver: StubResolver([expected.host: expected.addresses]),
                roots: expected.isTrusted ? roots : nil
            ) { egress in
                #expect(await egress.outcome(of: "https://\(expected.host):\(server.port)/") == expected.outcome)
            }
        }
        #expect(server.requests.count == (expected.outcome == .status(200) ? 1 : 0))
    }

    @Test(arguments: [
        ("example.test", "example.test", true), ("EXAMPLE.Test", "example.test", true),
        ("*.example.test", "a.example.test", true), ("*.Example.test", "a.example.test", true),
        ("*.example.test", "example.test", false), ("*.example.test", "a.b.example.test", false),
        ("*.example.test", ".example.test", true), ("a*.example.test", "ab.example.test", false),
        ("a.*.test", "a.b.test", false), ("*", "test", false), ("*.", "test", false), ("", "test", false),
        ("example.test.", "example.test", false), ("example.test\0.evil.test", "example.test", false),
        ("other.test", "example.test", false), ("xn--a.test", "xn--a.test", true),
    ])
    func namesInCertificates(_ name: String, _ host: String, _ covers: Bool) {
        #expect(PeerCheck.covers(name.utf8, host) == covers)
    }

    @Test(arguments: ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
    func rootsThatCannotBeRead(_ text: String) async throws {
        await #expect(throws: EgressConfigurationError.unreadableRoots) {
            try await Certificates.withFile(text) { roots in try await Door.open(roots: roots) { _ in } }
        }
        await #expect(throws: EgressConfigurationError.unreadableRoots) {
            try await Door.open(roots: "/nonexistent/roots.pem") { _ in }
        }
    }
}
