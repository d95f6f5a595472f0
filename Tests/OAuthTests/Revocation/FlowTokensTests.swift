import Connections
import LosslessJSON
import Storage
import TestSupport
import Testing

@testable import OAuth

/// Tokens of flows that made no connection.
@Suite struct FlowTokensTests {
    @Test(arguments: OAuthMethod.RevocationReach.allCases)
    func `another account's tokens are given back where that ends nothing else`(
        _ ends: OAuthMethod.RevocationReach
    ) async throws {
        let method: @Sendable (inout OAuthMethod) -> Void = { $0.revocationEnds = ends }
        try await Room.run(method: method) { room in
            let grant = try await room.grant()
            try await room.know(grant, as: "ann")
            let flow = try await room.flow(stage: .answered, reconnecting: grant.connectionID)
            await #expect(throws: DomainError.self) {
                try await room.authorization.store(
                    try await room.harvest(account: "bob"), of: flow, cause: room.cause)
            }
            let revocations = try await room.revocations()
            switch ends {
            case .token:
                #expect(revocations.map(\.subject) == ["\(grant.connectionID)"])
                #expect(try await room.left().isEmpty)
            case .grant:
                #expect(revocations.isEmpty)
                #expect(try await room.left() == ["\(grant.connectionID) ends_whole_grant"])
            }
            #expect(try await room.status(grant) == .active)
            #expect(try await room.data(grant).tokens.text(at: "access_token") == grant.accessToken)
            // Nothing can come of it any more.
            let ended = try #require(try await room.store.authorizationFlow(state: flow.stateDigest))
            #expect(ended.stage == .finished && ended.sealed.isEmpty)
        }
    }

    struct Unconfirmed: CustomTestStringConvertible, Sendable {
        let name: String
        var ends = OAuthMethod.RevocationReach.grant
        var reconnects = false
        var account = "bob"
        let reason: String?

        var testDescription: String { name }
    }

    @Test(arguments: [
        Unconfirmed(name: "a new account", reason: nil),
        Unconfirmed(name: "an account that a connection has", account: "ann", reason: "account_in_use"),
        Unconfirmed(name: "a reconnection", reconnects: true, reason: "ends_whole_grant"),
        Unconfirmed(name: "a reconnection by tokens", ends: .token, reconnects: true, reason: nil),
    ])
    func `tokens that nobody confirmed are given back, unless others live on them`(_ case: Unconfirmed) async throws {
        let method: @Sendable (inout OAuthMethod) -> Void = { $0.revocationEnds = `case`.ends }
        try await Room.run(method: method) { room in
            let grant = try await room.grant()
            let harvest = try await room.harvest(account: `case`.account)
            let fingerprint = try await room.fingerprint("ann")
            try await room.change(grant) { $0.account = Grant.Account(label: "ann", fingerprint: fingerprint) }
            let flow = try await room.flow(
                stage: .awaitingConfirmation, reconnecting: `case`.reconnects ? grant.connectionID : nil,
                harvest: harvest)
            try await room.store.write { tx in
                try room.services.letGo(unconfirmed: flow, at: .t0, tx: tx)
            }
            let subject = `case`.reconnects ? "\(grant.connectionID)" : "\(flow.id)"
            #expect(try await room.revocations().map(\.subject) == (`case`.reason == nil ? [subject] : []))
            #expect(try await room.left() == `case`.reason.map { ["\(subject) \($0)"] } ?? [])
        }
    }
}

extension Room {
    fileprivate var authorization: AuthorizationService {
        AuthorizationService(services: services, connections: keepers.connections)
    }

    fileprivate func fingerprint(_ subject: String) async throws -> String {
        try await store.write { tx in
            try SecretKeeper(vault: vault, tx: tx, workspace: Self.workspace).fingerprint(subject)
        }
    }

    fileprivate func harvest(account: String) async throws -> Harvest {
        let answer = try await control("grants", #"{"client_id":"simulator"}"#)
        return Harvest(
            tokens: Tokens(
                accessToken: Secret(try #require(answer.text(at: "grants.0.access_token"))),
                refreshToken: Secret(try #require(answer.text(at: "grants.0.refresh_token"))), expiresAt: nil),
            config: app.config(over: JSONObject(), method: try #require(integration.authMethod("oauth2")?.oauth)),
            account: ProbedAccount(subject: account, label: account), clientID: app.clientID)
    }

    fileprivate func flow(
        stage: AuthorizationFlow.Stage, reconnecting connection: ConnectionID?, harvest: Harvest? = nil
    ) async throws -> AuthorizationFlow {
        let request = AuthorizationRequest(
            integration: integration.id, authMethodID: "oauth2", scopes: [], config: .emptyObject,
            connectionID: connection, userID: nil, externalID: nil, label: nil, returnURL: nil,
            needsConfirmation: harvest != nil, allowsAccountChange: false, createdBy: "test", issuer: nil,
            tokenURL: "\(origin)/token")
        let id = ambient.id(AuthorizationFlowID.self)
        return try await store.write { tx in
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: Self.workspace)
            let flow = AuthorizationFlow(
                id: id, workspaceID: Self.workspace, appID: app.id, stateDigest: services.digester("state"),
                connectDigest: services.digester("connect"), stage: stage, request: request,
                sealed: try keeper.seal(
                    harvest?.data ?? JSONObject(), of: id.description, field: harvest == nil ? "flow" : "harvest"),
                createdAt: .t0, expiresAt: .t0.advanced(bySeconds: 600))
            try tx.insert(flow)
            return flow
        }
    }
}
