import Connections
import Egress
import Testing

@testable import Probes

@Suite struct ModelsProbeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String { "\(shape): \(body)" }
        let shape: ModelListing.Shape
        var status = 200
        let body: String
        let expected: Expected
        var detail: String?

        init(_ shape: ModelListing.Shape, _ body: String, _ detail: String) {
            self.shape = shape
            self.body = body
            self.detail = detail
            expected = Expected(.valid, .protocol, "verified")
        }

        init(_ shape: ModelListing.Shape, _ status: Int, _ body: String, _ expected: Expected) {
            self.shape = shape
            self.status = status
            self.body = body
            self.expected = expected
        }
    }

    @Test(arguments: [
        Case(.openai, #"{"object":"list","data":[{"id":"a"},{"id":"b","owned_by":"x"}]}"#, "2 models"),
        Case(.openai, #"{"data":[]}"#, "0 models"), Case(.openai, #"{"data":[{"id":"a"}]}"#, "1 model"),
        Case(.openai, 200, #"{"data":[{"id":1}]}"#, .unexpected), Case(.openai, 200, #"{"data":["a"]}"#, .unexpected),
        Case(.openai, 200, #"{"data":{}}"#, .unexpected), Case(.openai, 200, #"{}"#, .unexpected),
        Case(.openai, 200, #"[]"#, .unexpected), Case(.openai, 200, "", .unexpected),
        Case(.anthropic, #"{"data":[{"id":"a","type":"model"}],"has_more":false}"#, "1 model"),
        Case(.anthropic, #"{"data":[{"id":"a","type":"model"}],"has_more":true}"#, "1 model and more"),
        Case(.anthropic, #"{"data":[],"has_more":false}"#, "0 models"),
        Case(.anthropic, 200, #"{"data":[{"id":"a","type":"model"}]}"#, .unexpected),
        Case(.anthropic, 200, #"{"data":[{"id":"a"}],"has_more":false}"#, .unexpected),
        Case(.mistral, #"{"object":"list","data":[{"id":"a","object":"model"}]}"#, "1 model"),
        Case(.mistral, 200, #"{"data":[{"id":"a"}]}"#, .unexpected),
        Case(
            .openai, 401, #"{"error":{"code":"invalid_api_key","message":"\#(Lab.secret)"}}"#,
            Expected(.invalid, .auth, "credential_rejected", code: "invalid_api_key")),
        Case(
            .openai, 429, #"{"error":{"code":"insufficient_quota"}}"#,
            Expected(.inconclusive, .http, "rate_limited", code: "insufficient_quota")),
        Case(
            .anthropic, 401, #"{"type":"error","error":{"type":"authentication_error"}}"#,
            Expected(.invalid, .auth, "credential_rejected", code: "authentication_error")),
        Case(
            .anthropic, 529, #"{"type":"error","error":{"type":"overloaded_error"}}"#,
            Expected(.inconclusive, .http, "provider_error", code: "overloaded_error")),
        Case(
            .mistral, 403, #"{"object":"error","type":"forbidden"}"#,
            Expected(.invalid, .scope, "permission_denied", code: "forbidden")),
        Case(.mistral, 404, "{}", .unexpected),
    ])
    func lists(_ given: Case) async throws {
        let server = try await LoopbackServer { _ in .json(given.status, [], given.body) }
        defer { server.stop() }
        try await Lab.open { egress in
            let listing = ModelListing(shape: given.shape, path: "/models")
            let report = await ProbeService(egress: egress, now: Lab.now).probe(
                try Lab.target(.models(listing), at: "http://127.0.0.1:\(server.port)/v1", depth: .brief))
            given.expected.check(report)
            #expect(report.layers.last?.detail == given.detail)
        }
        #expect(server.requests.map(\.path) == ["/v1/models"])
        #expect(server.requests.first?.header("authorization") == "Bearer \(Lab.secret)")
    }
}
