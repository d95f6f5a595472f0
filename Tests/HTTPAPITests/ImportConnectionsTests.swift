import HTTPTypes
import LosslessJSON
import Testing

@testable import HTTPAPI

@Suite struct ImportConnectionsTests {
    private static let type: HTTPFields = [.contentType: "application/x-ndjson"]
    private static let token = "xoxe.xoxp-1-0123456789abcdef"

    private static func row(_ id: String, access: String = token, more: String = "") -> String {
        #"{"integration":"slack","auth_method_id":"oauth2","external_id":"\#(id)"\#(more),"#
            + #""credentials":{"access_token":"\#(access)","refresh_token":"xoxe-1-0123456789"}}"#
    }

    static let refusals = [
        Scenario("without a key", .post, "/connections/import", row("a"), key: nil, headers: type, status: 401),
        Scenario(
            "not lines of JSON by its type", .post, "/connections/import", row("a"),
            headers: [.contentType: "application/json"], status: 415, contains: ["application/x-ndjson"]),
    ]

    @Test(arguments: refusals)
    func `a refusal of the whole writes nothing`(_ scenario: Scenario) async throws {
        try await Harness.run { harness in
            try await harness.check(scenario)
            #expect(try await harness.send(.get, "/connections/stats")["total_connections"] == "0")
        }
    }

    @Test func `it needs both permissions`() async throws {
        try await Harness.run { harness in
            for permissions in [["secrets"], ["write"], ["read", "write", "admin"]] {
                let tenant = try await harness.tenant(permissions.joined(), permissions: permissions)
                let reply = try await harness.send(
                    .post, "/connections/import", Self.row("a"), key: tenant.key, headers: Self.type)
                #expect(reply.status == 403, "\(permissions)")
            }
            let tenant = try await harness.tenant("both", permissions: ["secrets", "write"])
            let reply = try await harness.send(
                .post, "/connections/import", Self.row("a"), key: tenant.key, headers: Self.type)
            #expect(reply.status == 200)
        }
    }

    @Test func `each row has a result of its own, and no secret comes back`() async throws {
        try await Harness.run { harness in
            let body = [
                Self.row("a"), "  ", "{", Self.row("b", access: "short"), Self.row("a", more: #","label":"twice""#),
                Self.row("c", more: #","note":"\#(Self.token)""#), Self.row("d") + "\r", "",
            ].joined(separator: "\n")
            let reply = try await harness.send(.post, "/connections/import", body, headers: Self.type)
            #expect(reply.status == 200)
            #expect(reply.headers[.contentType] == "application/x-ndjson")
            let results = reply.text.split(separator: "\n").compactMap { line in
                (try? JSONSlice(parsing: Array(line.utf8))).map { JSONObject($0) }
            }
            let told = results.map { "\($0["line"]?.string ?? "") \($0["status"]?.slice.string ?? "")" }
            #expect(told == ["1 created", "3 failed", "4 failed", "5 failed", "6 failed", "7 created"])
            #expect(results.allSatisfy { ($0["errors"] == nil) == ($0["connection_id"] != nil) })
            #expect(results[2]["errors"]?.string.contains("Access Token") == true)
            #expect(!reply.text.contains("xoxe"))
            #expect(try await harness.send(.get, "/connections/stats")["total_connections"] == "2")
        }
    }

    @Test func `the same body again changes nothing`() async throws {
        try await Harness.run { harness in
            let body = (1...100).map { Self.row("c\($0)") }.joined(separator: "\n")
            let first = try await harness.send(.post, "/connections/import", body, headers: Self.type)
            let again = try await harness.send(.post, "/connections/import", body, headers: Self.type)
            #expect(first.text.split(separator: "\n").allSatisfy { $0.contains(#""status":"created""#) })
            #expect(again.text == first.text.replacing("created", with: "unchanged"))
            let id = try await harness.send(.get, "/connections?external_id=c7").text
            #expect(id.contains(#""external_id":"c7""#))
        }
    }

    @Test func `a suspended grant is shown as such and is not refreshed by force`() async throws {
        try await Harness.run { harness in
            let reply = try await harness.send(.post, "/connections/import", Self.row("a"), headers: Self.type)
            let id = reply.string("connection_id") ?? ""
            let read = try await harness.send(.get, "/connections/\(id)?include_credential=true")
            #expect(read.text.contains(#""state":"suspended""#))
            let token = try await harness.send(.post, "/connections/\(id)/token")
            #expect(token.string("access_token") == Self.token)
            let refused = try await harness.send(.post, "/oauth/refresh/\(id)")
            #expect(refused.status == 409)
            #expect(refused.string("error_code") == "grant_suspended")
        }
    }
}
