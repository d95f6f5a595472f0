import Connections
import Egress
import LosslessJSON
import Testing

@testable import Probes

@Suite struct MCPProbeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let server: MCPStandIn
        let expected: Expected
        var detail: String?
        /// What is asked, in order.
        let asked: [String]
        var depth = ProbeTarget.Depth.full

        init(
            _ description: String, _ expected: Expected, _ asked: [String], detail: String? = nil,
            depth: ProbeTarget.Depth = .full, _ change: (inout MCPStandIn) -> Void = { _ in }
        ) {
            testDescription = description
            var server = MCPStandIn()
            change(&server)
            self.server = server
            self.expected = expected
            self.asked = asked
            self.detail = detail
            self.depth = depth
        }
    }

    @Test(arguments: MCPProbeTests.good + MCPProbeTests.bad)
    func servers(_ given: Case) async throws {
        let server = try await LoopbackServer { given.server.answer($0) }
        defer { server.stop() }
        try await Lab.open { egress in
            let probe = MCPProbe(egress: egress, now: Lab.now)
            let report = await probe.report(
                on: try Lab.target(.mcp, at: "http://127.0.0.1:\(server.port)/mcp", depth: given.depth))
            given.expected.check(report)
            #expect(report.layers.last?.detail == given.detail)
        }
        #expect(server.requests.map(\.summary) == given.asked)
        #expect(
            server.requests.allSatisfy { $0.path == "/mcp" && $0.header("authorization") == "Bearer \(Lab.secret)" })
        let posts = server.requests.filter { $0.method == "POST" }
        #expect(posts.allSatisfy { $0.header("accept") == "application/json, text/event-stream" })
        #expect(posts.allSatisfy { $0.header("content-type") == "application/json" })
    }

    /// Answers to everything alike.
    @Test(arguments: MCPProbeTests.constant)
    func hosts(_ given: RequestProbeTests.Case) async throws {
        let server = try await LoopbackServer { _ in given.answer }
        defer { server.stop() }
        try await Lab.open { egress in
            for depth in [ProbeTarget.Depth.full, .brief] {
                let probe = MCPProbe(egress: egress, now: Lab.now, limits: given.limits)
                given.expected.check(
                    await probe.report(on: try Lab.target(.mcp, at: "http://127.0.0.1:\(server.port)", depth: depth)))
            }
        }
    }

    @Test func withoutCredentials() async throws {
        var open = MCPStandIn()
        open.token = nil
        let server = try await LoopbackServer { [open] in open.answer($0) }
        let closed = try await LoopbackServer { MCPStandIn().answer($0) }
        defer {
            server.stop()
            closed.stop()
        }
        try await Lab.open { egress in
            let probe = MCPProbe(egress: egress, now: Lab.now)
            let good = await probe.report(
                on: try Lab.target(.mcp, at: "http://127.0.0.1:\(server.port)", method: Lab.none))
            Expected(.valid, .protocol, "verified").check(good)
            #expect(good.layers.map(\.layer) == [.connect, .http, .protocol])
            let bad = await probe.report(
                on: try Lab.target(.mcp, at: "http://127.0.0.1:\(closed.port)", method: Lab.none))
            Expected.rejected.check(bad)
        }
    }

    @Test func aServerThatIsNowhere() async throws {
        try await Lab.open { egress in
            let report = await MCPProbe(egress: egress, now: Lab.now).report(on: try Lab.target(.mcp, at: nil))
            Expected(.inconclusive, nil, "configuration_incomplete").check(report)
        }
    }
}
