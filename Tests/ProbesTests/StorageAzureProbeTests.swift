import Connections
import Egress
import LosslessJSON
import TestSupport
import Testing

@testable import Probes

@Suite struct StorageAzureProbeTests {
    enum Credential: String, Sendable, CaseIterable {
        case sharedKey = "shared_key"
        case token = "sas"
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let answer: LoopbackServer.Answer
        let expected: Expected
        var credentials = Credential.allCases

        init(
            _ description: String, _ expected: Expected, _ answer: LoopbackServer.Answer,
            _ credentials: [Credential] = Credential.allCases
        ) {
            testDescription = description
            self.answer = answer
            self.expected = expected
            self.credentials = credentials
        }

        init(
            _ status: Int, _ code: String, _ verdict: Verdict, _ layer: CheckLayer, _ reason: String,
            headers: [(String, String)] = []
        ) {
            self.init(
                "\(status) \(code)", Expected(verdict, layer, reason, code: code),
                .http(status, [("x-ms-error-code", code)] + headers, StorageS3ProbeTests.error("Other")))
        }
    }

    @Test(arguments: cases)
    func ends(_ given: Case) async throws {
        let server = try await LoopbackServer { _ in given.answer }
        defer { server.stop() }
        try await Lab.open { egress in
            for credential in given.credentials {
                for depth in [ProbeTarget.Depth.full, .brief] {
                    let report = await AzureBlobProbe(egress: egress, now: Lab.now)
                        .report(on: Self.target(at: server.port, credential, depth: depth))
                    given.expected.check(report)
                    #expect(!report.message.contains("canary") && !report.message.contains(Self.signature))
                }
            }
        }
    }

