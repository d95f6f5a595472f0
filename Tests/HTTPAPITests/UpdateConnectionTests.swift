import HTTPTypes
import LosslessJSON
import Testing

@testable import HTTPAPI

@Suite struct UpdateConnectionTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let body: String
        /// Members of the answer, as JSON text.
        let gives: [String: String]
        var writes = true

        init(_ name: String, _ body: String, writes: Bool = true, _ gives: [String: String]) {
            testDescription = name
            self.body = body
            self.writes = writes
            self.gives = gives
        }
    }

    static let cases = [
        Case("an empty object writes nothing", "{}", writes: false, ["label": #""one""#]),
        Case(
            "null config and status write nothing", #"{"config":null,"status":null}"#, writes: false,
            ["status": #""active""#]),
        Case("unknown fields are ignored", #"{"id":"x","created_by":"y"}"#, writes: false, [:]),
        Case("null clears the label", #"{"label":null}"#, ["label": "null"]),
        Case("an equal label still writes", #"{"label":"one"}"#, ["label": #""one""#]),
        Case("255 code points", #"{"label":"\#(String(repeating: "é", count: 255))"}"#, [:]),
        Case("U+0000 in a label", #"{"label":"a\u0000b"}"#, ["label": #""a\u0000b""#]),
        Case(
            "numbers and order stay", #"{"config":{"z":1.0,"a":123456789012345678901234567890,"e":1E400,"m":-0}}"#,
            ["config": #"{"z":1.0,"a":123456789012345678901234567890,"e":1E400,"m":-0}"#]),
        Case(
            "the last of two equal keys, at the first's place", #"{"config":{"a":1,"b":2,"\u0061":3}}"#,
            ["config": #"{"a":3,"b":2}"#]),
        Case("white space goes", "{ \"config\" : { \"a\" : [ 1 , 2 ] } }", ["config": #"{"a":[1,2]}"#]),
        Case("a status is asserted", #"{"status":"expired"}"#, ["status": #""expired""#]),
        Case(
            "additions", #"{"external_id":"e","tags":["t"],"metadata":{"k":1.50}}"#,
            ["external_id": #""e""#, "tags": #"["t"]"#, "metadata": #"{"k":1.50}"#]),
    ]

    @Test(arguments: cases)
    func `what is sent is what comes back`(_ update: Case) async throws {
        try await Harness.run { harness in
            let id = try await harness.slack()
            let before = try await harness.send(.get, "/connections/\(id)")
            harness.clock.advance(seconds: 60)
            let put = try await harness.send(.put, "/connections/\(id)", update.body)
            #expect(put.status == 200, "\(put.text)")
            for (name, value) in update.gives { #expect(put[name] == value) }
            #expect((put["updated_at"] != before["updated_at"]) == update.writes)
            #expect(put.headers[.eTag] == (update.writes ? "\"2\"" : "\"1\""))
            #expect(try await harness.send(.get, "/connections/\(id)").text == put.text)
        }
    }

    static let refusals: [(body: String, problems: [String])] = [
        (#"{"label":7,"config":[],"status":"x"}"#, [#""string_type""#, #""dict_type""#, #""enum""#]),
        (
            #"{"label":"\#(String(repeating: "é", count: 256))"}"#,
            [#""string_too_long""#, #""ctx":{"max_length":255}"#]
        ),
        ("[]", [#""model_attributes_type","loc":["body"]"#]),
        ("null", [#""model_attributes_type""#]),
        (#"{"label":"#, [#""json_invalid""#, "Expecting value"]),
        (#"{"label":"\ud800"}"#, [#""json_invalid""#]),
        (#"{"config":{"a":NaN}}"#, [#""json_invalid""#]),
        (#"{"tags":["a",1]}"#, [#""loc":["body","tags",1]"#]),
        (
            #"{"config":{"signing_secret":"********"}}"#,
            [#""integration_config","loc":["body","config","signing_secret"]"#]
        ),
    ]

    @Test(arguments: refusals)
    func `a refused body changes nothing`(_ body: String, _ problems: [String]) async throws {
        try await Harness.run { harness in
            let id = try await harness.slack()
            let before = try await harness.send(.get, "/connections/\(id)").text
            let put = try await harness.send(.put, "/connections/\(id)", body)
            #expect(put.status == 422)
            for problem in problems { #expect(put.text.contains(problem), "\(put.text)") }
            #expect(try await harness.send(.get, "/connections/\(id)").text == before)
        }
    }

    @Test func `If-Match and If-None-Match`() async throws {
        try await Harness.run { harness in
            let id = try await harness.slack()
            let path = "/connections/\(id)"
            func put(_ match: String) async throws -> Int {
                try await harness.send(.put, path, #"{"label":"x"}"#, headers: [.ifMatch: match]).status
            }
            #expect(try await put("\"7\"") == 412)
            #expect(try await put("W/\"1\"") == 412)
            #expect(try await put("\"9\", \"1\"") == 200)
            #expect(try await put("*") == 200)
            #expect(try await harness.send(.get, path, headers: [.ifNoneMatch: "\"3\""]).status == 304)
            #expect(try await harness.send(.get, path, headers: [.ifNoneMatch: "\"1\""]).status == 200)
        }
    }

    @Test func `a secret in the config is masked, kept by the mask and bound to its destination`() async throws {
        try await Harness.run { harness in
            let secret = "0123456789abcdef0123456789abcdef"
            let id = try await harness.slack(#""config":{"signing_secret":"\#(secret)","x":1}"#)
            let path = "/connections/\(id)"
            let read = try await harness.send(.get, path)
            #expect(read["config"] == #"{"signing_secret":"********","x":1}"#)
            let kept = try await harness.send(.put, path, #"{"config":{"signing_secret":"********","x":2}}"#)
            #expect(kept["config"] == #"{"signing_secret":"********","x":2}"#)
            let dropped = try await harness.send(.put, path, #"{"config":{"x":3}}"#)
            #expect(dropped["config"] == #"{"x":3}"#)
            let gone = try await harness.send(.put, path, #"{"config":{"signing_secret":"********"}}"#)
            #expect(gone.status == 422)
        }
    }

    @Test func `a changed destination wants nothing where there is no secret`() async throws {
        try await Harness.run { harness in
            let created = try await harness.send(
                .post, "/connections",
                """
                {"integration":"mcp","integration_type":"mcp","auth_method_id":"none","credentials":{},
                 "config":{"server_url":"https://one.example.com/mcp"}}
                """)
            let path = "/connections/\(created.string("id") ?? "")"
            let moved = try await harness.send(
                .put, path, #"{"config":{"server_url":"https://two.example.com/mcp"}}"#)
            #expect(moved.status == 200, "\(moved.text)")
            #expect(moved["secret_rebind_required"] == "false")
        }
    }

    @Test func `a changed destination wants the secret again`() async throws {
        try await Harness.run { harness in
            let created = try await harness.send(
                .post, "/connections",
                """
                {"integration":"rest-api","integration_type":"api","auth_method_id":"bearer",
                 "credentials":{"token":"abcdefghij"},"config":{"base_url":"https://api.example.com/v1"}}
                """)
            let path = "/connections/\(created.string("id") ?? "")"
            #expect(created["secret_rebind_required"] == "false")
            let samePlace = try await harness.send(
                .put, path, #"{"config":{"base_url":"https://API.example.com:443/v2"}}"#)
            #expect(samePlace["secret_rebind_required"] == "false")
            let moved = try await harness.send(.put, path, #"{"config":{"base_url":"https://evil.example.net"}}"#)
            #expect(moved["secret_rebind_required"] == "true")
            let credential = created.string("credential_id") ?? ""
            // Keeping the old value is not entering it again.
            try await harness.send(.put, "/credentials/\(credential)", #"{"data":{"token":"********"}}"#)
            #expect(try await harness.send(.get, path)["secret_rebind_required"] == "true")
            let entered = try await harness.send(
                .put, "/credentials/\(credential)", #"{"data":{"token":"klmnopqrst"}}"#)
            #expect(entered.status == 200)
            #expect(try await harness.send(.get, path)["secret_rebind_required"] == "false")
            // What a binding changed is one of the connection's entries, and counted like the others.
            try await harness.send(.put, path, #"{"label":"x"}"#)
            let events = try await harness.send(.get, "/events?type=connection.*").events
            let sequences = events.compactMap { $0["sequence"]?.string }
            #expect(events.last?["data"]?.string.contains(#""label""#) == true)
            #expect(events.dropLast().last?["data"]?.string.contains(#""secret_rebind_required""#) == true)
            #expect(sequences == events.indices.map { "\($0 + 1)" })
        }
    }
}
