import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import OAuth

/// A refresh token was presented and nobody knows what became of it.
@Suite struct RefresherDoubtTests {
    /// A grant whose access token has twelve seconds to go and whose first answer was lost.
    private static func lose(_ room: Room) async throws -> Room.Seeded {
        let grant = try await room.grant(expiresIn: 12)
        try await room.change(grant) { $0.dueAt = .t0 }
        let result = await room.refresh(grant)
        #expect(result.problem?.code == .outcomeUnknown)
        let row = try await room.stored(grant)
        #expect(row.state == .inDoubt)
        #expect(row.dueAt == .t0.advanced(bySeconds: 12))
        #expect(row.intent?.generation == 1)
        #expect(try await room.refreshesSeen() == 1)
        return grant
    }

    @Test func `the access token is served until its end, and nobody asks again`() async throws {
        try await Room.run("rotate+lost_answer") { room in
            let grant = try await Self.lose(room)
            let reading = try await room.tokens.read(grant.connectionID, in: Room.workspace, cause: room.cause)
            #expect(reading.accessToken.withText { $0 } == grant.accessToken)
            #expect(await room.refresh(grant).isFresh)
            #expect(await room.refresh(grant, isForced: true).problem?.code == .outcomeUnknown)
            #expect(await room.scheduler.round() == false)
            #expect(try await room.refreshesSeen() == 1)
            #expect(try await room.status(grant) == .active)
        }
    }

    @Test func `a second presentation heals where the provider forgives`() async throws {
        try await Room.run("rotate_grace+lost_answer_once") { room in
            let grant = try await Self.lose(room)
            room.clock.advance(seconds: 12)
            #expect(await room.refresh(grant).isFresh)
            #expect(try await room.refreshesSeen() == 2)
            let (tokens, generation) = try await room.data(grant)
            #expect(tokens.text(at: "refresh_token") != grant.refreshToken)
            #expect(generation == 2)
            let row = try await room.stored(grant)
            #expect(row.state == .live && row.failures == 0 && row.intent == nil)
            #expect(try await room.status(grant) == .active)
            room.clock.advance(seconds: 3_600)
            #expect(await room.refresh(grant).isFresh)
            #expect(try await room.control("stats").text(at: "families_killed") == "0")
        }
    }

    @Test func `where it does not, the connection is told expired, and that nobody knows why`() async throws {
        try await Room.run("rotate+lost_answer") { room in
            let grant = try await Self.lose(room)
            room.clock.advance(seconds: 12)
            let result = await room.refresh(grant)
            #expect(result.problem == GrantProblem(.needsReauthorization, "refresh_outcome_unknown"))
            let row = try await room.stored(grant)
            #expect(row.state == .dead && row.dueAt == nil)
            #expect(row.lastFailure == "refresh_outcome_unknown")
            #expect(try await room.status(grant) == .expired)
            await #expect(throws: GrantProblem(.needsReauthorization, "refresh_outcome_unknown")) {
                try await room.tokens.read(grant.connectionID, in: Room.workspace, cause: room.cause)
            }
            #expect(await room.refresh(grant, isForced: true).problem?.code == .needsReauthorization)
            #expect(try await room.refreshesSeen() == 2)
        }
    }

    @Test func `a provider that punishes is not asked a second time`() async throws {
        let punishes: @Sendable (inout OAuthMethod) -> Void = { $0.reuse = .punish }
        try await Room.run("rotate+lost_answer", method: punishes) { room in
            let grant = try await Self.lose(room)
            room.clock.advance(seconds: 12)
            let result = await room.refresh(grant)
            #expect(result.problem == GrantProblem(.needsReauthorization, "refresh_outcome_unknown"))
            #expect(try await room.refreshesSeen() == 1)
            #expect(try await room.status(grant) == .expired)
        }
    }

    /// The intent is all that such a crash leaves behind.
    @Test func `a crash before the answer leaves a grant in doubt, too`() async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant(expiresIn: 100)
            try await room.change(grant) { row in
                row.fence = 1
                row.dueAt = .t0
                row.intent = Grant.Intent(generation: 1, at: .t0, isSecondTry: false)
                row.lease = Grant.Lease(owner: "crashed", until: .t0.advanced(bySeconds: 150))
            }
            #expect(await room.refresh(grant).problem?.code == .outcomeUnknown)
            #expect(try await room.refreshesSeen() == 0)
            let row = try await room.stored(grant)
            #expect(row.state == .inDoubt)
            #expect(row.dueAt == .t0.advanced(bySeconds: 100))
            // The request never left, so the token was good all along.
            room.clock.advance(seconds: 100)
            #expect(await room.refresh(grant).isFresh)
            #expect(try await room.refreshesSeen() == 1)
        }
    }

    @Test func `a request that never left spends nothing`() async throws {
        let elsewhere = try URLTemplate("https://127.0.0.1:1/token")
        let method: @Sendable (inout OAuthMethod) -> Void = { $0.refreshURL = elsewhere }
        try await Room.run("rotate", method: method) { room in
            let grant = try await room.grant(expiresIn: 0)
            #expect(await room.refresh(grant).problem?.code == .providerUnavailable)
            let row = try await room.stored(grant)
            #expect(row.state == .live)
            #expect(row.intent == nil && row.lease == nil)
            #expect(row.failures == 1)
            #expect(try await room.status(grant) == .active)
        }
    }
}
