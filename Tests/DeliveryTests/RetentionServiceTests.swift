import Connections
import TestSupport
import Testing

@testable import Delivery

@Suite struct RetentionServiceTests {
    private static let day: Int64 = 86_400

    private static func retention(_ station: Station, days: Int?) -> JournalRetention {
        JournalRetention(
            store: station.store, ambient: station.ambient, days: days, pause: station.pause,
            logger: Station.logger)
    }

    @Test func `what is old goes with time, also what was delivered`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            try await station.happen(1_200)
            await station.dispatcher().settle()
            let retention = Self.retention(station, days: 10)
            await retention.sweep()
            #expect(try await station.deliveries(webhook).count == 1_200)
            station.clock.advance(seconds: 8 * Self.day)
            let young = try await station.happen(2)
            await station.dispatcher().settle()
            await retention.sweep()
            #expect(Set(try await station.deliveries(webhook).map(\.eventID)) == Set(young))
            #expect(try await station.kinds().count == 1_203)
            station.clock.advance(seconds: 3 * Self.day)
            await retention.sweep()
            #expect(try await station.kinds().count == 2)
        }
    }

    @Test func `for ever is for ever`() async throws {
        try await Station.run { station in
            try await station.happen(10)
            station.clock.advance(seconds: 10_000 * Self.day)
            await Self.retention(station, days: nil).sweep()
            #expect(try await station.kinds().count == 10)
        }
    }

    @Test func `a paused instance deletes nothing`() async throws {
        try await Station.run(isPaused: true) { station in
            try await station.happen(10)
            station.clock.advance(seconds: 100 * Self.day)
            await Self.retention(station, days: 1).sweep()
            #expect(try await station.kinds().count == 10)
        }
    }

    /// What was kept for its connection's sake may go once there is something newer, which only a look at all of it finds.
    @Test func `all of it is looked through now and then`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            try await station.happen(5)
            station.clock.advance(seconds: 11 * Self.day)
            try await station.happen(1)
            let retention = Self.retention(station, days: 10)
            await retention.sweep()
            // The webhook has come to none of them yet, nor to its own creation.
            #expect(try await station.kinds().count == 7)
            await station.dispatcher().settle()
            #expect(try await station.deliveries(webhook).count == 6)
            for _ in 0..<24 { await retention.sweep() }
            #expect(try await station.kinds().count == 1)
        }
    }
}
