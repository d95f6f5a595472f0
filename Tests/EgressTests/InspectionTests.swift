import Connections
import NIOSSL
import Synchronization
import Testing

@testable import Egress

@Suite struct InspectionTests {
    private static let name = "api.example.test"

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// Before the port of the server.
        let url: String
        var addresses = ["127.0.0.1"]
        var isTrusted = true
        let phases: [EgressInspection.Phase.Kind]
        var error: EgressError?
        var fitsHost: Bool?
    }

    @Test(arguments: [
        Case(
            testDescription: "all is well", url: "https://\(name)", phases: [.dns, .connect, .tls], fitsHost: true),
        Case(testDescription: "an address", url: "https://127.0.0.1", phases: [.connect, .tls], fitsHost: true),
        Case(
            testDescription: "the second address", url: "https://\(name)", addresses: ["127.0.0.9", "127.0.0.1"],
            phases: [.dns, .connect, .tls], fitsHost: true),
        Case(
            testDescription: "another name", url: "https://b.example.test", phases: [.dns, .connect, .tls],
            error: .tlsFailed, fitsHost: false),
        Case(
            testDescription: "an authority unknown", url: "https://\(name)", isTrusted: false,
            phases: [.dns, .connect, .tls], error: .tlsFailed, fitsHost: true),
        Case(testDescription: "without TLS", url: "http://\(name)", phases: [.dns, .connect]),
        Case(
            testDescription: "nobody there", url: "https://\(name)", addresses: ["127.0.0.9"],
            phases: [.dns, .connect], error: .connectFailed),
        Case(
            testDescription: "an unknown name", url: "https://nowhere.example.test", phases: [.dns],
            error: .nameNotResolved),
    ])
    func ways(_ expected: Case) async throws {
        let server = try await ScriptedServer(
            prepare: try Certificates.server { _ in }, answer: { _ in .http() })
        defer { server.stop() }
        let resolver = StubResolver([Self.name: expected.addresses, "b.example.test": expected.addresses])
        try await Certificates.withFile(Certificates.authority) { roots in
            try await Door.open(
                allowing: ["127.0.0.0/24:\(server.port)"], resolver: resolver, roots: expected.isTrusted ? roots : nil
            ) { egress in
                let inspection = await egress.inspect(
                    "\(expected.url):\(server.port)/path", purpose: .probe, timeout: .seconds(30))
                #expect(inspection.refusal == nil)
                #expect(inspection.phases.map(\.kind) == expected.phases)
                #expect(inspection.phases.dropLast().allSatisfy { $0.error == nil && $0.milliseconds >= 0 })
                #expect(inspection.error == expected.error)
                #expect(inspection.certificate?.fitsHost == expected.fitsHost)
                #expect(inspection.certificate.map(\.isTrusted) == expected.fitsHost.map { _ in expected.isTrusted })
                if let certificate = inspection.certificate {
                    #expect(!certificate.isSelfSigned)
                    #expect(certificate.notBefore == Timestamp(rfc3339: "2026-11-23T17:36:26Z"))
                    #expect(certificate.notAfter == Timestamp(rfc3339: "2126-10-30T17:36:26Z"))
                }
            }
        }
        #expect(server.requests.isEmpty)
    }

    @Test func theNameIsShownToTheServer() async throws {
        let names = Mutex<[String?]>([])
        let server = try await ScriptedServer(
            prepare: try Certificates.server { name in names.withLock { $0.append(name) } }, answer: { _ in .http() })
        defer { server.stop() }
        let resolver = StubResolver([Self.name: ["127.0.0.1"]])
        try await Door.open(allowing: [server.allowance], resolver: resolver) { egress in
            for host in [Self.name, "127.0.0.1"] {
                _ = await egress.inspect("https://\(host):\(server.port)", purpose: .probe, timeout: .seconds(30))
            }
        }
        #expect(names.withLock { $0 } == [Self.name, nil])
        #expect(server.connections == 2)
    }

    /// Nothing is told of what may not be reached, not even how long it took.
    @Test(arguments: [
        ("https://10.0.0.1/", EgressError.destinationRefused), ("https://[::1]/", .destinationRefused),
        ("https://[::ffff:8.8.8.8]/", .destinationRefused), ("https://inside.example.test/", .destinationRefused),
        ("http://public.example.test/", .destinationRefused), ("ftp://127.0.0.1/", .invalidURL), ("", .invalidURL),
    ])
    func refused(_ url: String, _ refusal: EgressError) async throws {
        let resolver = StubResolver(["inside.example.test": ["192.168.0.1"], "public.example.test": ["8.8.8.8"]])
        try await Door.open(resolver: resolver) { egress in
            let inspection = await egress.inspect(url, purpose: .probe, timeout: .seconds(30))
            #expect(inspection.refusal == refusal)
            #expect(inspection.phases.isEmpty)
            #expect(inspection.certificate == nil)
        }
    }

    struct Silence: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let answer: ScriptedServer.Answer
        let error: EgressError
        let timeout: Duration
    }

    @Test(arguments: [
        Silence(testDescription: "says nothing", answer: .silence, error: .timedOut, timeout: .seconds(3)),
        Silence(
            testDescription: "speaks plainly", answer: .bytes(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)),
            error: .tlsFailed, timeout: .seconds(60)),
        Silence(testDescription: "hangs up", answer: .bytesThenClose([]), error: .tlsFailed, timeout: .seconds(60)),
    ])
    func noHandshake(_ expected: Silence) async throws {
        // It takes whatever comes for a request.
        let server = try await RawServer(expected.answer)
        defer { server.stop() }
        try await Door.open(allowing: ["127.0.0.1/32:\(server.port)"]) { egress in
            let inspection = await egress.inspect(
                "https://127.0.0.1:\(server.port)", purpose: .probe, timeout: expected.timeout)
            #expect(inspection.phases.map(\.kind) == [.connect, .tls])
            #expect(inspection.error == expected.error)
            #expect(inspection.certificate == nil)
        }
    }

    @Test func behindAProxyThereIsNothingToSee() async throws {
        let proxy = try await ScriptedServer { _ in .http(403) }
        defer { proxy.stop() }
        let resolver = StubResolver([Self.name: ["8.8.8.8"]])
        try await Door.open(resolver: resolver, proxy: proxy.origin) { egress in
            let inspection = await egress.inspect("https://\(Self.name)/", purpose: .probe, timeout: .seconds(30))
            #expect(inspection.phases.isEmpty && inspection.refusal == nil && inspection.certificate == nil)
            let refused = await egress.inspect("https://10.0.0.1/", purpose: .probe, timeout: .seconds(30))
            #expect(refused.refusal == .destinationRefused)
        }
        #expect(proxy.connections == 0)
    }

    @Test func aNameThatIsNeverResolved() async throws {
        try await Door.open(resolver: SilentResolver()) { egress in
            let inspection = await egress.inspect("https://\(Self.name)/", purpose: .probe, timeout: .milliseconds(100))
            #expect(inspection.phases.map(\.kind) == [.dns])
            #expect(inspection.error == .timedOut)
        }
    }

    @Test(arguments: [([UInt8](), false), ([0x30, 0x80], false), ([0x30, 0x03, 0x30, 0x01, 0x02], false)])
    func noCertificate(_ bytes: [UInt8], _ isSelfIssued: Bool) {
        #expect(PeerCertificate.isSelfIssued(bytes) == isSelfIssued)
    }

    @Test func anAuthorityIssuesItself() throws {
        let authority = try NIOSSLCertificate.fromPEMBytes(Array(Certificates.authority.utf8))
        #expect(try PeerCertificate.isSelfIssued(#require(authority.first).toDERBytes()))
    }
}
