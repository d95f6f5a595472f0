import Connections
import Egress
import LosslessJSON
import TestSupport
import Testing

@testable import Probes

@Suite struct StorageS3ProbeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// To a request that is a listing or, in full depth, not.
        let answer: @Sendable (_ isListing: Bool) -> LoopbackServer.Answer
        let expected: Expected
        var message: String?
        var limits = ProbeLimits()

        init(
            _ description: String, _ expected: Expected, says message: String? = nil,
            limits: ProbeLimits = ProbeLimits(),
            _ answer: @escaping @Sendable (Bool) -> LoopbackServer.Answer
        ) {
            testDescription = description
            self.answer = answer
            self.expected = expected
            self.message = message
            self.limits = limits
        }

        /// The same status to both, with the error only where a body may be.
        init(
            _ status: Int, _ code: String, _ expected: Expected, says message: String? = nil,
            headers: [(String, String)] = [], more: String = ""
        ) {
            self.init("\(status) \(code)", expected, says: message) { isListing in
                .http(status, headers, isListing ? StorageS3ProbeTests.error(code, more) : "")
            }
        }
    }

    @Test(arguments: cases)
    func ends(_ given: Case) async throws {
        let server = try await LoopbackServer { request in given.answer(request.method == "GET") }
        defer { server.stop() }
        try await Lab.open { egress in
            for depth in [ProbeTarget.Depth.full, .brief] {
                let report = await S3Probe(egress: egress, now: Lab.now, limits: given.limits)
                    .report(on: Self.target(at: server.port, depth: depth))
                given.expected.check(report)
                if let message = given.message { #expect(report.message.contains(message)) }
                #expect(!report.message.contains("canary"))
                #expect(report.layers.contains { $0.layer == .connect } == (depth == .full))
            }
        }
        #expect(server.requests.allSatisfy { ["HEAD", "GET"].contains($0.method) })
        #expect(server.requests.count { $0.method == "HEAD" } <= 1)
    }

    @Test func whatIsSent() async throws {
        let server = try await LoopbackServer { _ in .http(200, [], "<ListBucketResult/>") }
        defer { server.stop() }
        try await Lab.open { egress in
            let probe = S3Probe(egress: egress, now: Lab.now)
            let report = await probe.report(on: Self.target(at: server.port, token: "token/+=", depth: .full))
            Expected(.valid, .protocol, "verified").check(report)
            #expect(report.layers.map(\.layer) == [.connect, .http, .auth, .scope, .protocol])
            #expect(report.account?.label == "b1")
            #expect(report.httpStatus == 200)
            _ = await probe.report(on: Self.target(at: server.port, depth: .brief))
        }
        #expect(
            server.requests.map { "\($0.method) \($0.path)" }
                == ["HEAD /b1", "GET /b1?list-type=2&max-keys=1", "GET /b1?list-type=2&max-keys=1"])
        for request in server.requests {
            let token = request.header("x-amz-security-token")
            #expect(token == (request.header("authorization")?.contains("security-token") == true ? "token/+=" : nil))
            #expect(request.header("x-amz-date") == "20260101T000000Z")
            #expect(request.header("host") == "127.0.0.1:\(server.port)")
            // Signed anew by what arrived, so that nothing on the way may have changed.
            let names = ["host", "x-amz-content-sha256", "x-amz-date"] + (token == nil ? [] : ["x-amz-security-token"])
            let content = Signature4.Content(
                method: request.method, path: "/b1",
                query: request.path.contains("?") ? [("max-keys", "1"), ("list-type", "2")] : [],
                headers: names.map { (name: $0, value: request.header($0) ?? "") })
            let signature = Signature4(accessKeyID: "AKIAEXAMPLE", secretAccessKey: Lab.secret, region: "eu-west-1")
            #expect(request.header("authorization") == signature.authorization(of: content, at: .t0))
        }
    }

    @Test(arguments: [
        (#"{"access_key_id":"AKIAEXAMPLE"}"#, Expected(.invalid, .auth, "malformed_credential")),
        (
            #"{"access_key_id":"AKIA EXAMPLE","secret_access_key":"x"}"#,
            Expected(.invalid, .auth, "malformed_credential")
        ),
        (
            #"{"access_key_id":"A","secret_access_key":"x","session_token":"a\r\nb"}"#,
            Expected(.invalid, .auth, "malformed_credential")
        ),
    ])
    func whatIsNoCredentialAsksNobody(_ data: String, _ expected: Expected) async throws {
        try await Lab.open(allowing: []) { egress in
            let good = Self.target(at: 1, depth: .full)
            let target = ProbeTarget(
                integration: good.integration, method: good.method, config: good.config,
                data: JSONObject(.literal(data)), depth: .full)
            expected.check(await S3Probe(egress: egress, now: Lab.now).report(on: target))
        }
    }

    @Test func incompleteConfig() async throws {
        try await Lab.open(allowing: []) { egress in
            let good = Self.target(at: 1, depth: .full)
            let target = ProbeTarget(
                integration: good.integration, method: good.method, config: JSONObject(), data: good.data, depth: .full)
            Expected(.inconclusive, nil, "configuration_incomplete")
                .check(await S3Probe(egress: egress, now: Lab.now).report(on: target))
        }
    }

    @Test(arguments: [ProbeTarget.Depth.full, .brief])
    func whatIsRefusedTellsNothing(_ depth: ProbeTarget.Depth) async throws {
        try await Lab.open(allowing: []) { egress in
            Expected(.inconclusive, nil, "destination_refused")
                .check(
                    await S3Probe(egress: egress, now: Lab.now).report(on: Self.target(at: 9_000, depth: depth)))
        }
    }

    // MARK: Targets and answers

    static func target(at port: Int, token: String? = nil, depth: ProbeTarget.Depth) -> ProbeTarget {
        let method = AuthMethod(
            id: "access_key", name: "Access key", scheme: .accessKey, authType: .publicKeySecret, description: "",
            fields: [
                Field(key: "access_key_id", label: "Access Key ID", kind: .text, isRequired: true, isSecure: false),
                Field(
                    key: "secret_access_key", label: "Secret Access Key", kind: .password, isRequired: true,
                    isSecure: true),
            ])
        let integration = Integration(
            id: "acme", name: "Acme", type: .storage, category: "test", description: "", docsURL: "", baseURL: nil,
            destinationKeys: [], authMethods: [method], configFields: [], probe: .s3)
        var data = JSONObject(.literal(#"{"access_key_id":"AKIAEXAMPLE"}"#))
        data["secret_access_key"] = JSONText(Lab.secret)
        data["session_token"] = token.map { JSONText($0) }
        let config = #"{"bucket":"b1","region":"eu-west-1","endpoint":"http://127.0.0.1:\#(port)"}"#
        return ProbeTarget(
            integration: integration, method: method, config: JSONObject(.literal(config)), data: data, depth: depth)
    }

    static func error(_ code: String, _ more: String = "") -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <Error><Code>\(code)</Code><Message>canary \(Lab.secret)</Message>\(more)</Error>
        """
    }
}
