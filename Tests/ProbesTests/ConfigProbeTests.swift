import Connections
import Egress
import Testing

@testable import Probes

@Suite struct ConfigProbeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String { "\(method.id): \(config)" }
        /// `URL` stands for the server's.
        let config: String
        var method = Lab.bearer
        var asked: String?
        let expected: Expected
    }

    private static let answered = Expected(.valid, .http, "verified")

    @Test(arguments: [
        Case(config: #"{"test_url":"URL/ok"}"#, asked: "GET /ok", expected: .valid),
        Case(config: #"{"test_url":"URL/ok","test_method":"post"}"#, asked: "POST /ok", expected: .valid),
        Case(config: #"{"test_url":"URL/ok","test_method":"HEAD"}"#, asked: "HEAD /ok", expected: .valid),
        Case(config: #"{"test_url":"URL/ok","test_status":200}"#, asked: "GET /ok", expected: .valid),
        Case(config: #"{"test_url":"URL/ok","test_status":"204"}"#, asked: "GET /ok", expected: .unexpected),
        Case(config: #"{"test_url":"URL/404","test_status":404}"#, asked: "GET /404", expected: .valid),
        Case(config: #"{"test_url":"URL/404"}"#, asked: "GET /404", expected: .unexpected),
        Case(config: #"{"test_url":"URL/301"}"#, asked: "GET /301", expected: .unexpected),
        Case(config: #"{"test_url":"URL/401"}"#, asked: "GET /401", expected: .rejected),
        Case(config: #"{"test_url":"URL/403"}"#, asked: "GET /403", expected: .denied),
        Case(config: #"{"test_url":"URL/429"}"#, asked: "GET /429", expected: .limited),
        Case(config: #"{"test_url":"URL/500"}"#, asked: "GET /500", expected: .broken),
        Case(config: #"{"test_url":"URL/ok","test_contains":"heal"}"#, asked: "GET /ok", expected: .valid),
        Case(config: #"{"test_url":"URL/ok","test_contains":"Heal"}"#, asked: "GET /ok", expected: .unexpected),
        Case(config: #"{"test_url":"URL/ok"}"#, method: Lab.freeForm, asked: "GET /ok", expected: answered),
        Case(config: #"{"test_url":"URL/401"}"#, method: Lab.freeForm, asked: "GET /401", expected: .unexpected),
        Case(config: #"{"test_url":"URL/403"}"#, method: Lab.freeForm, asked: "GET /403", expected: .unexpected),
        Case(config: #"{"test_url":"URL/500"}"#, method: Lab.freeForm, asked: "GET /500", expected: .broken),
        Case(config: "{}", expected: Expected(.inconclusive, nil, "nothing_to_test")),
        Case(config: #"{"test_url":""}"#, expected: Expected(.inconclusive, nil, "nothing_to_test")),
        Case(config: #"{"test_url":null}"#, expected: Expected(.inconclusive, nil, "nothing_to_test")),
        Case(config: #"{"test_url":"not a url"}"#, expected: Expected(.inconclusive, nil, "invalid_url")),
        Case(config: #"{"test_url":"file:///etc/passwd"}"#, expected: Expected(.inconclusive, nil, "invalid_url")),
        Case(
            config: #"{"test_url":"https://10.0.0.1/"}"#, expected: Expected(.inconclusive, nil, "destination_refused")),
        Case(
            config: #"{"test_url":"http://8.8.8.8/"}"#, expected: Expected(.inconclusive, nil, "destination_refused")),
        Case(
            config: #"{"test_url":"URL/ok","test_method":"DELETE"}"#,
            expected: Expected(.inconclusive, nil, "invalid_test")),
        Case(
            config: #"{"test_url":"URL/ok","test_status":"many"}"#,
            expected: Expected(.inconclusive, nil, "invalid_test")),
        Case(
            config: #"{"test_url":"URL/ok","test_status":99}"#, expected: Expected(.inconclusive, nil, "invalid_test")),
        Case(
            config: #"{"test_url":"URL/ok","test_method":"HEAD","test_contains":"x"}"#,
            expected: Expected(.inconclusive, nil, "invalid_test")),
    ])
    func expectations(_ given: Case) async throws {
        let server = try await LoopbackServer { request in
            if request.path == "/ok" {
                return request.method == "HEAD"
                    ? .bytes(LoopbackServer.Answer.head(200, [("Content-Length", "6")])) : .http(200, [], "health")
            }
            let status = Int(request.path.dropFirst()) ?? 0
            return .json(status, status == 301 ? [("Location", "/ok")] : [], "{}")
        }
        defer { server.stop() }
        try await Lab.open { egress in
            for depth in [ProbeTarget.Depth.full, .brief] {
                let config = given.config.replacing("URL", with: "http://127.0.0.1:\(server.port)")
                let report = await ProbeService(egress: egress, now: Lab.now).probe(
                    try Lab.target(.config, at: nil, method: given.method, config: config, depth: depth))
                given.expected.check(report)
            }
        }
        #expect(server.requests.map { "\($0.method) \($0.path)" } == (given.asked.map { [$0, $0] } ?? []))
        // What is free of form is not sent: nothing says how.
        let shown = given.method.isFreeForm ? nil : "Bearer \(Lab.secret)"
        #expect(server.requests.allSatisfy { $0.header("authorization") == shown })
        #expect(
            server.requests.allSatisfy { request in
                !given.method.isFreeForm || !request.headers.contains { $0.value.contains(Lab.secret) }
            })
    }
}
