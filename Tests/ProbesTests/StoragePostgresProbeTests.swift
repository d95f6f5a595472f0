import Connections
import Egress
import LosslessJSON
import TestSupport
import Testing

@testable import Probes

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a server on loopback may do to us; a real one is asked in the end-to-end tests.
@Suite(.serialized) struct StoragePostgresProbeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let expected: Expected
        var tls: PostgresStandIn.TLS
        var parameters: String
        var limits: ProbeLimits
        let answer: @Sendable (Int, [UInt8]) -> PostgresStandIn.Answer

        init(
            _ description: String, _ expected: Expected, tls: PostgresStandIn.TLS = .bytes(Array("N".utf8)),
            parameters: String = "",
            limits: ProbeLimits = ProbeLimits(), _ answer: @escaping @Sendable (Int, [UInt8]) -> PostgresStandIn.Answer
        ) {
            testDescription = description
            self.expected = expected
            self.tls = tls
            self.parameters = parameters
            self.limits = limits
            self.answer = answer
        }
    }

    struct CertificateCase: CustomTestStringConvertible, Sendable {
        var testDescription: String { "\(certificate)\(isTrusted ? "" : " of an unknown authority"), \(mode)" }
        let certificate: Certificates
        let mode: String
        var isTrusted = true
        var expected = Expected(.valid, .protocol, "verified")
        var ends = "2119-12-08T00:00:00Z"
    }

    @Test(arguments: cases)
    func ends(_ given: Case) async throws {
        let server = try await PostgresStandIn(tls: given.tls, answer: given.answer)
        defer { server.stop() }
        try await Lab.open { egress in
            let start = ContinuousClock.now
            let report = await PostgreSQLProbe(egress: egress, now: Lab.now, limits: given.limits)
                .report(on: try Self.target("api.example.test:\(server.port)/d?\(given.parameters)"))
            given.expected.check(report)
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }

    @Test func whoWeAreThere() async throws {
        let server = try await PostgresStandIn(answer: Self.talk(row: ["app", "orders", "f"]))
        defer { server.stop() }
        try await Lab.open { egress in
            let report = await PostgreSQLProbe(egress: egress, now: Lab.now)
                .report(on: try Self.target("api.example.test:\(server.port)/d"))
            Expected(.valid, .protocol, "verified").check(report)
            #expect(report.layers.map(\.layer) == [.dns, .connect, .auth, .protocol])
            #expect(report.layers.allSatisfy { $0.milliseconds != nil })
            #expect(report.account?.label == "app@orders")
            #expect(report.account?.subject == "4:acme16:api.example.test5:\(server.port)6:orders3:app")
        }
        let question = String(decoding: try #require(server.messages.dropFirst(2).first), as: UTF8.self)
        #expect(question.hasPrefix("QBEGIN READ ONLY; SET LOCAL ") && question.hasSuffix("; COMMIT\0"))
    }

    @Test(arguments: certificateCases)
    func certificates(_ given: CertificateCase) async throws {
        let server = try await PostgresStandIn(tls: .real(given.certificate), answer: Self.talk(row: ["u", "d"]))
        defer { server.stop() }
        try await Certificates.withRoots { roots in
            try await Lab.open(roots: given.isTrusted ? roots : nil) { egress in
                let report = await PostgreSQLProbe(egress: egress, now: Lab.now)
                    .report(on: try Self.target("api.example.test:\(server.port)/d?sslmode=\(given.mode)"))
                given.expected.check(report)
                #expect(report.certificateExpiresAt == Timestamp(rfc3339: given.ends))
                #expect(report.layers.prefix(3).map(\.layer) == [.dns, .connect, .tls])
                #expect(report.layers.prefix(3).allSatisfy { $0.milliseconds != nil })
            }
        }
        // Neither user nor password comes to whom nobody trusts.
        #expect(server.messages.isEmpty == (given.expected.verdict != .valid))
    }

    /// Everything that libpq knows of the environment says something else, and nothing of it arrives. In a process of its own,
    /// since an environment is not changed beside others who read it.
    @Test func theEnvironmentChangesNothing() async {
        await #expect(processExitsWith: .success) {
            for name in Self.variables { setenv(name, "canary", 1) }
            setenv("PGSSLMODE", "verify-full", 1)
            setenv("PGHOSTADDR", "192.0.2.1", 1)
            setenv("PGOPTIONS", "-c canary=1", 1)
            let server = try await PostgresStandIn { number, _ in
                number == 0 ? .bytes(PostgresMessage.request(3)) : .bytesThenClose(PostgresMessage.error("28P01"))
            }
            try await Lab.open { egress in
                for userInfo in ["u:pw", "u"] {
                    let report = await PostgreSQLProbe(egress: egress, now: Lab.now)
                        .report(on: try Self.target("127.0.0.1:\(server.port)/d", as: userInfo))
                    #expect(report.reasonCode == "credential_rejected")
                }
            }
            // Without a password nothing is sent, whatever the environment has.
            let messages = server.messages.map { String(decoding: $0, as: UTF8.self) }
            #expect(messages.filter { $0.hasPrefix("p") } == ["ppw\0"])
            let start = "\0\u{3}\0\0user\0u\0database\0d\0application_name\0patchbay\0client_encoding\0UTF8\0\0"
            #expect(messages.filter { !$0.hasPrefix("p") } == [start, start])
        }
    }

    /// Those of libpq 18 and before.
    private static let variables = [
        "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGPASSFILE", "PGSERVICE",
        "PGSERVICEFILE", "PGOPTIONS", "PGAPPNAME", "PGSSLMODE", "PGREQUIRESSL", "PGSSLCERT", "PGSSLKEY",
        "PGSSLROOTCERT", "PGSSLCRL", "PGSSLCRLDIR", "PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION",
        "PGSSLCERTMODE", "PGSSLNEGOTIATION", "PGSSLSNI", "PGSSLCOMPRESSION", "PGGSSENCMODE", "PGKRBSRVNAME",
        "PGGSSLIB", "PGGSSDELEGATION", "PGCHANNELBINDING", "PGREQUIREAUTH", "PGTARGETSESSIONATTRS",
        "PGLOADBALANCEHOSTS", "PGCONNECT_TIMEOUT", "PGCLIENTENCODING", "PGDATESTYLE", "PGTZ", "PGGEQO",
        "PGREQUIREPEER", "PGMINPROTOCOLVERSION", "PGMAXPROTOCOLVERSION", "PGSYSCONFDIR", "PGLOCALEDIR",
    ]

    /// One of them has `options` and another `host`, so that no login would be the same.
    @Test(arguments: StoragePostgresLoginTests.unsupported.prefix(8) + ["postgresql://u:p@h:0/d"])
    func whatIsRefusedAsksNobody(_ text: String) async throws {
        try await Lab.open(allowing: []) { egress in
            let report = await PostgreSQLProbe(egress: egress, now: Lab.now)
                .report(on: Self.target(connectionString: text))
            #expect(report.verdict == .invalid && report.layers.map(\.layer) == [.protocol])
            #expect(["unsupported_parameter", "malformed_connection_string"].contains(report.reasonCode))
        }
    }

    @Test(arguments: ["10.0.0.1", "inside.example.test", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]"])
    func noPortScanner(_ host: String) async throws {
        try await Lab.open(allowing: []) { egress in
            let report = await PostgreSQLProbe(egress: egress, now: Lab.now).report(on: try Self.target("\(host)/d"))
            Expected(.inconclusive, nil, "destination_refused").check(report)
        }
    }

    @Test(arguments: [
        ("db.example.test/d", "postgresql://db.example.test:5432"),
        ("db.example.test:6432/d", "postgresql://db.example.test:6432"),
        ("h1,h2/d", nil),
    ])
    func hiddenOrigin(_ rest: String, _ expected: String?) async throws {
        try await Lab.open { egress in
            let target = try Self.target(rest)
            #expect(ProbeService(egress: egress, now: Lab.now).hiddenOrigin(of: target) == expected)
        }
    }

    @Test func nobodyThere() async throws {
        let port = try DeafPort()
        defer { withExtendedLifetime(port) {} }
        try await Lab.open { egress in
            let probe = PostgreSQLProbe(egress: egress, now: Lab.now)
            Expected(.inconclusive, .connect, "connection_failed", unreachable: true)
                .check(await probe.report(on: try Self.target("127.0.0.1:\(port.number)/d")))
            Expected(.inconclusive, .dns, "name_not_resolved", unreachable: true)
                .check(await probe.report(on: try Self.target("nowhere.example.test/d")))
        }
    }

    @Test func whoIsCancelledDoesNotWait() async throws {
        let server = try await PostgresStandIn { _, _ in .silence }
        defer { server.stop() }
        try await Lab.open { egress in
            let target = try Self.target("127.0.0.1:\(server.port)/d")
            let start = ContinuousClock.now
            let task = Task { await PostgreSQLProbe(egress: egress, now: Lab.now).report(on: target) }
            while server.messages.isEmpty { await Task.yield() }
            task.cancel()
            Expected(.inconclusive, .auth, "cancelled").check(await task.value)
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test func mostOfManyEndInTime() async throws {
        let server = try await PostgresStandIn(answer: Self.talk(row: ["u", "d"]))
        defer { server.stop() }
        try await Lab.open { egress in
            let target = try Self.target("127.0.0.1:\(server.port)/d")
            let probe = PostgreSQLProbe(egress: egress, now: Lab.now)
            let reasons = await withTaskGroup(of: String.self) { group in
                for _ in 0..<64 { group.addTask { await probe.report(on: target).reasonCode } }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(reasons == ["verified": 64])
        }
    }

    // MARK: Targets and servers

    private static func target(_ rest: String, as userInfo: String = "u:\(Lab.secret)") throws -> ProbeTarget {
        target(connectionString: "postgresql://\(userInfo)@\(rest)")
    }

    private static func target(connectionString: String) -> ProbeTarget {
        let method = AuthMethod(
            id: "connection_string", name: "Connection string", scheme: .connectionString,
            authType: .connectionString, description: "",
            fields: [
                Field(
                    key: "connection_string", label: "Connection String", kind: .password, isRequired: true,
                    isSecure: true)
            ])
        let integration = Integration(
            id: "acme", name: "Acme", type: .storage, category: "test", description: "", docsURL: "", baseURL: nil,
            destinationKeys: [], authMethods: [method], configFields: [], probe: .postgresql)
        var data = JSONObject()
        data["connection_string"] = JSONText(connectionString)
        return ProbeTarget(integration: integration, method: method, config: JSONObject(), data: data, depth: .full)
    }

    /// Asks for a password, takes it, and answers a question with a row.
    static func talk(row: [String]) -> @Sendable (Int, [UInt8]) -> PostgresStandIn.Answer {
        { number, message in
            switch number {
            case 0: .bytes(PostgresMessage.request(3))
            case 1: .bytes(PostgresMessage.welcome)
            default: message.first == UInt8(ascii: "Q") ? .bytes(PostgresMessage.row(row)) : .silence
            }
        }
    }
}
