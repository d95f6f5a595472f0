import HTTPTypes
import Testing

@testable import HTTPAPI

@Suite struct ListConnectionsTests {
    static let refusals = [
        Scenario(
            "skip below 0", .get, "/connections?skip=-1", status: 422,
            contains: [#""greater_than_equal","loc":["query","skip"]"#]),
        Scenario("limit 0", .get, "/connections?limit=0", status: 422, contains: [#""ctx":{"ge":1}"#]),
        Scenario("limit 1001", .get, "/connections?limit=1001", status: 422, contains: [#""ctx":{"le":1000}"#]),
        Scenario("limit no number", .get, "/connections?limit=x", status: 422, contains: [#""int_parsing""#]),
        Scenario("unknown status", .get, "/connections?status=x", status: 422, contains: [#"["query","status"]"#]),
        Scenario("cursor and skip", .get, "/connections?cursor=c1_01ARZ3NDEKTSV4RRFFQ69G5FAV&skip=1", status: 422),
        Scenario("a cursor of another make", .get, "/connections?cursor=abc", status: 422),
        Scenario(
            "skip past every row", .get, "/connections?skip=99999999999999999999", status: 200,
            contains: [#""connections":[]"#]),
        Scenario(
            "validate without an integration", .post, "/connections/validate", "{}", status: 422,
            contains: [#"["query","integration_id"]"#]),
        Scenario("validate an unknown integration", .post, "/connections/validate?integration_id=x", "{}", status: 404),
        Scenario(
            "validate says what is wrong", .post, "/connections/validate?integration_id=slack",
            #"{"credentials":{"bot_token":"xoxb-"}}"#, status: 200, contains: [#""valid":false"#, "must be at least"]),
        Scenario(
            "requirements", .get, "/connections/integrations/slack/requirements?auth_method_id=oauth2", status: 200,
            contains: [#""auth_method":{"id":"oauth2""#, #""key":"access_token","label":"Access Token""#]),
        Scenario(
            "requirements of an unknown method", .get, "/connections/integrations/slack/requirements?auth_method_id=x",
            status: 404),
    ]

    @Test(arguments: refusals)
    func `a query is checked in the contract's words`(_ scenario: Scenario) async throws {
        try await Harness.run { try await $0.check(scenario) }
    }

    @Test func `page and size follow skip and limit, the cursor goes on`() async throws {
        try await Harness.run { harness in
            var ids: [String] = []
            for _ in 0..<5 { ids.append(try await harness.slack()) }
            let second = try await harness.send(.get, "/connections?skip=2&limit=2")
            #expect(second["page"] == "2")
            #expect(second["size"] == "2")
            #expect(second["total"] == "5")
            let cursor = second.string("next_cursor") ?? ""
            let third = try await harness.send(.get, "/connections?skip=0&limit=2&cursor=\(cursor)")
            #expect(third.text.contains(ids[0]))
            #expect(third["next_cursor"] == "null")
            let stats = try await harness.send(.get, "/connections/stats")
            #expect(stats["connections_by_type"] == #"{"connectors":5}"#)
        }
    }

    @Test func `a user's connections, with an id that needs decoding`() async throws {
        try await Harness.run { harness in
            let id = try await harness.slack(#""user_id":"a b/ü""#)
            _ = try await harness.slack()
            let reply = try await harness.send(.get, "/connections/users/a%20b%2F%C3%BC")
            #expect(reply["total"] == "1")
            #expect(reply.text.contains(id))
        }
    }
}
