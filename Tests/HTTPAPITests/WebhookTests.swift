import Connections
import Delivery
import HTTPTypes
import LosslessJSON
import Testing

@testable import HTTPAPI

@Suite struct WebhookTests {
    private static let url = #""url":"https://app.test/hook""#

    static let refusals = [
        Scenario("no URL", .post, "/webhooks", "{}", status: 422, contains: [#"["body","url"]"#]),
        Scenario("no body", .post, "/webhooks", status: 422),
        Scenario("a relative URL", .post, "/webhooks", #"{"url":"/hook"}"#, status: 422),
        Scenario("user info", .post, "/webhooks", #"{"url":"https://u:p@app.test/"}"#, status: 422, lacks: ["u:p"]),
        Scenario("a fragment", .post, "/webhooks", #"{"url":"https://app.test/#x"}"#, status: 422),
        Scenario("another scheme", .post, "/webhooks", #"{"url":"ftp://app.test/"}"#, status: 422),
        Scenario(
            "plain http to anywhere", .post, "/webhooks", #"{"url":"http://192.0.2.1/"}"#, status: 422,
            contains: ["PATCHBAY_EGRESS_ALLOW"]),
        Scenario("plain http where it is opened", .post, "/webhooks", #"{"url":"http://127.0.0.1:9/"}"#, status: 200),
        Scenario(
            "an unknown type", .post, "/webhooks", "{\(url),\"events\":[\"connection.created\",\"nothing\"]}",
            status: 422, contains: [#"["body","events",1]"#, "connection.created", "webhook.disabled", "connection.*"],
            lacks: ["api_key.created"]),
        Scenario("no types", .post, "/webhooks", "{\(url),\"events\":[]}", status: 422),
        Scenario("a label that is too long", .post, "/webhooks", "{\(url),\"label\":\"\(long)\"}", status: 422),
        Scenario("an unknown status", .post, "/webhooks", "{\(url),\"status\":\"off\"}", status: 422),
        Scenario(
            "groups and types", .post, "/webhooks", "{\(url),\"events\":[\"connection.*\",\"app.failing\"]}",
            status: 200, contains: [#""events":["connection.*","app.failing"]"#]),
        Scenario(
            "all by itself", .post, "/webhooks", "{\(url)}", status: 200,
            contains: [#""events":["*"]"#, #""status":"active""#, #""disabled":null"#, #""secret":"whsec_"#]),
    ]

    private static let long = String(repeating: "x", count: 256)

    @Test(arguments: refusals)
    func `a webhook is checked when it is made`(_ scenario: Scenario) async throws {
        try await Harness.run { try await $0.check(scenario) }
    }

    @Test func `the secret is shown when it is made, and never again`() async throws {
        try await Harness.run { harness in
            let made = try await harness.send(.post, "/webhooks", "{\(Self.url)}")
            let id = made.string("id") ?? ""
            let secret = made.string("secret") ?? ""
            #expect(secret.hasPrefix("whsec_"))
            #expect(secret.utf8.count == 50)
            #expect(made.headers[.cacheControl] == "no-store")
            for reply in [
                try await harness.send(.get, "/webhooks/\(id)"), try await harness.send(.get, "/webhooks"),
                try await harness.send(.put, "/webhooks/\(id)", #"{"label":"x"}"#),
                try await harness.send(.get, "/webhooks/\(id)/deliveries"),
                try await harness.send(.get, "/events"),
            ] {
                #expect(reply.status == 200)
                #expect(!reply.text.contains("whsec_"))
            }
            let rotated = try await harness.send(.post, "/webhooks/\(id)/rotate-secret")
            #expect(rotated.status == 200)
            #expect(rotated.string("secret")?.hasPrefix("whsec_") == true)
            #expect(rotated.string("secret") != secret)
            let expiry = harness.clock.now.advanced(bySeconds: 86_400).rfc3339
            #expect(rotated.string("previous_secret_expires_at") == expiry)
            let atOnce = try await harness.send(
                .post, "/webhooks/\(id)/rotate-secret", #"{"overlap_seconds":0}"#)
            #expect(atOnce["previous_secret_expires_at"] == "null")
            for body in [#"{"overlap_seconds":-1}"#, #"{"overlap_seconds":604801}"#, #"{"overlap_seconds":"x"}"#] {
                let reply = try await harness.send(.post, "/webhooks/\(id)/rotate-secret", body)
                #expect(reply.status == 422)
            }
        }
    }

    @Test func `a change keeps what it does not name, and has a revision`() async throws {
        try await Harness.run { harness in
            let id = try await harness.webhook()
            let changed = try await harness.send(
                .put, "/webhooks/\(id)", #"{"label":"L","events":["app.*"],"status":"inactive"}"#)
            #expect(changed.headers[.eTag] == "\"2\"")
            #expect(changed.string("url") == "https://app.test/hook")
            #expect(changed["events"] == #"["app.*"]"#)
            #expect(changed.string("status") == "inactive")
            let nothing = try await harness.send(.put, "/webhooks/\(id)", "{}")
            #expect(nothing["revision"] == "2")
            let stale = try await harness.send(
                .put, "/webhooks/\(id)", #"{"label":"x"}"#, headers: [.ifMatch: "\"1\""])
            #expect(stale.status == 412)
            let cleared = try await harness.send(.put, "/webhooks/\(id)", #"{"label":null}"#)
            #expect(cleared["label"] == "null")
            #expect(try await harness.send(.delete, "/webhooks/\(id)", headers: [.ifMatch: "\"1\""]).status == 412)
            #expect(try await harness.send(.delete, "/webhooks/\(id)").status == 204)
            #expect(try await harness.send(.get, "/webhooks/\(id)").status == 404)
        }
    }

    @Test func `a workspace has so many and no more`() async throws {
        try await Harness.run { harness in
            for _ in 0..<50 { _ = try await harness.webhook() }
            let refused = try await harness.send(.post, "/webhooks", "{\(Self.url)}")
            #expect(refused.status == 409)
            let other = try await harness.tenant("o")
            #expect(try await harness.webhook(key: other.key).hasPrefix("whk_"))
            #expect(try await harness.send(.get, "/webhooks")["total"] == "50")
        }
    }

    @Test func `who reads may look, who administers may change`() async throws {
        try await Harness.run { harness in
            let reader = try await harness.tenant("r", permissions: ["read"])
            let admin = try await harness.send(
                .post, "/api-keys", #"{"label":"a","permissions":["admin"]}"#,
                headers: [.workspaceID: reader.workspace]
            ).string("secret")
            let id = try await harness.webhook(key: admin ?? "")
            for path in ["/webhooks", "/webhooks/\(id)", "/webhooks/\(id)/deliveries"] {
                #expect(try await harness.send(.get, path, key: reader.key).status == 200)
                #expect(try await harness.send(.get, path, key: admin).status == 403)
            }
            for path in ["/webhooks", "/webhooks/\(id)/test", "/webhooks/\(id)/replay"] {
                #expect(try await harness.send(.post, path, "{}", key: reader.key).status == 403)
            }
        }
    }

    @Test func `a test tells what came of it`() async throws {
        try await Harness.run { harness in
            let id = try await harness.webhook(url: "http://127.0.0.1:1/")
            let reply = try await harness.send(.post, "/webhooks/\(id)/test")
            #expect(reply.status == 200)
            #expect(reply["delivered"] == "false")
            #expect(reply["status"] == "null")
            #expect(reply.string("error") == "connect_failed")
            // It is no event, and leaves no row.
            #expect(try await harness.send(.get, "/webhooks/\(id)/deliveries")["total"] == "0")
            var statuses: Set<Int> = []
            for _ in 0..<40 { statuses.insert(try await harness.send(.post, "/webhooks/\(id)/test").status) }
            #expect(statuses == [200, 429])
        }
    }

    @Test func `deliveries are listed, filtered and replayed`() async throws {
        try await Harness.run { harness in
            let id = try await harness.webhook(url: "http://127.0.0.1:1/")
            for _ in 0..<3 { _ = try await harness.slack() }
            await harness.dispatcher.settle()
            let all = try await harness.send(.get, "/webhooks/\(id)/deliveries?limit=2")
            #expect(all["total"] == "3")
            let first = try #require(all.json["deliveries"]?.slice.elements.first.map { JSONObject($0) })
            #expect(first["state"]?.slice.string == "pending")
            #expect(first["type"]?.slice.string == "connection.created")
            #expect(first["last_error"]?.slice.string == "connect_failed")
            #expect(first["attempts"]?.string == "1")
            #expect(!all.text.contains("slack"))
            let rest = try await harness.send(
                .get, "/webhooks/\(id)/deliveries?limit=2&cursor=\(all.string("next_cursor") ?? "")")
            #expect(rest.json["deliveries"]?.slice.elements.count == 1)
            #expect(rest["next_cursor"] == "null")
            #expect(try await harness.send(.get, "/webhooks/\(id)/deliveries?state=pending")["total"] == "3")
            #expect(try await harness.send(.get, "/webhooks/\(id)/deliveries?state=dead")["total"] == "0")
            #expect(try await harness.send(.get, "/webhooks/\(id)/deliveries?state=x").status == 422)
            let webhook = try await harness.send(.get, "/webhooks/\(id)")
            #expect(webhook["failures"] == "3")
            #expect(webhook.string("failing_since") == harness.clock.now.rfc3339)

            let event = first["id"]?.slice.string ?? ""
            let replayed = try await harness.send(.post, "/webhooks/\(id)/deliveries/\(event)/replay")
            #expect(replayed["attempts"] == "0")
            #expect(replayed.string("next_attempt_at") == harness.clock.now.rfc3339)
            let none = try await harness.send(.post, "/webhooks/\(id)/replay")
            #expect(none["requeued"] == "0")
            let from = try await harness.send(.post, "/webhooks/\(id)/replay", #"{"from_event":"\#(event)"}"#)
            #expect(from["requeued"] == "null")
            #expect(from.string("from_event") == event)
            for body in [#"{"from_event":"x"}"#, #"{"from_event":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#] {
                #expect(try await harness.send(.post, "/webhooks/\(id)/replay", body).status == 422)
            }
            for never in ["x", "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
                let reply = try await harness.send(.post, "/webhooks/\(id)/deliveries/\(never)/replay")
                #expect(reply.status == 404)
            }
            try await harness.send(.put, "/webhooks/\(id)", #"{"status":"inactive"}"#)
            let refused = try await harness.send(.post, "/webhooks/\(id)/replay")
            #expect(refused.status == 409)
            #expect(refused.string("error_code") == "webhook_inactive")
        }
    }
}
