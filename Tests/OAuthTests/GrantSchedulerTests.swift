import Connections
import LosslessJSON
import Storage
import TestSupport
import Testing

@testable import OAuth

@Suite struct GrantSchedulerTests {
    @Test func `only what is due is refreshed`() async throws {
        try await Room.run("rotate") { room in
            let due = try await room.grant(1, expiresIn: 100)
            let later = try await room.grant(2, expiresIn: 3_600)
            let never = try await room.grant(3, expiresIn: 100)
            try await room.change(never) { $0.dueAt = nil }
            #expect(await room.scheduler.round() == false)
            room.clock.advance(seconds: 90)
            #expect(await room.scheduler.round())
            await room.refresher.drain()
            #expect(try await room.refreshesSeen() == 1)
            var generations: [Int64] = []
            for grant in [due, later, never] { generations.append(try await room.data(grant).generation) }
            #expect(generations == [2, 1, 1])
            #expect(await room.scheduler.round() == false, "all is done")
        }
    }

    @Test func `what comes due together goes out together`() async throws {
        try await Room.run("rotate") { room in
            for number in 1...40 { _ = try await room.grant(UInt64(number), expiresIn: 0) }
            while await room.scheduler.round() { await room.refresher.drain() }
            #expect(try await room.refreshesSeen() == 40)
            #expect(try await room.control("stats").text(at: "refresh_token_replays") == "0")
            let due = try await room.store.dueGrants(at: room.clock.now, except: [], limit: 100)
            #expect(due.isEmpty)
        }
    }

    @Test func `an inactive connection's grant is put off`() async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant(expiresIn: 0)
            try await room.store.write { tx in
                let old = try #require(try tx.connection(grant.connectionID, in: Room.workspace))
                var row = old
                row.status = .inactive
                try tx.update(row, from: old, searchText: nil)
            }
            #expect(await room.scheduler.round())
            await room.refresher.drain()
            #expect(try await room.refreshesSeen() == 0)
            let row = try await room.stored(grant)
            #expect(row.dueAt == .t0.advanced(bySeconds: 3_600))
        }
    }

    @Test func `flows that nobody finished go`() async throws {
        try await Room.run { room in
            let link = try await room.authorization.start(
                AuthorizationService.Start(integration: "sample", authMethodID: "oauth2"), in: Room.workspace,
                cause: room.cause)
            let digest = room.services.digester(link.state)
            room.clock.advance(seconds: AuthorizationService.lifetime - 1)
            _ = await room.scheduler.round()
            let waiting = try await room.store.authorizationFlow(state: digest)
            #expect(waiting != nil)
            room.clock.advance(seconds: 2)
            _ = await room.scheduler.round()
            let ended = try await room.store.authorizationFlow(state: digest)
            #expect(ended == nil)
        }
    }
}

extension Room {
    fileprivate var authorization: AuthorizationService {
        AuthorizationService(
            services: services,
            connections: ConnectionService(
                store: store, vault: vault, catalog: services.catalog, ambient: ambient,
                departure: GrantDeparture(services: services)))
    }
}
