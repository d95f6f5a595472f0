import Connections
import LosslessJSON
import Storage
import TestSupport
import Testing

@testable import OAuth

@Suite struct ImportServiceTests {
    // MARK: Words

    private static func row(
        _ id: String = "c1", access: String = "a1", refresh: String? = "r1", expiresIn: Int64 = 3_600, more: String = ""
    ) -> String {
        let refresh = refresh.map { #","refresh_token":"\#($0)""# } ?? ""
        let end = Timestamp.t0.advanced(bySeconds: expiresIn).rfc3339
        return """
            {"integration":"sample","external_id":"\(id)"\(more),
             "credentials":{"access_token":"\(access)"\(refresh),"expires_at":"\(end)"}}
            """
    }

    private static func connectionID(_ result: ImportResult) throws -> ConnectionID {
        try #require(result.connectionID, "\(result.errors)")
    }

    // MARK: Moving in

    @Test func `a row becomes a connection whose grant is suspended`() async throws {
        try await Room.run { room in
            let result = try await room.import(Self.row(more: #","scopes":["read"],"client_id":"simulator""#))
            #expect(result.status == .created)
            let grant = try await room.grant(of: Self.connectionID(result))
            #expect(grant.state == .suspended)
            #expect(grant.dueAt == nil)
            #expect(grant.hasRefreshToken)
            #expect(grant.clientID == "simulator")
            #expect(grant.appID == room.app.id)
            #expect(grant.requestedScopes == ["read"])
            #expect(grant.missingScopes.isEmpty)
            #expect(
                try await room.journal() == ["credential.created", "connection.created", "credential.imported"])
        }
    }

    @Test func `its access token is handed out while it lasts, and nothing is refreshed`() async throws {
        try await Room.run { room in
            let id = try await Self.connectionID(room.import(Self.row()))
            let reading = try await room.tokens.read(id, in: Room.workspace, cause: room.cause)
            #expect(reading.accessToken.withText { $0 } == "a1")
            room.clock.advance(seconds: 7_200)
            _ = await room.scheduler.round()
            for attempt in [true, false] {
                let problem = await #expect(throws: GrantProblem.self) {
                    if attempt {
                        _ = try await room.tokens.read(id, in: Room.workspace, cause: room.cause)
                    } else {
                        _ = try await room.tokens.refresh(id, in: Room.workspace, cause: room.cause)
                    }
                }
                #expect(problem?.code == .suspended)
            }
            #expect(try await room.refreshesSeen() == 0)
        }
    }

    @Test func `deleting one that is suspended tells the provider nothing`() async throws {
        try await Room.run { room in
            let id = try await Self.connectionID(room.import(Self.row()))
            try await room.connections.delete(id, in: Room.workspace, if: .none, cause: room.cause)
            let waiting = try await room.store.revocations(in: Room.workspace, page: PageRequest(limit: 1))
            #expect(waiting.total == 0)
        }
    }

    @Test func `a rehearsal tells the same and leaves nothing`() async throws {
        try await Room.run { room in
            let told = try await room.import(Self.row(), isRehearsal: true)
            #expect(told.status == .created)
            #expect(told.connectionID == nil)
            let id = try await room.store.connectionID(
                externalID: "c1", integration: "sample", in: Room.workspace)
            #expect(id == nil)
            #expect(try await room.journal().isEmpty)
        }
    }

    // MARK: Again

    struct Again: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let row: String
        let status: ImportResult.Status

        init(_ name: String, _ row: String, _ status: ImportResult.Status) {
            testDescription = name
            self.row = row
            self.status = status
        }
    }

