import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import OAuth

/// Providers that say no, and who it is that they mean.
@Suite struct RefresherRefusalTests {
    struct Passing: CustomTestStringConvertible, Sendable {
        let modes: String
        let reason: String
        /// A success that cannot be read may have spent the token.
        var state = Grant.State.live

        var testDescription: String { modes }
    }

    @Test(arguments: [
        Passing(modes: "ok_with_error", reason: "internal_error"),
        Passing(modes: "server_error", reason: "answer_not_json"),
        Passing(modes: "rate_limited", reason: "answer_not_json"),
        Passing(modes: "html", reason: "answer_not_json", state: .inDoubt),
        Passing(modes: "redirect_inward", reason: "answer_not_json"),
    ])
    func `what may pass does not touch the connection`(_ passing: Passing) async throws {
        try await Room.run(passing.modes) { room in
            let grant = try await room.grant(expiresIn: 0)
            let result = await room.refresh(grant)
            #expect(result.problem == GrantProblem(.providerUnavailable, passing.reason))
            let row = try await room.stored(grant)
            #expect(row.state == passing.state)
            #expect(row.failures == 1)
            #expect(row.lastFailure == passing.reason)
            #expect((row.intent == nil) == (passing.state == .live))
            #expect(row.lease == nil && row.answer == nil)
            #expect(try #require(row.dueAt) >= .t0.advanced(bySeconds: 11))
            #expect(try #require(row.dueAt) <= .t0.advanced(bySeconds: 18))
            #expect(try await room.status(grant) == .active)
            #expect(try await room.failure() == nil)

            try await room.setMode("rotate")
            room.clock.advance(seconds: 18)
            #expect(await room.refresh(grant).isFresh)
            let healed = try await room.stored(grant)
            #expect(healed.state == .live && healed.failures == 0 && healed.lastFailure == nil)
        }
    }

    @Test(arguments: ["invalid_grant", "ok_with_oauth_error"])
    func `a grant that is gone expires its connection`(_ modes: String) async throws {
        try await Room.run(modes) { room in
            let grant = try await room.grant(expiresIn: 0)
            let result = await room.refresh(grant)
            #expect(result.problem == GrantProblem(.needsReauthorization, "invalid_grant"))
            let row = try await room.stored(grant)
            #expect(row.state == .dead && row.dueAt == nil)
            #expect(try await room.status(grant) == .expired)
            #expect(
                try await room.journal() == [
                    "credential.refresh_started", "credential.refresh_failed", "connection.status_changed",
                    "connection.needs_reauthorization",
                ])
            let (tokens, generation) = try await room.data(grant)
            #expect(tokens.text(at: "refresh_token") == grant.refreshToken)
            #expect(generation == 1)
        }
    }

    @Test(arguments: ["invalid_client", "unauthorized_client"])
    func `a refused app is marked, and its connections are not`(_ modes: String) async throws {
        try await Room.run(modes) { room in
            let first = try await room.grant(1, expiresIn: 0)
            let second = try await room.grant(2, expiresIn: 0)
            #expect(await room.refresh(first).problem == GrantProblem(.appFailing, modes))
            #expect(try await room.failure() == OAuthApp.Failure(reason: modes, since: .t0))
            #expect(await room.refresh(second).problem?.code == .appFailing)
            #expect(try await room.refreshesSeen() == 1, "the second is not tried at all")
            for grant in [first, second] {
                let row = try await room.stored(grant)
                #expect(row.state == .live && row.intent == nil)
                #expect(try #require(row.dueAt) >= .t0.advanced(bySeconds: 300))
                #expect(try await room.status(grant) == .active)
            }
            #expect(try await room.journal() == ["credential.refresh_started", "app.failing"])

            try await room.setMode("rotate")
            room.clock.advance(seconds: 360)
            #expect(await room.refresh(first).isFresh)
            #expect(try await room.failure() == nil)
            #expect(await room.refresh(second).isFresh)
            #expect(try await room.journal().filter { $0 == "app.recovered" }.count == 1)
        }
    }

    @Test func `a secret that the provider does not know yet gives way to the one before it`() async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant(expiresIn: 0)
            _ = try await room.services.apps.update(
                room.app.id, in: Room.workspace, to: .secret("newer-secret"), if: .none, cause: room.cause)
            #expect(await room.refresh(grant).isFresh)
            #expect(try await room.failure() == nil)
            try await room.control("clients", #"{"client_id":"simulator","client_secret":"newer-secret"}"#)
            #expect(await room.refresh(grant, isForced: true).isFresh)
        }
    }

    @Test func `many refused at once are held rather than given up`() async throws {
        try await Room.run("invalid_grant") { room in
            var grants: [Room.Seeded] = []
            for number in 1...6 { grants.append(try await room.grant(UInt64(number), expiresIn: 0)) }
            var codes: [GrantProblem.Code?] = []
            for grant in grants { codes.append(await room.refresh(grant).problem?.code) }
            #expect(codes == [GrantProblem.Code](repeating: .needsReauthorization, count: 4) + [.held, .appFailing])
            let held = grants[4]
            let row = try await room.stored(held)
            #expect(row.state == .held && row.dueAt == nil && row.intent == nil)
            #expect(try await room.status(held) == .active)
            #expect(try await room.failure()?.reason == "invalid_grant_burst")
            #expect(await room.refresh(held).problem?.code == .held)
            #expect(try await room.refreshesSeen() == 5)

            try await room.setMode("rotate")
            #expect(await room.refresh(held, isForced: true).isFresh, "by force it is tried")
        }
    }

    @Test func `changing the app lets go of those that are held`() async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant(expiresIn: 0)
            try await room.change(grant) { row in
                row.state = .held
                row.dueAt = nil
            }
            _ = try await room.services.apps.update(
                room.app.id, in: Room.workspace, to: .secret(Room.secret), if: .none, cause: room.cause)
            let row = try await room.stored(grant)
            #expect(row.state == .live && row.dueAt == .t0)
            #expect(await room.refresh(grant).isFresh)
        }
    }

    @Test func `a refresh token belongs to one client`() async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant(expiresIn: 0)
            try await room.change(grant) { $0.clientID = "another" }
            #expect(await room.refresh(grant, isForced: true).problem == GrantProblem(.appMissing, "client_changed"))
            #expect(try await room.refreshesSeen() == 0)
            #expect(try await room.status(grant) == .active)
            try await room.change(grant) { $0.clientID = "simulator" }
            #expect(await room.refresh(grant).isFresh)
        }
    }

    @Test func `an access token that nothing renews expires its connection at its end`() async throws {
        try await Room.run { room in
            let grant = try await room.insert(access: "a", refresh: nil, expiresIn: 60)
            #expect(await room.refresh(grant).isFresh)
            room.clock.advance(seconds: 60)
            #expect(
                await room.refresh(grant).problem == GrantProblem(.needsReauthorization, "access_token_expired"))
            #expect(try await room.status(grant) == .expired)
        }
    }
}

extension OAuthAppService.Change {
    fileprivate static func secret(_ text: String) -> Self {
        Self(
            label: .absent, clientID: .absent, clientSecret: .value(Secret(text)), scopes: .absent,
            clientAuthentication: .absent, returnURLs: .absent, authorizeParameters: .absent, config: .absent)
    }
}
