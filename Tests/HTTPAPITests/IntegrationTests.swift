import Connections
import HTTPTypes
import Storage
import Testing

@testable import HTTPAPI

/// Integrations that a workspace wrote, and what else the room of grants shows through the API.
@Suite struct IntegrationTests {
    @Test func `a workspace's own has a revision, a built-in one has none`() async throws {
        try await Harness.run { harness in
            let id = try await harness.integration("own", key: Harness.bootstrapKey)
            let path = "/integrations/\(id)"
            let first = try await harness.send(.get, path)
            #expect(first.headers[.eTag] == "\"1\"")
            #expect(try await harness.send(.get, path, headers: [.ifNoneMatch: "\"1\""]).status == 304)

            let stale = try await harness.send(.put, path, Harness.definition, headers: [.ifMatch: "\"9\""])
            #expect(stale.status == 412)
            let changed = try await harness.send(.put, path, Harness.definition, headers: [.ifMatch: "\"1\""])
            #expect(changed.status == 200)
            #expect(changed.headers[.eTag] == "\"2\"")
            #expect(try await harness.send(.get, path, headers: [.ifNoneMatch: "\"1\""]).status == 200)
            #expect(try await harness.send(.get, path).headers[.eTag] == "\"2\"")

            let slack = try await harness.send(.get, "/integrations/slack", headers: [.ifNoneMatch: "\"1\""])
            #expect(slack.status == 200)
            #expect(slack.headers[.eTag] == nil)
        }
    }

    @Test func `made anew it begins anew`() async throws {
        try await Harness.run { harness in
            let id = try await harness.integration("own", key: Harness.bootstrapKey)
            for _ in 0..<3 { try await harness.send(.put, "/integrations/\(id)", Harness.definition) }
            #expect(try await harness.send(.delete, "/integrations/\(id)").status == 204)
            #expect(try await harness.send(.get, "/integrations/\(id)").status == 404)
            try await harness.integration("own", key: Harness.bootstrapKey)
            #expect(try await harness.send(.get, "/integrations/\(id)").headers[.eTag] == "\"1\"")
        }
    }

    @Test func `an attached credential's grant is known at once`() async throws {
        try await Harness.run { harness in
            let credential = try await harness.send(
                .post, "/credentials",
                #"""
                {"label":"c","auth_type":"oauth_token_refresh",
                 "data":{"access_token":"access-0123","refresh_token":"refresh-0123","expires_at":"2023-11-14T23:00:00Z"}}
                """#
            ).string("id")
            let id = try #require(credential)
            let connection = try await harness.send(
                .post, "/connections",
                #"""
                {"integration":"oauth2","integration_type":"api","auth_method_id":"oauth2","credential_id":"\#(id)",
                 "config":{"base_url":"https://api.test","authorize_url":"https://id.test/a","token_url":"https://id.test/t"}}
                """#)
            #expect(connection.status == 200, "\(connection.text)")
            let workspace = try #require(WorkspaceID(connection.string("workspace_id") ?? ""))
            let key = try #require(CredentialID(id))
            let grant = try #require(await harness.store.grant(of: key, in: workspace))
            #expect(grant.hasRefreshToken)
            #expect(grant.accessExpiresAt == Timestamp(rfc3339: "2023-11-14T23:00:00Z"))
            #expect(grant.dueAt != nil)
        }
    }

    @Test func `readiness tells of the pause`() async throws {
        try await Harness.run { harness in
            let ready = try await harness.send(.get, "/health/ready")
            #expect(ready.status == 200)
            #expect(ready.text.contains(#""paused":false"#))
        }
    }
}
