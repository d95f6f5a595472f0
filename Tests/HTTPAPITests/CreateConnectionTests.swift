import HTTPTypes
import Testing

@testable import HTTPAPI

@Suite struct CreateConnectionTests {
    private static let token = "xoxb-1234567890-abcdefgh"

    static let refusals = [
        Scenario(
            "no body", .post, "/connections", status: 422,
            contains: [#""type":"missing","loc":["body"],"msg":"Field required""#]),
        Scenario(
            "everything missing, in field order", .post, "/connections", "{}", status: 422,
            contains: [#"["body","integration"]"#, #"["body","integration_type"]"#]),
        Scenario(
            "a misspelt key is explained", .post, "/connections",
            #"{"integration":"slack","integration_type":"connectors","credentials":{"bot_tokn":"\#(token)"}}"#,
            status: 422,
            contains: [
                #"{"detail":{"message":"Connection validation failed","errors":["#, "Field 'Bot Token' is required",
                "did you mean 'bot_token'?",
            ], lacks: [token]),
        Scenario(
            "neither credentials nor credential_id", .post, "/connections",
            #"{"integration":"slack","integration_type":"connectors"}"#, status: 422,
            contains: ["Field 'Bot Token' is required"]),
        Scenario(
            "both of them", .post, "/connections",
            #"{"integration":"slack","integration_type":"connectors","credentials":{"bot_token":"\#(token)"},"credential_id":"cred_x"}"#,
            status: 422, contains: [#"["body","credential_id"]"#], lacks: [token]),
        Scenario(
            "the wrong type for the integration", .post, "/connections",
            #"{"integration":"slack","integration_type":"tool","credentials":{"bot_token":"\#(token)"}}"#,
            status: 422, contains: ["is of type 'connectors', not 'tool'"], lacks: [token]),
        Scenario(
            "an unknown integration", .post, "/connections",
            #"{"integration":"slak","integration_type":"connectors"}"#, status: 422,
            contains: ["Unknown integration 'slak'"]),
        Scenario(
            "an unknown auth method", .post, "/connections",
            #"{"integration":"slack","integration_type":"connectors","auth_method_id":"x","credentials":{}}"#,
            status: 422, contains: ["use one of bot_token, oauth2"]),
        Scenario(
            "a mask with nothing stored", .post, "/connections",
            #"{"integration":"slack","integration_type":"connectors","credentials":{"bot_token":"********"}}"#,
            status: 422, contains: ["nothing is stored"]),
        Scenario(
            "a secret in the wrong field is not repeated", .post, "/connections",
            #"{"integration":"slack","integration_type":"\#(token)","label":7,"credentials":"\#(token)"}"#, status: 422,
            contains: [#""type":"enum""#, #""type":"string_type""#, #""type":"dict_type""#], lacks: [token]),
        Scenario(
            "a secret as a key is not repeated", .post, "/connections",
            #"{"integration":"slack","integration_type":"connectors","credentials":{"bot_token":"\#(token)","xoxb-1234567890-abcdefgh-and a secret":"x"}}"#,
            status: 422, contains: ["Unknown credential field"], lacks: ["and a secret"]),
        Scenario(
            "a base URL that is none", .post, "/connections",
            #"{"integration":"rest-api","integration_type":"api","auth_method_id":"bearer","credentials":{"token":"abcdefgh"},"config":{"base_url":"ftp://x"}}"#,
            status: 422, contains: ["must be a valid URL"]),
        Scenario(
            "a user id with U+0000", .post, "/connections",
            #"{"integration":"slack","integration_type":"connectors","user_id":"a\u0000","credentials":{"bot_token":"\#(token)"}}"#,
            status: 422, contains: [#"["body","user_id"]"#]),
        Scenario(
            "an unknown credential id", .post, "/connections",
            #"{"integration":"slack","integration_type":"connectors","credential_id":"cred_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#,
            status: 404, contains: ["Credential not found"]),
        Scenario(
            "not JSON by its type", .post, "/connections", "{}", headers: [.contentType: "text/plain"], status: 415),
    ]

    @Test(arguments: refusals)
    func `a refusal says why, repeats no secret and writes nothing`(_ scenario: Scenario) async throws {
        try await Harness.run { harness in
            try await harness.check(scenario)
            let stats = try await harness.send(.get, "/connections/stats")
            #expect(stats["total_connections"] == "0")
            #expect(try await harness.send(.get, "/credentials")["total"] == "0")
        }
    }

    @Test func `inline credentials become a credential that goes with its connection`() async throws {
        try await Harness.run { harness in
            let id = try await harness.slack()
            let read = try await harness.send(.get, "/connections/\(id)?include_credential=true")
            #expect(read.text.contains(#""auth_type":"access_token""#))
            #expect(!read.text.contains("xoxb"))
            #expect(try await harness.send(.get, "/credentials")["total"] == "1")
            #expect(try await harness.send(.delete, "/connections/\(id)").status == 204)
            #expect(try await harness.send(.get, "/credentials")["total"] == "0")
        }
    }

    @Test func `inline credentials stay while another connection uses them`() async throws {
        try await Harness.run { harness in
            let first = try await harness.slack()
            let credential = try await harness.send(.get, "/connections/\(first)").string("credential_id") ?? ""
            let second = try await harness.send(
                .post, "/connections",
                #"{"integration":"slack","integration_type":"connectors","credential_id":"\#(credential)"}"#)
            #expect(second.status == 200)
            try await harness.send(.delete, "/connections/\(first)")
            #expect(try await harness.send(.get, "/credentials/\(credential)").status == 200)
            let refused = try await harness.send(.delete, "/credentials/\(credential)")
            #expect(refused.status == 409)
            #expect(refused.text.contains(second.string("id") ?? "?"))
            try await harness.send(.delete, "/connections/\(second.string("id") ?? "")")
            #expect(try await harness.send(.get, "/credentials/\(credential)").status == 404)
        }
    }

    @Test func `an external id answers 409 with the connection that has it`() async throws {
        try await Harness.run { harness in
            let first = try await harness.slack(#""external_id":"customer-1""#)
            let again = try await harness.send(
                .post, "/connections",
                """
                {"integration":"slack","integration_type":"connectors","external_id":"customer-1",
                 "credentials":{"bot_token":"xoxb-1234567890-abcdefgh"}}
                """)
            #expect(again.status == 409)
            #expect(again.text.contains(first))
        }
    }

    @Test func `outside the catalog custom takes any credentials`() async throws {
        try await Harness.run { harness in
            let reply = try await harness.send(
                .post, "/connections",
                #"{"integration":"my-erp","integration_type":"custom","credentials":{"a":"s3cr3t","b":[1]},"config":{"n":1.0}}"#
            )
            #expect(reply.status == 200)
            #expect(reply["config"] == #"{"n":1.0}"#)
            #expect(!reply.text.contains("s3cr3t"))
        }
    }
}

extension Harness {
    func check(_ scenario: Scenario) async throws {
        let reply = try await send(
            scenario.method, scenario.path, scenario.body, key: scenario.key, headers: scenario.headers)
        #expect(reply.status == scenario.status, "\(reply.text)")
        for text in scenario.contains { #expect(reply.text.contains(text), "\(reply.text)") }
        for text in scenario.lacks { #expect(!reply.text.contains(text), "\(reply.text)") }
        #expect(reply.headers[.requestID] != nil)
    }
}
