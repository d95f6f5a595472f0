import Connections
import LosslessJSON
import Storage
import TestSupport
import Testing

@testable import OAuth

/// Refreshing against a provider that is there.
@Suite struct RefresherTests {
    @Test func `two hundred callers make one request`() async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant(expiresIn: 5)
            let results = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<200 { group.addTask { await room.refresh(grant).isFresh } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results == [Bool](repeating: true, count: 200))
            #expect(try await room.refreshesSeen() == 1)
            #expect(try await room.journal() == ["credential.refresh_started", "credential.refreshed"])
        }
    }

    @Test func `a rotated token takes the place of the old one`() async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant(expiresIn: 5)
            #expect(await room.refresh(grant).isFresh)
            let (tokens, generation) = try await room.data(grant)
            let refresh: String = try #require(tokens.text(at: "refresh_token"))
            #expect(refresh != grant.refreshToken)
            #expect(tokens.text(at: "access_token") != grant.accessToken)
            #expect(tokens.text(at: "expires_at") == Timestamp.t0.advanced(bySeconds: 3_600).rfc3339)
            #expect(generation == 2)
            let row = try await room.stored(grant)
            #expect(row.state == .live)
            #expect(row.intent == nil && row.lease == nil && row.answer == nil)
            #expect(row.accessExpiresAt == .t0.advanced(bySeconds: 3_600))
            let family = try await room.control("family?refresh_token=\(refresh)")
            #expect(family.value(at: "is_current")?.string == "true")
            #expect(family.value(at: "replays")?.string == "0")
        }
    }

    @Test func `a refresh token that is not given again stays`() async throws {
        try await Room.run("no_refresh_token") { room in
            let grant = try await room.grant(expiresIn: 5)
            for _ in 0..<2 { #expect(await room.refresh(grant, isForced: true).isFresh) }
            let (tokens, generation) = try await room.data(grant)
            #expect(tokens.text(at: "refresh_token") == grant.refreshToken)
            #expect(tokens.text(at: "access_token") != grant.accessToken)
            #expect(generation == 3)
            let row = try await room.stored(grant)
            #expect(row.hasRefreshToken)
        }
    }

    @Test func `what is not due is left alone`() async throws {
        try await Room.run { room in
            let grant = try await room.grant()
            #expect(await room.refresh(grant).isFresh)
            #expect(try await room.refreshesSeen() == 0)
            #expect(await room.refresh(grant, isForced: true).isFresh)
            #expect(try await room.refreshesSeen() == 1)
        }
    }

    @Test(arguments: ["no_expires_in+jwt", "no_expires_in"])
    func `an end that the answer leaves out is looked for in the token`(_ modes: String) async throws {
        try await Room.run(modes) { room in
            let grant = try await room.grant(expiresIn: 5)
            #expect(await room.refresh(grant).isFresh)
            let row = try await room.stored(grant)
            #expect(row.accessExpiresAt == (modes.contains("jwt") ? .t0.advanced(bySeconds: 3_600) : nil))
        }
    }

    @Test func `a paused instance does nothing`() async throws {
        try await Room.run(isPaused: true) { room in
            let grant = try await room.grant(expiresIn: 0)
            for isForced in [false, true] {
                let result = await room.refresh(grant, isForced: isForced)
                #expect(result.problem?.code == .paused)
            }
            #expect(await room.scheduler.round() == false)
            #expect(try await room.refreshesSeen() == 0)
            #expect(try await room.journal() == [])
            let row = try await room.stored(grant)
            #expect(row.dueAt == .t0 && row.fence == 0)
            room.pause.resume()
            #expect(await room.refresh(grant).isFresh)
        }
    }

    @Test(arguments: [true, false])
    func `another process's lease is waited for where there can be one`(_ isStoreExclusive: Bool) async throws {
        try await Room.run(isStoreExclusive: isStoreExclusive) { room in
            let grant = try await room.grant(expiresIn: 0)
            try await room.change(grant) { row in
                row.lease = Grant.Lease(owner: "another", until: .t0.advanced(bySeconds: 60))
            }
            let result = await room.refresh(grant)
            #expect(result.isFresh == isStoreExclusive)
            #expect(try await room.refreshesSeen() == (isStoreExclusive ? 1 : 0))
            room.clock.advance(seconds: 60)
            #expect(await room.refresh(grant, isForced: true).isFresh)
        }
    }

    // MARK: The fence

    @Test func `a flight that was overtaken writes nothing`() async throws {
        try await ScriptedProvider.run { provider, room in
            let grant = try await room.insert(access: "old", refresh: "old-refresh", expiresIn: 5)
            async let result = room.refresh(grant)
            let request = try await provider.next()
            #expect(request.form.contains("refresh_token=old-refresh"))
            // Somebody enters tokens while the provider thinks.
            try await room.change(grant) { row in
                row.fence += 1
                row.intent = nil
            }
            request.answer(#"{"access_token":"new","refresh_token":"new-refresh","expires_in":3600}"#)
            _ = await result
            let (tokens, generation) = try await room.data(grant)
            #expect(tokens.text(at: "access_token") == "old")
            #expect(generation == 1)
            let row = try await room.stored(grant)
            #expect(row.answer == nil)
            #expect(row.accessExpiresAt == .t0.advanced(bySeconds: 5))
            #expect(try await room.journal() == ["credential.refresh_started"])
        }
    }

    @Test func `a caller that comes while it is under way gets the same answer`() async throws {
        try await ScriptedProvider.run { provider, room in
            let grant = try await room.insert(access: "old", refresh: "r", expiresIn: 5)
            let first = room.refresher.start(grant.key, via: nil, isForced: false, cause: room.cause)
            let request = try await provider.next()
            let second = room.refresher.start(grant.key, via: nil, isForced: true, cause: room.cause)
            #expect(first == second)
            #expect(room.refresher.running == [grant.key])
            request.answer(#"{"access_token":"new","expires_in":60}"#)
            #expect(await second.value.isFresh)
            #expect(room.refresher.running.isEmpty)
        }
    }

    // MARK: After a crash

    @Test func `an answer that was kept is read, and nobody is asked`() async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant(expiresIn: 5)
            let body = Array(#"{"access_token":"kept","refresh_token":"kept-refresh","expires_in":60}"#.utf8)
            try await room.keep(RawAnswer(status: 200, body: body, askedAt: .t0), of: grant)
            room.clock.advance(seconds: 20)
            #expect(await room.refresh(grant).isFresh)
            #expect(try await room.refreshesSeen() == 0)
            let (tokens, generation) = try await room.data(grant)
            #expect(tokens.text(at: "access_token") == "kept")
            #expect(tokens.text(at: "refresh_token") == "kept-refresh")
            #expect(generation == 2)
            let row = try await room.stored(grant)
            #expect(row.accessExpiresAt == .t0.advanced(bySeconds: 60), "counted from when it was asked for")
            #expect(row.answer == nil && row.intent == nil)
        }
    }

    @Test func `a refusal that was kept is one, too`() async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant(expiresIn: 0)
            let body = Array(#"{"error":"invalid_grant"}"#.utf8)
            try await room.keep(RawAnswer(status: 400, body: body, askedAt: .t0), of: grant)
            let result = await room.refresh(grant)
            #expect(result.problem == GrantProblem(.needsReauthorization, "invalid_grant"))
            #expect(try await room.refreshesSeen() == 0)
            #expect(try await room.status(grant) == .expired)
        }
    }
}

extension Room {
    /// As a crash leaves it between the answer and its reading.
    fileprivate func keep(_ raw: RawAnswer, of seeded: Seeded) async throws {
        try await store.write { tx in
            var grant = try #require(try tx.grant(of: seeded.key.credentialID, in: Self.workspace))
            grant.fence = 1
            grant.intent = Grant.Intent(generation: 1, at: .t0, isSecondTry: false)
            grant.answer = try vault.seal(
                answer: raw.bytes, of: seeded.key, recordKey: seeded.recordKey, fence: 1)
            try tx.put(grant)
        }
    }
}
