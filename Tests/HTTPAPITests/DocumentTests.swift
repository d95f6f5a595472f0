import HTTPTypes
import LosslessJSON
import Testing

@testable import HTTPAPI

/// The route table and the OpenAPI document, compared both ways.
@Suite struct DocumentTests {
    private static func operations(_ document: JSONObject) -> [String: String] {
        var operations: [String: String] = [:]
        for path in JSONObject(document["paths"]?.slice ?? JSONText.null.slice).members {
            for method in JSONObject(path.value.slice).members {
                let operation = JSONObject(method.value.slice)
                let id = operation["operationId"]?.slice.string ?? ""
                let permission = operation["x-patchbay-permission"]?.slice.string ?? ""
                operations["\(method.name.uppercased()) \(path.name)"] = "\(id) \(permission)"
            }
        }
        return operations
    }

    @Test func `every route is documented and every operation has a route`() async throws {
        try await Harness.run { harness in
            let document = try await harness.send(.get, "/openapi.json", key: nil)
            let documented = Self.operations(document.json)
            let served = Dictionary(
                uniqueKeysWithValues: harness.routes.map { route in
                    ("\(route.method.rawValue) \(route.path)", "\(route.operationID) \(route.access.name)")
                })
            #expect(documented.filter { served[$0.key] != $0.value } == [:])
            #expect(served.filter { documented[$0.key] != $0.value } == [:])
        }
    }

    @Test func `every operation that is not open asks who calls`() async throws {
        try await Harness.run { harness in
            for route in harness.routes {
                if case .open = route.access { continue }
                let path = route.path.replacing("/api/v1", with: "").split(separator: "/").map { segment in
                    segment.hasPrefix("{") ? "x" : String(segment)
                }
                let reply = try await harness.send(route.method, "/" + path.joined(separator: "/"), key: nil)
                #expect(reply.status == 401, "\(route.operationID)")
            }
        }
    }

    @Test func `a wrong method names the right ones, an unknown path none`() async throws {
        try await Harness.run { harness in
            let reply = try await harness.send(.patch, "/connections/conn_x")
            #expect(reply.status == 405)
            #expect(reply.headers[.allow] == "DELETE, GET, PUT")
            #expect(reply.headers[.requestID] != nil)
            #expect(try await harness.send(.get, "/nothing").status == 404)
            #expect(try await harness.send(.head, "/connections").status == 405)
        }
    }

    @Test func `a request id is kept when it is sane`() async throws {
        try await Harness.run { harness in
            func echoed(_ id: String) async throws -> String? {
                try await harness.send(.get, "/health/live", headers: [.requestID: id]).headers[.requestID]
            }
            for id in ["abc-1.2_X", String(repeating: "a", count: 128)] {
                let echo = try await echoed(id)
                #expect(echo == id)
            }
            for id in ["with space", String(repeating: "a", count: 129)] {
                let echo = try await echoed(id)
                #expect(echo != id)
            }
        }
    }
}
