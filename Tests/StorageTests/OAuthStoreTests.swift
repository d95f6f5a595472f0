import Connections
import LosslessJSON
import Storage
import Testing

/// Apps, flows, grants, revocations and workspaces' own integrations.
@Suite struct OAuthStoreTests {
    // MARK: Apps

    @Test(arguments: StoreUnderTest.allCases)
    func `an app comes back as it was written and changed`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            var app = StoreFixture.app(1, in: fixture.a)
            app.clientSecret = SealedAppSecret(bytes: [1, 2], generation: 3, origins: ["https://a.test"])
            let inserted = app
            try await fixture.store.write { try $0.insert(inserted, in: fixture.a) }
            app.label = nil
            app.previousClientSecret = SealedAppSecret(bytes: [1, 2], generation: 3, origins: ["https://a.test"])
            app.previousClientSecretExpiresAt = .t0.advanced(bySeconds: 86_400)
            app.clientSecret = SealedAppSecret(bytes: [4], generation: 4, origins: [])
            app.clientSecretExpiresAt = .t0.advanced(bySeconds: 1)
            app.failure = OAuthApp.Failure(reason: "invalid_client", since: .t0)
            app.revision = 2
            let updated = app
            try await fixture.store.write { try $0.update(updated, in: fixture.a) }
            let found = try #require(await fixture.store.oauthApp(app.id, in: fixture.a))
            #expect(found.label == nil)
            #expect(found.clientID == "client")
            #expect(found.clientSecret?.bytes == [4])
            #expect(found.clientSecret?.generation == 4)
            #expect(found.clientSecretExpiresAt == .t0.advanced(bySeconds: 1))
            #expect(found.previousClientSecret?.bytes == [1, 2])
            #expect(found.previousClientSecret?.generation == 3)
            #expect(found.previousClientSecret?.origins == ["https://a.test"])
            #expect(found.previousClientSecretExpiresAt == .t0.advanced(bySeconds: 86_400))
            #expect(found.scopes == ["x", "y"])
            #expect(found.returnURLs == ["https://app.test/done"])
            #expect(found.authorizeParameters.string == #"{"prompt":"consent"}"#)
            #expect(found.failure == app.failure)
            #expect(found.revision == 2)
            let foreign = try await fixture.store.oauthApp(app.id, in: fixture.b)
            #expect(foreign == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `apps are listed newest first, by integration and method`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.store.write { tx in
                for number in 1...3 { try tx.insert(StoreFixture.app(UInt64(number), in: fixture.a), in: fixture.a) }
                try tx.insert(StoreFixture.app(4, in: fixture.a, integration: "other"), in: fixture.a)
                try tx.insert(StoreFixture.app(5, in: fixture.b), in: fixture.b)
            }
            var query = OAuthAppQuery(workspace: fixture.a, page: PageRequest(limit: 2))
            let first = try await fixture.store.oauthApps(query)
            #expect(first.items.map(\.id) == [4, 3].map(StoreFixture.appID))
            #expect(first.total == 4)
            query.page = PageRequest(limit: 2, after: first.next)
            let second = try await fixture.store.oauthApps(query)
            #expect(second.items.map(\.id) == [2, 1].map(StoreFixture.appID))
            #expect(second.next == nil)
            query.integration = "other"
            query.page = PageRequest(limit: 10)
            let other = try await fixture.store.oauthApps(query)
            #expect(other.items.map(\.id) == [StoreFixture.appID(4)])
            let ofMethod = try await fixture.store.write {
                try $0.oauthApps(integration: "slack", method: "oauth2", in: fixture.a).map(\.id)
            }
            #expect(ofMethod == [3, 2, 1].map(StoreFixture.appID))
        }
    }

    // MARK: Flows

    @Test(arguments: StoreUnderTest.allCases)
    func `a flow is found by each of its digests`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            var flow = StoreFixture.flow(1, in: fixture.a)
            let inserted = flow
            try await fixture.store.write { try $0.insert(inserted) }
            flow.browserDigest = StoreFixture.digest(9)
            flow.ticketDigest = StoreFixture.digest(8)
            flow.stage = .awaitingConfirmation
            flow.sealed = [5]
            let updated = flow
            let (byConnect, byTicket, foreign) = try await fixture.store.write { tx in
                try tx.update(updated)
                return (
                    try tx.authorizationFlow(connect: updated.connectDigest),
                    try tx.authorizationFlow(ticket: StoreFixture.digest(8), in: fixture.a),
                    try tx.authorizationFlow(ticket: StoreFixture.digest(8), in: fixture.b)
                )
            }
            #expect(byConnect?.id == flow.id)
            #expect(foreign == nil)
            let found = try #require(byTicket)
            #expect(found.stage == .awaitingConfirmation)
            #expect(found.browserDigest == StoreFixture.digest(9))
            #expect(found.sealed == [5])
            #expect(found.request.text == flow.request.text)
            #expect(found.request.label?.slice.string == "L")
            let byState = try await fixture.store.authorizationFlow(state: flow.stateDigest)
            #expect(byState?.id == flow.id)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a state belongs to one flow`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.store.write { try $0.insert(StoreFixture.flow(1, in: fixture.a)) }
            await #expect(throws: StoreError.self) {
                try await fixture.store.write { tx in
                    let other = StoreFixture.flow(2, in: fixture.b)
                    try tx.insert(
                        AuthorizationFlow(
                            id: other.id, workspaceID: other.workspaceID, appID: other.appID,
                            stateDigest: StoreFixture.flow(1, in: fixture.a).stateDigest,
                            connectDigest: other.connectDigest, request: other.request, sealed: [],
                            createdAt: .t0, expiresAt: .t0))
                }
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `expired flows go, oldest first and some at a time`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.store.write { tx in
                for (number, seconds) in [(1, 30), (2, 10), (3, 20), (4, 100)] as [(UInt64, Int64)] {
                    try tx.insert(StoreFixture.flow(number, in: fixture.a, expiresIn: seconds))
                }
            }
            #expect(try await fixture.store.nextDue() == .t0.advanced(bySeconds: 10))
            var rounds: [[AuthorizationFlowID]] = []
            for _ in 0..<3 {
                rounds.append(
                    try await fixture.store.write {
                        try $0.deleteFlows(expiredBefore: .t0.advanced(bySeconds: 31), limit: 2).map(\.id)
                    })
            }
            #expect(rounds == [[2, 3].map(StoreFixture.flowID), [StoreFixture.flowID(1)], []])
            #expect(try await fixture.store.nextDue() == .t0.advanced(bySeconds: 100))
        }
    }

    // MARK: Grants

    @Test(arguments: StoreUnderTest.allCases)
    func `a grant keeps everything, and putting it again replaces everything`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let full = StoreFixture.fullGrant(in: fixture.a)
            try await fixture.store.write { try $0.put(full) }
            let found = try #require(await fixture.store.grant(of: full.credentialID, in: fixture.a))
            #expect(found.kind == .authorizationCode)
            #expect(found.appID == full.appID)
            #expect(found.clientID == "client")
            #expect(found.state == .inDoubt)
            #expect(found.accessExpiresAt == full.accessExpiresAt)
            #expect(found.refreshExpiresAt == full.refreshExpiresAt)
            #expect(found.renewsRefreshToken == true)
            #expect(found.dueAt == full.dueAt)
            #expect(found.hasRefreshToken)
            #expect(found.requestedScopes == ["x", "y"])
            #expect(found.grantedScopes == ["x"])
            #expect(found.account == full.account)
            #expect(found.failures == 2)
            #expect(found.lastFailure == "http_500")
            #expect(found.lease == full.lease)
            #expect(found.fence == 7)
            #expect(found.intent == full.intent)
            #expect(found.answer == [1, 2, 3])
            let foreign = try await fixture.store.grant(of: full.credentialID, in: fixture.b)
            #expect(foreign == nil)

            let bare = Grant(workspaceID: fixture.a, credentialID: full.credentialID, kind: .clientCredentials)
            try await fixture.store.write { try $0.put(bare) }
            let replaced = try #require(await fixture.store.grant(of: full.credentialID, in: fixture.a))
            #expect(replaced.kind == .clientCredentials)
            #expect(replaced.state == .live)
            #expect(replaced.grantedScopes == nil)
            #expect(replaced.account == nil && replaced.lease == nil && replaced.intent == nil)
            #expect(replaced.answer == nil && replaced.dueAt == nil && replaced.appID == nil)
            #expect(replaced.fence == 0 && replaced.renewsRefreshToken == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `no scope granted differs from nothing said of scopes`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            var grant = StoreFixture.fullGrant(in: fixture.a)
            grant.grantedScopes = []
            let row = grant
            try await fixture.store.write { try $0.put(row) }
            let found = try #require(await fixture.store.grant(of: grant.credentialID, in: fixture.a))
            #expect(found.grantedScopes == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is due comes in its order, over all workspaces`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let due: [(UInt64, WorkspaceID, Int64?)] = [
                (1, fixture.a, 30), (2, fixture.b, 10), (3, fixture.a, nil), (4, fixture.b, 20), (5, fixture.a, 31),
            ]
            try await fixture.store.write { tx in
                for (number, workspace, seconds) in due {
                    try tx.insert(StoreFixture.credential(number, in: workspace), sealed: StoreFixture.sealed)
                    try tx.put(
                        Grant(
                            workspaceID: workspace, credentialID: StoreFixture.credentialID(number),
                            kind: .authorizationCode, dueAt: seconds.map { .t0.advanced(bySeconds: $0) }))
                }
            }
            let at = Timestamp.t0.advanced(bySeconds: 30)
            let all = try await fixture.store.dueGrants(at: at, except: [], limit: 10)
            #expect(all.map(\.key.credentialID) == [2, 4, 1].map(StoreFixture.credentialID))
            #expect(all.map(\.key.workspaceID) == [fixture.b, fixture.b, fixture.a])
            let some = try await fixture.store.dueGrants(at: at, except: [], limit: 1)
            #expect(some.map(\.key.credentialID) == [StoreFixture.credentialID(2)])
            #expect(try await fixture.store.nextDue() == .t0.advanced(bySeconds: 10))
        }
    }

    @Test func `what is due is found by an index`() async throws {
        try await StoreUnderTest.sqlite.run { fixture in
            let statements = try await fixture.database.recording {
                _ = try await fixture.store.dueGrants(at: .t0, except: [], limit: 1)
                _ = try await fixture.store.dueRevocations(at: .t0, limit: 1)
                _ = try await fixture.store.nextDue()
            }
            for statement in statements {
                let plan = try await fixture.database.read(.scan) { sql in
                    try sql.query(SQL("EXPLAIN QUERY PLAN " + statement), []) { row in
                        String(decoding: row.buffer(3), as: UTF8.self)
                    }
                }
                #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(statement)")
                #expect(!plan.contains { $0.contains("SCAN oauth") && !$0.contains("INDEX") }, "\(statement)")
            }
            #expect(statements.count == 3)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `grants are counted and found by app and state`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.store.write { tx in
                for (number, state) in [(1, .held), (2, .live), (3, .held), (4, .dead)] as [(UInt64, Grant.State)] {
                    try tx.insert(StoreFixture.credential(number, in: fixture.a), sealed: StoreFixture.sealed)
                    try tx.put(
                        Grant(
                            workspaceID: fixture.a, credentialID: StoreFixture.credentialID(number),
                            kind: .authorizationCode, appID: StoreFixture.appID(1), state: state,
                            hasRefreshToken: number != 2))
                }
            }
            let (held, count, foreign) = try await fixture.store.write { tx in
                (
                    try tx.grants(of: StoreFixture.appID(1), state: .held, in: fixture.a).map(\.credentialID),
                    try tx.countGrants(of: StoreFixture.appID(1), in: fixture.a),
                    try tx.countGrants(of: StoreFixture.appID(1), in: fixture.b)
                )
            }
            #expect(Set(held) == Set([1, 3].map(StoreFixture.credentialID)))
            #expect(count == 4)
            #expect(foreign == 0)
            let risk = try await fixture.store.grantsAtRisk(limit: 1)
            #expect(risk.total == 2)
            #expect(risk.keys.count == 1)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `suspended grants are listed in pages`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.store.write { tx in
                for number in 1...4 as ClosedRange<UInt64> {
                    try tx.insert(StoreFixture.credential(number, in: fixture.a), sealed: StoreFixture.sealed)
                    try tx.put(
                        Grant(
                            workspaceID: fixture.a, credentialID: StoreFixture.credentialID(number),
                            kind: .authorizationCode, state: number == 2 ? .live : .suspended))
                }
            }
            let first = try await fixture.store.suspendedGrants(in: fixture.a, after: nil, limit: 2)
            #expect(first.map(\.credentialID) == [1, 3].map(StoreFixture.credentialID))
            let rest = try await fixture.store.suspendedGrants(
                in: fixture.a, after: first.last?.credentialID, limit: 2)
            #expect(rest.map(\.credentialID) == [StoreFixture.credentialID(4)])
            let foreign = try await fixture.store.suspendedGrants(in: fixture.b, after: nil, limit: 2)
            #expect(foreign.isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `connections of one account know each other within their workspace`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            for (number, workspace) in [(1, fixture.a), (2, fixture.a), (3, fixture.b)] as [(UInt64, WorkspaceID)] {
                try await fixture.store.write { tx in
                    try tx.insert(StoreFixture.credential(number, in: workspace), sealed: StoreFixture.sealed)
                    try tx.put(
                        Grant(
                            workspaceID: workspace, credentialID: StoreFixture.credentialID(number),
                            kind: .authorizationCode, account: Grant.Account(label: "me", fingerprint: "f")))
                }
                try await fixture.insert(StoreFixture.connection(number, in: workspace, credential: number))
            }
            func twins(_ integration: String, except: UInt64?) async throws -> [ConnectionID] {
                try await fixture.store.connections(
                    ofAccount: "f", integration: integration, in: fixture.a,
                    except: except.map(StoreFixture.connectionID))
            }
            #expect(try await twins("slack", except: nil) == [2, 1].map(StoreFixture.connectionID))
            #expect(try await twins("slack", except: 1) == [StoreFixture.connectionID(2)])
            #expect(try await twins("github", except: nil) == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a grant of an account counts until it is over`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let (a, b) = (fixture.a, fixture.b)
            let (first, second) = (StoreFixture.credentialID(0), StoreFixture.credentialID(9))
            try await fixture.store.write { tx in
                for workspace in [a, b] {
                    let credential = StoreFixture.credential(9, in: workspace)
                    try tx.insert(
                        credential, sealed: SealedCredential(data: [1], wrappedRecordKey: [2], generation: 1))
                    try tx.put(StoreFixture.fullGrant(in: workspace))
                }
            }
            func counts(in workspace: WorkspaceID, except: CredentialID?) async throws -> Bool {
                try await fixture.store.write { tx in
                    try tx.hasGrant(ofAccount: "f0", in: workspace, except: except)
                }
            }
            #expect(try await counts(in: a, except: nil))
            #expect(try await counts(in: a, except: second))
            #expect(try await !counts(in: a, except: first))
            try await fixture.store.write { tx in
                var dead = StoreFixture.fullGrant(in: a)
                dead.state = .dead
                try tx.put(dead)
            }
            #expect(try await !counts(in: a, except: nil))
            #expect(try await counts(in: b, except: nil))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a grant goes with its credential`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let grant = StoreFixture.fullGrant(in: fixture.a)
            try await fixture.store.write { try $0.put(grant) }
            try await fixture.store.write { try $0.delete(credential: grant.credentialID, in: fixture.a) }
            let found = try await fixture.store.grant(of: grant.credentialID, in: fixture.a)
            #expect(found == nil)
            await #expect(throws: StoreError.self) { try await fixture.store.write { try $0.put(grant) } }
        }
    }

    // MARK: Revocations

    @Test(arguments: StoreUnderTest.allCases)
    func `a revocation is due until it is done or given up`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let rows = [(1, 20), (2, 10), (3, 99)].map { StoreFixture.revocation($0, in: fixture.a, dueIn: $1) }
            try await fixture.store.write { tx in for row in rows { try tx.insert(row) } }
            let at = Timestamp.t0.advanced(bySeconds: 20)
            let due = try await fixture.store.dueRevocations(at: at, limit: 10)
            #expect(due.map(\.id) == [2, 1].map(StoreFixture.revocationID))
            #expect(due.first?.sealed == [6])
            #expect(due.first?.connectionID == StoreFixture.connectionID(2))
            #expect(try await fixture.store.nextDue() == .t0.advanced(bySeconds: 10))

            var givenUp = rows[1]
            givenUp.attempts = 9
            givenUp.lastFailure = "http_500"
            givenUp.dueAt = nil
            let row = givenUp
            try await fixture.store.write { tx in
                try tx.update(row)
                try tx.delete(revocation: StoreFixture.revocationID(1), in: fixture.a)
                try tx.delete(revocation: StoreFixture.revocationID(3), in: fixture.b)
            }
            let left = try await fixture.store.revocations(in: fixture.a, page: PageRequest(limit: 10))
            #expect(left.items.map(\.id) == [3, 2].map(StoreFixture.revocationID))
            #expect(left.total == 2)
            #expect(left.items.last?.attempts == 9)
            #expect(left.items.last?.lastFailure == "http_500")
            let after = try await fixture.store.dueRevocations(at: at, limit: 10)
            #expect(after.isEmpty)
        }
    }

    // MARK: Integrations

    @Test(arguments: StoreUnderTest.allCases)
    func `a definition is a workspace's own`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            var row = IntegrationDefinition(
                workspaceID: fixture.a, id: "own", definition: JSONText(unchecked: Array(#"{"n":1.0}"#.utf8)),
                createdBy: "test", createdAt: .t0, updatedAt: .t0)
            let inserted = row
            try await fixture.store.write { try $0.insert(inserted) }
            await #expect(throws: StoreError.self) { try await fixture.store.write { try $0.insert(inserted) } }
            row.definition = JSONText(unchecked: Array(#"{"n":2.0}"#.utf8))
            row.revision = 2
            let updated = row
            try await fixture.insert(StoreFixture.connection(1, in: fixture.a, integration: "own"))
            let (found, foreign, own, users) = try await fixture.store.write { tx in
                try tx.update(updated)
                return (
                    try tx.integrationDefinition("own", in: fixture.a),
                    try tx.integrationDefinition("own", in: fixture.b),
                    try tx.countIntegrationDefinitions(in: fixture.a),
                    try tx.countConnections(to: "own", in: fixture.a)
                )
            }
            #expect(found?.definition.string == #"{"n":2.0}"#)
            #expect(found?.revision == 2)
            #expect(foreign == nil)
            #expect(own == 1 && users == 1)
            let all = try await fixture.store.integrationDefinitions()
            #expect(all.map(\.id) == ["own"])
            try await fixture.store.write { try $0.delete(integrationDefinition: "own", in: fixture.a) }
            let none = try await fixture.store.integrationDefinitions()
            #expect(none.isEmpty)
        }
    }

    // MARK: Workspaces

    @Test(arguments: StoreUnderTest.allCases)
    func `all of it goes with its workspace, and nothing of another's`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            for (number, workspace) in [(1, fixture.a), (2, fixture.b)] as [(UInt64, WorkspaceID)] {
                try await fixture.store.write { tx in
                    try tx.insert(StoreFixture.app(number, in: workspace), in: workspace)
                    try tx.insert(StoreFixture.flow(number, in: workspace))
                    try tx.put(StoreFixture.fullGrant(in: workspace))
                    try tx.insert(StoreFixture.revocation(number, in: workspace, dueIn: 0))
                    try tx.insert(
                        IntegrationDefinition(
                            workspaceID: workspace, id: "own", definition: .emptyObject, createdBy: "test",
                            createdAt: .t0, updatedAt: .t0))
                }
            }
            try await fixture.store.write { try $0.delete(workspace: fixture.a) }
            for table in ["oauth_app", "oauth_flow", "oauth_grant", "oauth_revocation", "integration"] {
                let owners = try await fixture.database.read(.scan) { sql in
                    try sql.query(SQL("SELECT workspace_id FROM \(table)"), []) { row in
                        String(decoding: row.buffer(0), as: UTF8.self)
                    }
                }
                #expect(owners == [fixture.b.description], "\(table)")
            }
        }
    }
}