    @Test func whatIsSent() async throws {
        let server = try await LoopbackServer { _ in .http(200, [], "<EnumerationResults/>") }
        defer { server.stop() }
        try await Lab.open { egress in
            for credential in Credential.allCases {
                let report = await AzureBlobProbe(egress: egress, now: Lab.now)
                    .report(on: Self.target(at: server.port, credential, depth: .full))
                #expect(report.layers.map(\.layer) == [.connect, .http, .auth, .scope, .protocol])
                #expect(report.account?.label == "acct/c1")
            }
        }
        let query = "/acct/c1?restype=container&comp=list&maxresults=1"
        #expect(
            server.requests.map(\.path) == [query, "\(query)&sv=2024-11-04&sr=c&sp=rl&sig=\(Self.signature)"])
        #expect(server.requests.allSatisfy { $0.header("x-ms-date") == "Thu, 01 Jan 2026 00:00:00 GMT" })
        #expect(server.requests.allSatisfy { $0.header("x-ms-version") == AzureBlobProbe.version })
        let authorizations = server.requests.map { $0.header("authorization") }
        #expect(authorizations.first??.hasPrefix("SharedKey acct:") == true && authorizations.last == .some(nil))
    }

    @Test(arguments: [
        (#"{"account_key":"not base64!"}"#, Expected(.invalid, .auth, "malformed_credential")),
        (#"{"sas_token":"sv=1&sig=x&comp=acl"}"#, Expected(.invalid, .auth, "malformed_credential")),
        ("{}", Expected(.invalid, .auth, "malformed_credential")),
        // A list would say nothing of it.
        (#"{"sas_token":"sv=1&sr=b&sig=x"}"#, Expected(.inconclusive, nil, "nothing_to_test")),
    ])
    func whatCannotBeAskedAsksNobody(_ data: String, _ expected: Expected) async throws {
        try await Lab.open(allowing: []) { egress in
            let good = Self.target(at: 1, .token, depth: .full)
            let target = ProbeTarget(
                integration: good.integration, method: good.method, config: good.config,
                data: JSONObject(.literal(data)), depth: .full)
            expected.check(await AzureBlobProbe(egress: egress, now: Lab.now).report(on: target))
        }
    }

    /// Azure has one code for them all.
    @Test(arguments: [
        ("se=2025-12-31T23%3A59%3A59Z", "Thu, 01 Jan 2026 00:00:00 GMT", "credential_expired"),
        ("se=2025-12-31", "Thu, 01 Jan 2026 00:00:00 GMT", "credential_expired"),
        ("se=2026-01-01T00%3A00%3A01Z", "Thu, 01 Jan 2026 00:00:00 GMT", "credential_rejected"),
        ("se=2027-01-01", "Thu, 01 Jan 2026 00:14:00 GMT", "credential_rejected"),
        ("se=2027-01-01", "Thu, 01 Jan 2026 00:16:00 GMT", "clock_skew"),
        ("se=2027-01-01", "Wed, 31 Dec 2025 23:40:00 GMT", "clock_skew"),
        ("se=2027-01-01", "some day", "credential_rejected"),
    ])
    func whyAuthenticationFailed(_ end: String, _ date: String, _ reason: String) async throws {
        let server = try await LoopbackServer { _ in
            .http(403, [("x-ms-error-code", "AuthenticationFailed"), ("Date", date)], "")
        }
        defer { server.stop() }
        try await Lab.open { egress in
            let report = await AzureBlobProbe(egress: egress, now: Lab.now)
                .report(on: Self.target(at: server.port, .token, more: "&\(end)", depth: .brief))
            Expected(
                reason == "clock_skew" ? .inconclusive : .invalid, .auth, reason, code: "AuthenticationFailed",
                gone: reason == "credential_expired"
            ).check(report)
        }
    }

    static let cases: [Case] = [
        Case("a listing", Expected(.valid, .protocol, "verified"), .http(200, [], "<EnumerationResults/>")),
        Case(
            "a code in the body only", Expected(.invalid, .protocol, "container_not_found", code: "ContainerNotFound"),
            .http(404, [], StorageS3ProbeTests.error("ContainerNotFound"))),
        Case(403, "AuthenticationFailed", .invalid, .auth, "credential_rejected"),
        Case(400, "InvalidAuthenticationInfo", .invalid, .auth, "credential_rejected"),
        Case(403, "KeyBasedAuthenticationNotPermitted", .invalid, .auth, "credential_rejected"),
        Case(403, "AuthorizationFailure", .invalid, .scope, "permission_denied"),
        Case(403, "AuthorizationPermissionMismatch", .invalid, .scope, "permission_denied"),
        Case(403, "AuthorizationSourceIPMismatch", .invalid, .scope, "permission_denied"),
        Case(403, "InsufficientAccountPermissions", .invalid, .scope, "permission_denied"),
        Case(404, "ContainerNotFound", .invalid, .protocol, "container_not_found"),
        Case(409, "ContainerBeingDeleted", .inconclusive, .protocol, "unexpected_answer"),
        Case(400, "InvalidHeaderValue", .inconclusive, .protocol, "unexpected_answer"),
        Case(503, "ServerBusy", .inconclusive, .http, "rate_limited"),
        Case(500, "InternalError", .inconclusive, .http, "provider_error"),
        Case("a code that is none", .unexpected, .http(403, [("x-ms-error-code", "a b")], "")),
        // Part of the secret that was sent.
        Case("a code with a secret in it", .unexpected, .http(403, [("x-ms-error-code", signature)], ""), [.token]),
        Case("403 with a page", .unexpected, .html(403)),
        Case("404 with a page", .unexpected, .html(404)),
        Case("a page", .unexpected, .html(200)),
        Case("302", .unexpected, .http(302, [("Location", "https://login.example.test/")])),
        Case("429", .limited, .http(429)),
        Case("500", .broken, .html(500)),
        Case("breaks off", Expected(.inconclusive, .http, "connection_lost", unreachable: true), .reset),
    ]

    // MARK: Targets

    private static let signature = "canary5f2c81sig"

    private static func target(
        at port: Int, _ credential: Credential, more: String = "", depth: ProbeTarget.Depth
    ) -> ProbeTarget {
        let key = credential == .sharedKey ? "account_key" : "sas_token"
        let method = AuthMethod(
            id: credential.rawValue, name: "Key", scheme: .accessKey, authType: .apiKey, description: "",
            fields: [Field(key: key, label: "Account Key", kind: .password, isRequired: true, isSecure: true)])
        let integration = Integration(
            id: "acme", name: "Acme", type: .storage, category: "test", description: "", docsURL: "", baseURL: nil,
            destinationKeys: [], authMethods: [method], configFields: [], probe: .azureBlob)
        var data = JSONObject()
        data[key] = JSONText(
            credential == .sharedKey ? "AAECAwQFBgc=" : "?sv=2024-11-04&sr=c&sp=rl&sig=\(signature)\(more)")
        let config = #"{"account":"acct","container":"c1","endpoint":"http://127.0.0.1:\#(port)/acct"}"#
        return ProbeTarget(
            integration: integration, method: method, config: JSONObject(.literal(config)), data: data, depth: depth)
    }
}
