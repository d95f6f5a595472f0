import HTTPTypes
import Testing

@testable import HTTPAPI

/// Another workspace's id answers exactly as an id that never was, on every route that takes one.
@Suite struct TenantTests {
    @Test func `a foreign id is like one that never was`() async throws {
        try await Harness.run { harness in
            let a = try await harness.tenant("a")
            let b = try await harness.tenant("b")
            let connection = try await harness.slack(key: b.key)
            let credential =
                try await harness.send(.get, "/connections/\(connection)", key: b.key)
                .string("credential_id") ?? ""
            let foreign = [
                "{connection_id}": connection, "{credential_id}": credential, "{key_id}": b.keyID,
                "{workspace_id}": b.workspace,
            ]
            var asked = 0
            for route in harness.routes {
                guard let (name, id) = foreign.first(where: { route.path.contains($0.key) }) else { continue }
                let never = String(id.prefix { $0 != "_" }) + "_01ARZ3NDEKTSV4RRFFQ69G5FAV"
                let template = route.path.replacing("/api/v1", with: "")
                let body = route.method == .put ? #"{"label":"x","name":"x"}"# : nil
                let first = try await harness.send(
                    route.method, template.replacing(name, with: id), body, key: a.key)
                let second = try await harness.send(
                    route.method, template.replacing(name, with: never), body, key: a.key)
                #expect(first.status == 404, "\(route.operationID)")
                #expect(first.status == second.status)
                #expect(first.text == second.text)
                asked += 1
            }
            #expect(asked == 12)
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
}