    @Test(arguments: [
        Again("the same", row(more: #","label":"L""#), .unchanged),
        Again("less", row(), .unchanged),
        Again("another access token", row(access: "a2"), .updated),
        Again("another refresh token", row(refresh: "r2"), .updated),
        Again("no refresh token", row(refresh: nil), .updated),
        Again("another end", row(expiresIn: 1_800), .updated),
        Again("another label", row(more: #","label":"M""#), .updated),
        Again("scopes", row(more: #","scopes":["read"]"#), .updated),
        Again("a client", row(more: #","client_id":"simulator""#), .updated),
        Again("a client of nobody", row(more: #","client_id":"other""#), .updated),
        Again("metadata", row(more: #","metadata":{"a":1}"#), .updated),
        Again("another user", row(more: #","user_id":"u2""#), .failed),
        Again("another auth method", row(more: #","auth_method_id":"x""#), .failed),
        Again("an app of nobody", row(more: #","app_id":"app_01ARZ3NDEKTSV4RRFFQ69G5FAV""#), .failed),
    ])
    func `the same connection again`(_ again: Again) async throws {
        try await Room.run { room in
            let first = try await room.import(Self.row(more: #","label":"L""#))
            let second = try await room.import(again.row)
            #expect(second.status == again.status, "\(second.errors)")
            #expect(again.status == .failed || second.connectionID == first.connectionID)
            // And then it is what the row says.
            if again.status == .updated {
                let third = try await room.import(again.row)
                #expect(third.status == .unchanged, "\(third.errors)")
            }
            #expect(try await room.grant(of: Self.connectionID(first)).state == .suspended)
        }
    }

    @Test func `one that is live keeps what it has`() async throws {
        try await Room.run { room in
            let id = try await Self.connectionID(room.import(Self.row()))
            #expect(await room.activate(id) == .activated)
            #expect(try await room.import(Self.row()).status == .unchanged)
            let refused = try await room.import(Self.row(access: "a2"))
            #expect(refused.status == .failed)
            #expect(refused.errors.first?.contains("is live already") == true)
            #expect(try await room.grant(of: id).state == .live)
        }
    }

    @Test func `one that died takes new tokens and waits again`() async throws {
        try await Room.run { room in
            let id = try await Self.connectionID(room.import(Self.row()))
            let credential = try await room.grant(of: id).credentialID
            try await room.store.write { tx in
                var grant = try #require(try tx.grant(of: credential, in: Room.workspace))
                grant.end("invalid_grant")
                try tx.put(grant)
                try tx.setStatus(
                    .expired, ofUsersOf: credential, in: Room.workspace, evidence: StatusEvidence("invalid_grant"),
                    ambient: room.ambient, cause: room.cause)
            }
            #expect(try await room.import(Self.row(access: "a2")).status == .updated)
            #expect(try await room.grant(of: id).state == .suspended)
            #expect(try await room.store.connection(id, in: Room.workspace)?.status == .active)
        }
    }

    @Test func `many rows come back in their order`() async throws {
        try await Room.run { room in
            let lines = (1...150).map { $0.isMultiple(of: 10) ? "{" : Self.row("c\($0)") }
            let results = await room.import(all: lines)
            #expect(results.map(\.line) == Array(1...150))
            #expect(results.filter { $0.status == .failed }.map(\.line) == (1...15).map { $0 * 10 })
            let again = await room.import(all: lines.filter { $0 != "{" })
            #expect(again.allSatisfy { $0.status == .unchanged })
        }
    }

    @Test func `endpoints come from the app that obtained the grant, and secrets are bound to them`() async throws {
        try await Room.run { room in
            let more = #","client_id":"simulator","config":{"token_url":"https://elsewhere.test/token","a":1}"#
            let id = try await Self.connectionID(room.import(Self.row(more: more)))
            let config = JSONObject(try #require(await room.store.connection(id, in: Room.workspace)).config.slice)
            #expect(config["token_url"]?.slice.string == "\(room.origin)/token")
            #expect(config["a"]?.string == "1")
            _ = try await room.tokens.read(id, in: Room.workspace, cause: room.cause)
            #expect(try await room.import(Self.row(more: more)).status == .unchanged)
        }
    }

    // MARK: Activating

    @Test func `an activated grant is refreshed with the token that moved in`() async throws {
        try await Room.run("rotate") { room in
            let provider = try await room.control("grants", #"{"client_id":"simulator","expires_in":60}"#)
            let access: String = try #require(provider.text(at: "grants.0.access_token"))
            let refresh: String = try #require(provider.text(at: "grants.0.refresh_token"))
            let id = try await Self.connectionID(
                room.import(Self.row(access: access, refresh: refresh, expiresIn: 60)))
            #expect(await room.activate(id) == .activated)
            #expect(await room.activate(id) == .nothing)
            let grant = try await room.grant(of: id)
            #expect(grant.state == .live)
            #expect(grant.appID == room.app.id)
            let due = try #require(grant.dueAt)
            #expect(due <= Timestamp.t0.advanced(bySeconds: 60))
            room.clock.advance(seconds: 120)
            let reading = try await room.tokens.read(id, in: Room.workspace, cause: room.cause)
            #expect(reading.accessToken.withText { $0 } != access)
            #expect(try await room.refreshesSeen() == 1)
        }
    }

    @Test func `a grant of a client that nobody registered stays suspended`() async throws {
        try await Room.run { room in
            let id = try await Self.connectionID(room.import(Self.row(more: #","client_id":"other""#)))
            guard case .failed(let errors) = await room.activate(id) else {
                Issue.record("it was activated")
                return
            }
            #expect(errors.first?.contains("client_id") == true)
            #expect(try await room.grant(of: id).state == .suspended)
        }
    }

    @Test func `all that wait are activated, of one integration if one is named`() async throws {
        try await Room.run { room in
            let lines = (1...70).map { Self.row("c\($0)") } + [Self.row("x", more: #","client_id":"other""#)]
            _ = await room.import(all: lines)
            let none = try await room.imports.activateAll(
                in: Room.workspace, integration: "other", cause: room.cause)
            #expect(none.activated == 0)
            let all = try await room.imports.activateAll(in: Room.workspace, integration: nil, cause: room.cause)
            #expect(all.activated == 70)
            #expect(all.failures.count == 1)
        }
    }
}

extension ImportService.Activation {
    fileprivate static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.activated, .activated), (.nothing, .nothing): true
        default: false
        }
    }
}

extension Room {
    fileprivate var connections: ConnectionService {
        ConnectionService(
            store: store, vault: vault, catalog: services.catalog, ambient: ambient,
            departure: GrantDeparture(services: services))
    }

    fileprivate var imports: ImportService { ImportService(services: services, connections: connections) }

    fileprivate func `import`(all lines: [String], isRehearsal: Bool = false) async -> [ImportResult] {
        var reader = ImportReader()
        let entries = lines.enumerated().map { reader.read(Array($1.utf8), line: $0 + 1) }
        return await imports.run(entries, in: Self.workspace, isRehearsal: isRehearsal, cause: cause)
    }

    fileprivate func `import`(_ line: String, isRehearsal: Bool = false) async throws -> ImportResult {
        try #require(await `import`(all: [line], isRehearsal: isRehearsal).first)
    }

    fileprivate func activate(_ id: ConnectionID) async -> ImportService.Activation {
        await imports.activate(id, in: Self.workspace, cause: cause)
    }

    fileprivate func grant(of id: ConnectionID) async throws -> Grant {
        let connection = try #require(await store.connection(id, in: Self.workspace))
        return try #require(await store.grant(of: connection.credentialID, in: Self.workspace))
    }
}
