import Catalog
import Connections
import LosslessJSON
import Storage
import TestSupport
import Testing

@testable import OAuth

/// Integrations that a workspace writes, and what becomes of secrets when it writes them otherwise.
@Suite struct IntegrationServiceTests {
    private static let workspace = Room.workspace

    /// What an integration says that a secret could be sent by.
    private struct Shape: Sendable {
        var type = "api"
        var baseURL = "https://api.test"
        var tokenURL = "https://id.test/token"
        var header = "Authorization"
        var value = "Bearer {access_token}"
        var test = #"{"url":"/me"}"#
        var description = "d"

        var text: JSONText {
            .literal(
                #"""
                {"name":"Own","type":"\#(type)","category":"http","description":"\#(description)",
                 "docs_url":"https://api.test/docs","base_url":"\#(baseURL)","test":\#(test),
                 "auth_methods":[{"id":"oauth2","name":"O","type":"oauth2","auth_type":"public_key_secret",
                   "description":"d",
                   "fields":[{"key":"client_id","label":"ID","type":"text","required":true,"secure":false},
                             {"key":"client_secret","label":"Secret","type":"password","required":true}],
                   "apply":[{"in":"header","name":"\#(header)","value":"\#(value)"}],
                   "oauth":{"grant":"client_credentials","token_url":"\#(tokenURL)"}}]}
                """#)
        }

        func named(_ id: String) -> JSONText {
            var object = JSONObject(text.slice)
            object["id"] = JSONText(id)
            return object.text
        }
    }

    /// The service with the catalog that it keeps.
    private struct Desk: Sendable {
        let room: Room
        let catalog = WorkspaceCatalog()

        var service: IntegrationService {
            IntegrationService(store: room.store, catalog: catalog, ambient: room.ambient)
        }

        func create(_ shape: Shape = Shape(), id: String = "own") async throws {
            let made = try await service.create(shape.named(id), in: workspace, cause: room.cause)
            #expect(made.revision == 1)
            #expect(made.integration.isWorkspaceDefined)
        }

        func connect() async throws -> Connection {
            let connections = ConnectionService(
                store: room.store, vault: room.vault, catalog: catalog, ambient: room.ambient)
            var data = JSONObject()
            data["client_id"] = JSONText("id")
            data["client_secret"] = JSONText("secret")
            return try await connections.create(
                ConnectionDraft(
                    integration: "own", integrationType: .api, authMethodID: nil, credential: .inline(data),
                    label: nil, config: JSONObject(), userID: nil, externalID: nil, tags: nil, metadata: nil),
                in: workspace, cause: room.cause)
        }

        /// What a refresh or a reading of the connection's grant would meet.
        func situation(of connection: Connection) async throws -> GrantProblem? {
            let apps = OAuthAppService(
                store: room.store, vault: room.vault, catalog: catalog, ambient: room.ambient, defaults: [])
            let reader = GrantReader(vault: room.vault, catalog: catalog, apps: apps, ambient: room.ambient)
            let key = GrantKey(workspaceID: workspace, credentialID: connection.credentialID)
            return try await room.store.write { tx in
                do {
                    _ = try reader.situation(key, via: connection.id, tx: tx)
                    return nil
                } catch let problem as GrantProblem {
                    return problem
                }
            }
        }
    }

    private static func run(_ body: @Sendable (Desk) async throws -> Void) async throws {
        try await Room.run(origin: "https://id.test", clock: TestClock()) { try await body(Desk(room: $0)) }
    }

    private static func conflicts(_ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return false
        } catch DomainError.conflict {
            return true
        } catch {
            return false
        }
    }

    // MARK: Names

    @Test func `a built-in one is nobody's to write`() async throws {
        try await Self.run { desk in
            let cause = desk.room.cause
            let refusals = [
                await Self.conflicts { try await desk.create(id: "slack") },
                await Self.conflicts {
                    _ = try await desk.service.update(
                        "slack", to: Shape().text, in: Self.workspace, if: .none, cause: cause)
                },
                await Self.conflicts {
                    try await desk.service.delete("slack", in: Self.workspace, if: .none, cause: cause)
                },
            ]
            #expect(refusals == [true, true, true])
            let kept = try await desk.room.store.integrationDefinitions()
            #expect(kept.isEmpty)
        }
    }

    @Test func `an id is taken once`() async throws {
        try await Self.run { desk in
            try await desk.create()
            #expect(await Self.conflicts { try await desk.create() })
            await #expect(throws: DomainError.self) {
                try await desk.service.create(Shape().text, in: Self.workspace, cause: desk.room.cause)
            }
        }
    }

    @Test func `what is wrong is said with its place`() async throws {
        try await Self.run { desk in
            var shape = Shape()
            shape.tokenURL = "http://id.test/token"
            let text = shape.named("own")
            let error = await #expect(throws: DomainError.self) {
                try await desk.service.create(text, in: Self.workspace, cause: desk.room.cause)
            }
            guard case .invalidField(let location, _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(location.first == "body")
            #expect(location.contains("token_url"))
        }
    }

    // MARK: Changing

    @Test func `a change counts a revision and holds to If-Match`() async throws {
        try await Self.run { desk in
            try await desk.create()
            var shape = Shape()
            shape.description = "second"
            let text = shape.text
            let cause = desk.room.cause
            let changed = try await desk.service.update(
                "own", to: text, in: Self.workspace, if: .revisions([1]), cause: cause)
            #expect(changed.revision == 2)
            #expect(desk.catalog.integration("own", in: Self.workspace)?.description == "second")
            #expect(desk.catalog.revision("own", in: Self.workspace) == 2)
            await #expect(throws: DomainError.preconditionFailed) {
                try await desk.service.update("own", to: text, in: Self.workspace, if: .revisions([1]), cause: cause)
            }
            await #expect(throws: DomainError.preconditionFailed) {
                try await desk.service.delete("own", in: Self.workspace, if: .revisions([1]), cause: cause)
            }
            await #expect(throws: DomainError.notFound(.integration)) {
                try await desk.service.update("none", to: text, in: Self.workspace, if: .none, cause: cause)
            }
            await #expect(throws: DomainError.notFound(.integration)) {
                try await desk.service.update("own", to: text, in: .numbered(9), if: .none, cause: cause)
            }
            // What another start reads.
            let next = WorkspaceCatalog()
            let unreadable = try await next.load(desk.room.store)
            #expect(unreadable.isEmpty)
            #expect(next.integration("own", in: Self.workspace)?.description == "second")
        }
    }

    @Test func `the type stays`() async throws {
        try await Self.run { desk in
            try await desk.create()
            var shape = Shape()
            shape.type = "tool"
            let text = shape.text
            #expect(
                await Self.conflicts {
                    _ = try await desk.service.update(
                        "own", to: text, in: Self.workspace, if: .none, cause: desk.room.cause)
                })
            #expect(desk.catalog.integration("own", in: Self.workspace)?.type == .api)
            #expect(desk.catalog.revision("own", in: Self.workspace) == 1)
        }
    }

    @Test func `one that connections use is not deleted`() async throws {
        try await Self.run { desk in
            try await desk.create()
            let connection = try await desk.connect()
            let cause = desk.room.cause
            #expect(
                await Self.conflicts {
                    try await desk.service.delete("own", in: Self.workspace, if: .none, cause: cause)
                })
            #expect(desk.catalog.integration("own", in: Self.workspace) != nil)
            try await desk.room.store.write { try $0.delete(connection) }
            try await desk.service.delete("own", in: Self.workspace, if: .none, cause: cause)
            #expect(desk.catalog.integration("own", in: Self.workspace) == nil)
            let left = try await desk.room.store.integrationDefinitions()
            #expect(left.isEmpty)
            let kinds = try await desk.room.journal()
            #expect(
                kinds.filter { $0.hasPrefix("integration.") } == ["integration.created", "integration.deleted"])
        }
    }

    // MARK: Secrets

    private struct Edit: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let rebinds: Bool
        let change: @Sendable (inout Shape) -> Void
    }

    private static let edits: [Edit] = [
        Edit(testDescription: "words for people", rebinds: false) { $0.description = "other words" },
        Edit(testDescription: "the base URL's host", rebinds: true) { $0.baseURL = "https://evil.test" },
        Edit(testDescription: "the base URL's path", rebinds: true) { $0.baseURL = "https://api.test/echo" },
        Edit(testDescription: "the token URL's host", rebinds: true) { $0.tokenURL = "https://evil.test/token" },
        Edit(testDescription: "the token URL's path", rebinds: true) { $0.tokenURL = "https://id.test/log" },
        Edit(testDescription: "the header", rebinds: true) { $0.header = "X-Trace" },
        Edit(testDescription: "what is in the header", rebinds: true) { $0.value = "{client_secret}" },
        Edit(testDescription: "the test's path", rebinds: true) { $0.test = #"{"url":"/log"}"# },
        Edit(testDescription: "the test's host", rebinds: true) { $0.test = #"{"url":"https://evil.test/me"}"# },
        Edit(testDescription: "how a test is read", rebinds: false) { $0.test = #"{"url":"/me","expects":"id"}"# },
    ]

    @Test(arguments: edits)
    private func `a secret opens only for the sending it was entered for`(_ edit: Edit) async throws {
        try await Self.run { desk in
            try await desk.create()
            let connection = try await desk.connect()
            #expect(try await desk.situation(of: connection) == nil)
            var shape = Shape()
            edit.change(&shape)
            _ = try await desk.service.update(
                "own", to: shape.text, in: Self.workspace, if: .none, cause: desk.room.cause)
            let problem = try await desk.situation(of: connection)
            #expect(problem?.code == (edit.rebinds ? .secretRebindRequired : nil))
            // Back as it was, it opens again.
            _ = try await desk.service.update(
                "own", to: Shape().text, in: Self.workspace, if: .none, cause: desk.room.cause)
            #expect(try await desk.situation(of: connection) == nil)
        }
    }
}
