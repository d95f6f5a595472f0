import Connections
import Egress
import LosslessJSON
import TestSupport
import Testing

@testable import Probes

@Suite struct RequestProbeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let test: TestRequest
        let answer: LoopbackServer.Answer
        let expected: Expected
        var limits = ProbeLimits()

        init(
            _ description: String, _ answer: LoopbackServer.Answer, _ expected: Expected,
            test: TestRequest = RequestProbeTests.plain, limits: ProbeLimits = ProbeLimits()
        ) {
            testDescription = description
            self.test = test
            self.answer = answer
            self.expected = expected
            self.limits = limits
        }
    }

    @Test(arguments: RequestProbeTests.cases)
    func ends(_ given: Case) async throws {
        let server = try await LoopbackServer { _ in given.answer }
        defer { server.stop() }
        try await Lab.open { egress in
            for depth in [ProbeTarget.Depth.full, .brief] {
                let target = try Lab.target(
                    .request(given.test), at: "http://127.0.0.1:\(server.port)/api/", depth: depth)
                let probe = RequestProbe(egress: egress, now: Lab.now, limits: given.limits)
                let report = await probe.report(on: target, given.test)
                given.expected.check(report)
                #expect(report.layers.contains { $0.layer == .connect } == (depth == .full))
            }
        }
        #expect(server.requests.allSatisfy { $0.path == "/api/me" && $0.method == given.test.method })
        #expect(server.requests.allSatisfy { $0.header("authorization") == "Bearer \(Lab.secret)" })
        // Nothing is followed and nothing is sent twice; who is impatient may not even come to asking.
        #expect(server.requests.count <= 2)
        if given.limits.request > .seconds(1) { #expect(server.requests.count == 2) }
    }

    @Test func everyLayerHasItsTime() async throws {
        let server = try await LoopbackServer { _ in .json(200, [], "{}") }
        defer { server.stop() }
        try await Lab.open { egress in
            let target = try Lab.target(
                .request(Self.plain), at: "http://api.example.test:\(server.port)/api", depth: .full)
            let report = await ProbeService(egress: egress, now: Lab.now).probe(target)
            #expect(report.layers.map(\.layer) == [.dns, .connect, .http, .auth])
            #expect(report.layers.map { $0.milliseconds != nil } == [true, true, true, false])
            #expect(report.httpStatus == 200)
            #expect(report.message == "Acme accepted the bot token.")
        }
    }

    @Test(arguments: [ProbeTarget.Depth.full, .brief])
    func whatIsRefusedTellsNothing(_ depth: ProbeTarget.Depth) async throws {
        try await Lab.open { egress in
            for url in ["http://10.0.0.1", "https://inside.example.test:81", "http://169.254.169.254/latest"] {
                let report = await ProbeService(egress: egress, now: Lab.now).probe(
                    try Lab.target(.request(Self.plain), at: url, depth: depth))
                Expected(.inconclusive, nil, "destination_refused").check(report)
                #expect(report.layers.isEmpty && report.httpStatus == nil)
            }
        }
    }

    @Test func aHangIsSeenWhereItIs() async throws {
        let server = try await LoopbackServer { _ in .silence }
        defer { server.stop() }
        try await Lab.open { egress in
            let probe = RequestProbe(
                egress: egress, now: Lab.now, limits: ProbeLimits(request: .seconds(3), full: .seconds(20)))
            let report = await probe.report(
                on: try Lab.target(.request(Self.plain), at: "http://127.0.0.1:\(server.port)"), Self.plain)
            Expected(.inconclusive, .http, "timed_out", unreachable: true).check(report)
        }
    }

    @Test func noMoreThanItsTimeInAll() async throws {
        let server = try await LoopbackServer { _ in .silence }
        defer { server.stop() }
        try await Lab.open { egress in
            let start = ContinuousClock.now
            let probe = MCPProbe(egress: egress, now: Lab.now, limits: ProbeLimits(full: .milliseconds(300)))
            let report = await probe.report(on: try Lab.target(.mcp, at: "http://127.0.0.1:\(server.port)"))
            #expect(report.verdict == .inconclusive)
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }

    @Test(arguments: [ProbeTarget.Depth.full, .brief])
    func nobodyThere(_ depth: ProbeTarget.Depth) async throws {
        let port = try DeafPort()
        defer { withExtendedLifetime(port) {} }
        try await Lab.open { egress in
            let service = ProbeService(egress: egress, now: Lab.now)
            let refused = await service.probe(
                try Lab.target(.request(Self.plain), at: "http://127.0.0.1:\(port.number)", depth: depth))
            Expected(.inconclusive, .connect, "connection_failed", unreachable: true).check(refused)
            let unknown = await service.probe(
                try Lab.target(.request(Self.plain), at: "https://nowhere.example.test", depth: depth))
            Expected(.inconclusive, .dns, "name_not_resolved", unreachable: true).check(unknown)
        }
    }

    @Test func aHostThatIsLeftAlone() async throws {
        let port = try DeafPort()
        defer { withExtendedLifetime(port) {} }
        try await Lab.open(failuresToOpen: 1) { egress in
            let service = ProbeService(egress: egress, now: Lab.now)
            let target = try Lab.target(.request(Self.plain), at: "http://127.0.0.1:\(port.number)", depth: .brief)
            _ = await service.probe(target)
            Expected(.inconclusive, .connect, "circuit_open", unreachable: true).check(await service.probe(target))
        }
    }

    @Test func nothingToTest() async throws {
        try await Lab.open { egress in
            let service = ProbeService(egress: egress, now: Lab.now)
            let nothing = await service.probe(try Lab.target(nil, at: "http://127.0.0.1"))
            Expected(.inconclusive, nil, "nothing_to_test").check(nothing)
            let nowhere = await service.probe(try Lab.target(.request(Self.plain), at: nil))
            Expected(.inconclusive, nil, "configuration_incomplete").check(nowhere)
        }
    }

    /// What the other side sends back of the secret goes no further.
    @Test func echoes() async throws {
        let body = #"{"error":"\#(Lab.secret)","detail":"Bearer \#(Lab.secret)","part":"canary-5f2c81"}"#
        let server = try await LoopbackServer { _ in .json(400, [("X-Echo", Lab.secret)], body) }
        defer { server.stop() }
        try await Lab.open { egress in
            for path in ["error", "detail", "part"] {
                let test = TestRequest(url: "/me", errorCode: path)
                let report = await ProbeService(egress: egress, now: Lab.now).probe(
                    try Lab.target(.request(test), at: "http://127.0.0.1:\(server.port)"))
                Expected.unexpected.check(report)
            }
        }
    }

    @Test func aConnectionWithoutCredentials() async throws {
        let answer = LoopbackServer.Answer.json(401, [], "{}")
        let server = try await LoopbackServer { request in request.path == "/open" ? .json(200, [], "{}") : answer }
        defer { server.stop() }
        try await Lab.open { egress in
            let service = ProbeService(egress: egress, now: Lab.now)
            let base = "http://127.0.0.1:\(server.port)"
            let open = await service.probe(
                try Lab.target(.request(TestRequest(url: "/open")), at: base, method: Lab.none))
            Expected(.valid, .http, "verified").check(open)
            let closed = await service.probe(
                try Lab.target(.request(TestRequest(url: "/closed")), at: base, method: Lab.none))
            Expected.rejected.check(closed)
            #expect(closed.message.contains("this connection has none"))
        }
        #expect(server.requests.allSatisfy { $0.header("authorization") == nil })
    }
}
