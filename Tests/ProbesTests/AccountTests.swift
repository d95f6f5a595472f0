import Connections
import Egress
import Testing

@testable import Probes

@Suite struct AccountTests {
    private static func identity(
        _ source: IdentityRequest.Source = .request, url: String? = "/me", id: [String] = ["team", "user.id"]
    ) -> IdentityRequest {
        IdentityRequest(source: source, url: url, method: "GET", headers: [], body: nil, id: id, label: "user.name")
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let identity: IdentityRequest?
        var depth = ProbeTarget.Depth.full
        let account: ProbedAccount?
        let paths: [String]
    }

    private static let ada = ProbedAccount(subject: "4:acme2:T11:7", label: "Ada")

    @Test(arguments: [
        Case(testDescription: "the same request", identity: identity(), account: ada, paths: ["/me"]),
        Case(
            testDescription: "the same request, briefly", identity: identity(), depth: .brief, account: ada,
            paths: ["/me"]),
        Case(
            testDescription: "the test tells", identity: identity(.probe, url: nil), depth: .brief, account: ada,
            paths: ["/me"]),
        Case(
            testDescription: "another request", identity: identity(url: "/who"),
            account: ProbedAccount(subject: "4:acme2:T21:8", label: "Bob"), paths: ["/me", "/who"]),
        Case(
            testDescription: "another request is too much, briefly", identity: identity(url: "/who"), depth: .brief,
            account: nil, paths: ["/me"]),
        Case(
            testDescription: "another request that fails", identity: identity(url: "/broken"), account: nil,
            paths: ["/me", "/broken"]),
        Case(
            testDescription: "a part is missing", identity: identity(id: ["team", "nobody"]), account: nil,
            paths: ["/me"]),
        Case(
            testDescription: "the secret for a name", identity: identity(url: "/echo"), account: nil,
            paths: ["/me", "/echo"]),
        Case(testDescription: "no identity", identity: nil, account: nil, paths: ["/me"]),
        Case(
            testDescription: "only tokens tell", identity: identity(.idToken, url: nil), account: nil, paths: ["/me"]),
    ])
    func accounts(_ given: Case) async throws {
        let server = try await LoopbackServer { request in
            switch request.path {
            case "/me": .json(200, [], #"[{"team":"T1","user":{"id":7,"name":"Ada"}}]"#)
            case "/who": .json(200, [], #"{"team":"T2","user":{"id":8,"name":"Bob"}}"#)
            case "/echo": .json(200, [], #"{"team":"T","user":{"id":1,"name":"\#(Lab.secret)"}}"#)
            default: .json(500, [], "{}")
            }
        }
        defer { server.stop() }
        try await Lab.open { egress in
            let report = await ProbeService(egress: egress, now: Lab.now).probe(
                try Lab.target(
                    .request(RequestProbeTests.plain), at: "http://127.0.0.1:\(server.port)",
                    identity: given.identity, depth: given.depth))
            Expected.valid.check(report)
            #expect(report.account == given.account)
        }
        #expect(server.requests.map(\.path) == given.paths)
        #expect(server.requests.allSatisfy { $0.header("authorization") == "Bearer \(Lab.secret)" })
    }
}
