import Connections
import Storage
import TestSupport
import Testing

@testable import OAuth

@Suite struct ReconnectLinksTests {
    @Test func `whoever asks again is given the same link while it is good`() async throws {
        try await Room.run { room in
            let grant = try await room.grant()
            let desk = try await Desk(room, grant)
            let first = try await desk.link()
            #expect(try await desk.link() == first)
            #expect(try await desk.openFlows() == 1)

            // Somebody went through with it, or the ten minutes are nearly over.
            try await room.store.write { tx in
                let digest = room.services.digester(String(try #require(first.split(separator: "/").last)))
                var flow = try #require(try tx.authorizationFlow(connect: digest))
                flow.stage = .finished
                try tx.update(flow)
            }
            let second = try await desk.link()
            #expect(second != first)
            #expect(try await desk.openFlows() == 1)
            room.clock.move(to: .t0.advanced(bySeconds: 539))
            #expect(try await desk.link() == second)
            room.clock.move(to: .t0.advanced(bySeconds: 540))
            #expect(try await desk.link() != second)
        }
    }

    @Test func `a hundred at once are given one`() async throws {
        try await Room.run { room in
            let grant = try await room.grant()
            let desk = try await Desk(room, grant)
            let links = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<100 { group.addTask { try await desk.link() } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(links.count == 1)
            #expect(try await desk.openFlows() == 1)
        }
    }

    @Test func `each connection has a link of its own`() async throws {
        try await Room.run { room in
            let (one, two) = (try await room.grant(1), try await room.grant(2))
            let desk = try await Desk(room, one)
            let first = try await desk.link()
            #expect(try await desk.link(of: two) != first)
            #expect(try await desk.openFlows() == 2)
        }
    }
}

/// Asks for links of one connection.
private struct Desk: Sendable {
    let room: Room
    let grant: Room.Seeded
    let authorization: AuthorizationService

    init(_ room: Room, _ grant: Room.Seeded) async throws {
        (self.room, self.grant) = (room, grant)
        authorization = AuthorizationService(services: room.services, connections: room.keepers.connections)
    }

    func link(of other: Room.Seeded? = nil) async throws -> String {
        let id = (other ?? grant).connectionID
        let connection = try #require(try await room.store.connection(id, in: Room.workspace))
        return try await authorization.reconnectLink(for: connection, cause: room.cause).connectURL
    }

    func openFlows() async throws -> Int {
        try await room.database.read(.scan) { sql in
            try sql.count(SQL("SELECT COUNT(*) FROM oauth_flow WHERE stage = 'started'"), [])
        }
    }
}
