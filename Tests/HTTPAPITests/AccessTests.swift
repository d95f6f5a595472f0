import Connections
import HTTPTypes
import LosslessJSON
import Testing

@testable import HTTPAPI

@Suite struct AccessTests {
    @Test func `who may call`() async throws {
        try await Harness.run { harness in
            let key = Harness.bootstrapKey
            func session(_ key: String?, _ headers: HTTPFields = [:]) async throws -> Harness.Reply {
                try await harness.send(.get, "/auth/session", key: key, headers: headers)
            }
            let nobody = try await session(nil)
            #expect(nobody.status == 401)
            #expect(nobody.headers[.wwwAuthenticate] == "Bearer")
            #expect(try await session("wrong").status == 401)
            #expect(try await session(nil, [.apiKey: key]).status == 200)
            #expect(try await session(key, [.apiKey: key]).status == 200)
            #expect(try await session(key, [.apiKey: "other"]).status == 401)
            #expect(try await session(nil, [.authorization: "Basic \(key)"]).status == 401)
        }
    }

    @Test func `a revoked, expired or deleted key stops on the next request`() async throws {
        try await Harness.run { harness in
            let tenant = try await harness.tenant("t")
            func works(_ key: String) async throws -> Bool {
                try await harness.send(.get, "/connections", key: key).status == 200
            }
            #expect(try await works(tenant.key))
            try await harness.send(.put, "/api-keys/\(tenant.keyID)", #"{"status":"inactive"}"#)
            #expect(try await !works(tenant.key))
            try await harness.send(.put, "/api-keys/\(tenant.keyID)", #"{"status":"active"}"#)
            #expect(try await works(tenant.key))
            let expiry = harness.clock.now.advanced(bySeconds: 60).rfc3339
            try await harness.send(.put, "/api-keys/\(tenant.keyID)", #"{"expires_at":"\#(expiry)"}"#)
            #expect(try await works(tenant.key))
            harness.clock.advance(seconds: 61)
            #expect(try await !works(tenant.key))
            let other = try await harness.tenant("o")
            #expect(try await works(other.key))
            #expect(try await harness.send(.delete, "/api-keys/\(other.keyID)").status == 204)
            #expect(try await !works(other.key))
        }
    }

    @Test func `a permission is asked for, after the workspace and before the body`() async throws {
        try await Harness.run { harness in
            let reader = try await harness.tenant("r", permissions: ["read"])
            #expect(try await harness.send(.post, "/connections", "not json", key: reader.key).status == 403)
            #expect(try await harness.send(.get, "/api-keys", key: reader.key).status == 403)
            let elsewhere: HTTPFields = [.workspaceID: "wsp_01ARZ3NDEKTSV4RRFFQ69G5FAV"]
            #expect(
                try await harness.send(.post, "/connections", "{}", key: reader.key, headers: elsewhere).status == 404)
            let writer = try await harness.tenant("w", permissions: ["read", "write"])
            let id = try await harness.slack(key: writer.key)
            let credential = try await harness.send(.get, "/connections/\(id)", key: writer.key).string("credential_id")
            let attach = try await harness.send(
                .post, "/connections",
                #"{"integration":"slack","integration_type":"connectors","credential_id":"\#(credential ?? "")"}"#,
                key: writer.key)
            #expect(attach.status == 403)
            #expect(attach.text.contains("secrets"))
        }
    }

    /// Rule 10: nobody gives away what they have not got.
    static let grants: [(body: String, status: Int)] = [
        (#"{"label":"x"}"#, 200),
        (#"{"label":"x","permissions":["admin"]}"#, 200),
        (#"{"label":"x","permissions":["admin","secrets"]}"#, 403),
        (#"{"label":"x","expires_at":"2099-01-01T00:00:00Z"}"#, 403),
        (#"{"label":"x","expires_at":"2023-11-14T22:14:00Z"}"#, 200),
    ]

    @Test(arguments: grants)
    func `a key grants no more than it has`(_ body: String, _ status: Int) async throws {
        try await Harness.run { harness in
            let expiry = harness.clock.now.advanced(bySeconds: 3_600).rfc3339
            let caller = try await harness.send(
                .post, "/api-keys", #"{"label":"c","permissions":["read","admin"],"expires_at":"\#(expiry)"}"#)
            let reply = try await harness.send(.post, "/api-keys", body, key: caller.string("secret"))
            #expect(reply.status == status, "\(reply.text)")
            guard status == 200 else { return }
            // What was left out is the caller's own.
            #expect(reply["permissions"] != #"["read","write"]"#)
            #expect(reply["expires_at"] != "null")
        }
    }

    @Test func `a key cannot be widened through another`() async throws {
        try await Harness.run { harness in
            let caller = try await harness.tenant("c", permissions: ["read", "admin"])
            let own = try await harness.send(.get, "/api-keys", key: caller.key)
            #expect(own["total_count"] == "1")
            let widen = try await harness.send(
                .put, "/api-keys/\(caller.keyID)", #"{"permissions":["read","admin","secrets"]}"#, key: caller.key)
            #expect(widen.status == 403)
            #expect(try await harness.send(.post, "/workspaces", #"{"name":"n"}"#, key: caller.key).status == 403)
        }
    }

    @Test func `several workspaces want a header, none are refused`() async throws {
        let secret = "0123456789abcdef0123456789abcdef"
        let users = try UserTokenConfiguration(
            key: .secret(Secret(secret)), issuer: "https://issuer", audience: "patchbay", claims: nil)
        try await Harness.run(users: users) { harness in
            let a = try await harness.tenant("a").workspace
            let b = try await harness.tenant("b").workspace
            let mint = TokenMint(secret: secret, now: harness.clock.now)
            func status(_ token: String, _ headers: HTTPFields = [:]) async throws -> Int {
                try await harness.send(.get, "/connections", key: token, headers: headers).status
            }
            #expect(try await status(mint.token(workspaces: [a])) == 200)
            #expect(try await status("supabase_" + mint.token(workspaces: [a])) == 200)
            #expect(try await status(mint.token(workspaces: [a, b])) == 422)
            #expect(try await status(mint.token(workspaces: [a, b]), [.workspaceID: b]) == 200)
            #expect(try await status(mint.token(workspaces: [])) == 403)
            #expect(try await status(mint.token(workspaces: [a]), [.workspaceID: b]) == 404)
            #expect(try await status(mint.token(workspaces: [a], permissions: [])) == 403)
            for broken in mint.broken(workspace: a) { #expect(try await status(broken) == 401, "\(broken)") }
        }
    }

    @Test func `claims that users write themselves are refused`() {
        #expect(throws: UserTokenConfiguration.Invalid.self) {
            try UserTokenConfiguration(
                key: .secret(Secret(String(repeating: "k", count: 32))), issuer: "i", audience: "a",
                claims: "workspaces=user_metadata.workspaces")
        }
        #expect(throws: UserTokenConfiguration.Invalid.self) {
            try UserTokenConfiguration(key: .secret(Secret("short")), issuer: "i", audience: "a", claims: nil)
        }
    }
}
