import HTTPTypes
import Testing

@testable import HTTPAPI

/// Another workspace's id answers exactly as an id that never was, on every route that takes one.
@Suite struct TenantTests {
    /// An id of the same kind that nothing ever had.
    private static func never(_ id: String) -> String {
        String(id.prefix { $0 != "_" }) + "_01ARZ3NDEKTSV4RRFFQ69G5FAV"
    }

    private static func body(for route: Route) -> String? {
        guard route.method == .put else { return nil }
        return route.path.contains("{integration_id}") ? Harness.definition : #"{"label":"x","name":"x"}"#
    }

    @Test func `a foreign id is like one that never was`() async throws {
        try await Harness.run { harness in
            let a = try await harness.tenant("a")
            let b = try await harness.tenant("b")
            let connection = try await harness.slack(key: b.key)
            let credential =
                try await harness.send(.get, "/connections/\(connection)", key: b.key)
                .string("credential_id") ?? ""
            let integration = try await harness.integration("own-api", key: b.key)
            let foreign = [
                "{connection_id}": (connection, Self.never(connection)),
                "{credential_id}": (credential, Self.never(credential)), "{key_id}": (b.keyID, Self.never(b.keyID)),
                "{workspace_id}": (b.workspace, Self.never(b.workspace)),
                "{app_id}": (try await harness.app(key: b.key), "app_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
                "{integration_id}": (integration, "never-was"),
                "{webhook_id}": (try await harness.webhook(key: b.key), "whk_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ]
            var asked = 0
            for route in harness.routes {
                guard let (name, (id, never)) = foreign.first(where: { route.path.contains($0.key) }) else { continue }
                if case .open = route.access { continue }
                let template = route.path.replacing("/api/v1", with: "")
                let body = Self.body(for: route)
                let first = try await harness.send(
                    route.method, template.replacing(name, with: id), body, key: a.key)
                let second = try await harness.send(
                    route.method, template.replacing(name, with: never), body, key: a.key)
                #expect(first.status == 404, "\(route.operationID)")
                #expect(first.status == second.status)
                #expect(first.text == second.text)
                asked += 1
            }
            #expect(asked == 31)
            #expect(try await harness.send(.get, "/connections/\(connection)", key: b.key).string("label") == "one")
        }
    }

    @Test func `a foreign credential in a body and in a filter is nobody's`() async throws {
        try await Harness.run { harness in
            let a = try await harness.tenant("a")
            let b = try await harness.tenant("b")
            let connection = try await harness.slack(key: b.key)
            let credential =
                try await harness.send(.get, "/connections/\(connection)", key: b.key)
                .string("credential_id") ?? ""
            let never = "cred_01ARZ3NDEKTSV4RRFFQ69G5FAV"
            for path in ["/connections?credential_id=", "/connections?cursor=c1_"] {
                let id = path.contains("cursor") ? String(connection.dropFirst(5)) : credential
                let reply = try await harness.send(.get, path + id, key: a.key)
                #expect(reply["connections"] == "[]")
                #expect(reply["total"] == "0")
            }
            var texts: [String] = []
            for id in [credential, never] {
                let reply = try await harness.send(
                    .post, "/connections",
                    #"{"integration":"slack","integration_type":"connectors","credential_id":"\#(id)"}"#, key: a.key)
                #expect(reply.status == 404)
                texts.append(reply.text)
            }
            #expect(Set(texts).count == 1)
        }
    }

    @Test func `a foreign workspace in the header is like one that never was`() async throws {
        try await Harness.run { harness in
            let a = try await harness.tenant("a")
            let b = try await harness.tenant("b")
            for id in [b.workspace, "wsp_01ARZ3NDEKTSV4RRFFQ69G5FAV", "default", "x"] {
                let reply = try await harness.send(
                    .get, "/connections", key: a.key, headers: [.workspaceID: id])
                #expect(reply.status == 404)
                #expect(reply.text == #"{"detail":"Workspace not found"}"#)
            }
        }
    }

    @Test func `a foreign app and a foreign connection cannot be taken into a flow`() async throws {
        try await Harness.run { harness in
            let a = try await harness.tenant("a")
            let b = try await harness.tenant("b")
            try await harness.app(key: a.key)
            let ids = [
                ("app_id", try await harness.app(key: b.key)), ("connection_id", try await harness.slack(key: b.key)),
            ]
            for (field, id) in ids {
                var texts: [String] = []
                for id in [id, Self.never(id), "x"] {
                    let reply = try await harness.send(
                        .post, "/oauth/initiate", #"{"integration_id":"linear","\#(field)":"\#(id)"}"#, key: a.key)
                    #expect(reply.status == 404)
                    texts.append(reply.text)
                }
                #expect(Set(texts).count == 1)
            }
        }
    }

    /// Nobody shows a key there, so it must not tell which apps there are.
    @Test func `a callback for any app answers alike to a state that nobody made`() async throws {
        try await Harness.run { harness in
            let app = try await harness.app(key: harness.tenant("a").key)
            var texts: [String] = []
            for id in [app, Self.never(app), "x"] {
                let reply = try await harness.send(.get, "/oauth/callback/\(id)?state=s&code=c", key: nil)
                #expect(reply.status == 400)
                texts.append(reply.text)
            }
            #expect(Set(texts).count == 1)
        }
    }

    @Test func `an integration of one workspace is none in another`() async throws {
        try await Harness.run { harness in
            let a = try await harness.tenant("a")
            let b = try await harness.tenant("b")
            try await harness.integration("own-api", key: b.key)
            let listed = try await harness.send(.get, "/integrations?search=own-api", key: a.key)
            #expect(listed["total"] == "0")
            let body = #"{"integration":"own-api","integration_type":"api","credentials":{"token":"t"}}"#
            let refused = try await harness.send(.post, "/connections", body, key: a.key)
            #expect(refused.status == 422)
            let taken = try await harness.send(.post, "/connections", body, key: b.key)
            #expect(taken.status == 200, "\(taken.text)")
            // Each may have one of the same name.
            #expect(try await harness.integration("own-api", key: a.key) == "own-api")
        }
    }
}
