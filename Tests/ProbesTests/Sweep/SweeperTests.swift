import Connections
import LosslessJSON
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Probes

/// The sweep over a real store, with a clock that stands and a prober that says what it is told.
@Suite struct SweeperTests {
    private static let dead = "https://dead.test"

    private static func sweeper(
        _ room: CheckRoom, tester: ConnectionTester? = nil, pause: InstancePause? = nil,
        limits: SweepLimits = SweepLimits()
    ) -> Sweeper {
        Sweeper(
            tester: tester ?? room.tester, store: room.kept.store,
            pause: pause ?? InstancePause(isPaused: false, isStoreExclusive: true), ambient: room.kept.ambient,
            logger: TestStore.logger, limits: limits)
    }

    private static func due(_ room: CheckRoom) async throws -> Int {
        try await room.kept.number(
            "SELECT COUNT(*) FROM connection_check WHERE due_at <= \(room.clock.now.microseconds)")
    }

    /// Entries about hosts.
    private static func hostEvents(_ room: CheckRoom) async throws -> [String] {
        try await room.kept.texts(
            "SELECT kind || ' ' || subject FROM journal WHERE kind LIKE 'host.%' ORDER BY sequence")
    }

    private static func count(_ status: ConnectionStatus, _ room: CheckRoom) async throws -> Int {
        try await room.kept.number("SELECT COUNT(*) FROM connection WHERE status = '\(status.rawValue)'")
    }

    // MARK: What is due

    @Test func `what is due is looked at once, and again after its interval`() async throws {
        try await CheckRoom.run { room in
            let sweeper = Self.sweeper(room)
            try await room.connect(20)
            await sweeper.round()
            #expect(room.prober.count == 0)
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            await sweeper.round()
            await sweeper.round()
            #expect(room.prober.count == 20)
            #expect(room.prober.targets.allSatisfy { $0.depth == .full })
            room.clock.advance(seconds: Int64(CheckRoom.interval / 2) - 1)
            await sweeper.round()
            #expect(room.prober.count == 20)
            room.clock.advance(seconds: Int64(CheckRoom.interval / 2) + 1)
            await sweeper.round()
            #expect(room.prober.count == 40)
            // No certificate was seen that has to be seen again.
            #expect(room.prober.targets.suffix(20).allSatisfy { $0.depth == .brief })
            // What is as it was is nothing to tell.
            #expect(try await room.kept.journal().filter { !$0.hasSuffix(".created") } == [])
            #expect(
                try await room.kept.number(
                    "SELECT COUNT(*) FROM connection WHERE last_checked_at = \(room.clock.now.microseconds)") == 20)
        }
    }

    @Test func `looks are spread over the last half of the interval`() async throws {
        try await CheckRoom.run { room in
            let ids = try await room.connect(200)
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            await Self.sweeper(room).round()
            var offsets: [Double] = []
            for id in ids {
                let due = try #require(try await room.check(id)?.dueAt)
                offsets.append(
                    Double(due.microseconds - room.clock.now.microseconds) / 1e6 / Double(CheckRoom.interval))
            }
            #expect(offsets.allSatisfy { (0.5...1).contains($0) })
            for quarter in 0..<4 {
                let low = 0.5 + Double(quarter) / 8
                #expect(offsets.filter { (low..<low + 0.125).contains($0) }.count > 20)
            }
        }
    }

    @Test func `only those in use are looked at, as often as they say`() async throws {
        try await CheckRoom.run { room in
            let sweeper = Self.sweeper(room)
            let inactive = try await room.connect(to: "https://inactive.test")[0]
            try await room.connect(to: "https://off.test", interval: 0)
            try await room.connect(to: "https://often.test", interval: 120)
            try await room.connect(to: "https://seldom.test", interval: 86_400)
            try await room.put(.inactive, inactive)
            for _ in 0..<CheckRoom.interval / 120 {
                room.clock.advance(seconds: 120)
                await sweeper.round()
            }
            func looks(_ host: String) -> Int {
                room.prober.targets.filter { $0.host == "https://\(host).test" }.count
            }
            #expect(looks("inactive") == 0)
            #expect(looks("off") == 0)
            #expect(looks("seldom") == 0)
            #expect((25...31).contains(looks("often")))
            try await room.put(.active, inactive)
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            await sweeper.round()
            #expect(looks("inactive") == 1)
        }
    }

    @Test func `one that was switched off after it became due is not looked at`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            // As a refresh does it, which knows no clocks.
            let cause = room.kept.cause
            try await room.kept.store.write { [kept = room.kept] tx in
                let row = try #require(try tx.connection(id, in: CheckRoom.workspace))
                try tx.setStatus(
                    .expired, of: row, evidence: StatusEvidence("invalid_grant"), ambient: kept.ambient, cause: cause)
            }
            let sweeper = Self.sweeper(room)
            await sweeper.round()
            #expect(room.prober.count == 0)
            #expect(try await room.check(id)?.dueAt == nil)
            try await room.kept.store.write { [kept = room.kept] tx in
                let row = try #require(try tx.connection(id, in: CheckRoom.workspace))
                try tx.setStatus(
                    .active, of: row, evidence: StatusEvidence("refreshed"), ambient: kept.ambient, cause: cause)
            }
            await sweeper.round()
            #expect(room.prober.count == 1)
        }
    }

    @Test func `a paused instance looks at nothing`() async throws {
        try await CheckRoom.run { room in
            try await room.connect(3)
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            let pause = InstancePause(isPaused: true, isStoreExclusive: true)
            let sweeper = Self.sweeper(room, pause: pause)
            await sweeper.round()
            #expect(room.prober.count == 0)
            pause.resume()
            await sweeper.round()
            #expect(room.prober.count == 3)
        }
    }

    @Test func `bad news of one is looked at twice, and an error goes on being looked at`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            room.prober.answer(.invalid())
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            let sweeper = Self.sweeper(room)
            await sweeper.round()
            #expect(room.prober.count == 2)
            #expect(try await room.status(id) == .error)
            room.prober.answer(.valid())
            room.clock.advance(seconds: 2 * Int64(CheckRoom.interval))
            await sweeper.round()
            #expect(try await room.status(id) == .active)
            #expect(
                try await room.kept.journal().suffix(3) == [
                    "connection.status_changed", "connection.status_changed", "connection.recovered",
                ])
        }
    }

    // MARK: Bounds

    /// How many are under way, in all and by host, at the most.
    private final class Meter: Sendable {
        private struct State {
            var now: [String: Int] = [:]
            var most: [String: Int] = [:]
        }

        private let state = Mutex(State())

        func most(_ host: String) -> Int { state.withLock { $0.most[host] ?? 0 } }

        func pass(_ target: ProbeTarget) async -> ProbeReport {
            let names = ["all", target.host]
            state.withLock { state in
                for name in names {
                    state.now[name, default: 0] += 1
                    state.most[name] = max(state.most[name] ?? 0, state.now[name] ?? 0)
                }
            }
            for _ in 0..<20 { await Task.yield() }
            state.withLock { state in
                for name in names { state.now[name, default: 0] -= 1 }
            }
            return .valid()
        }
    }

    @Test func `hosts and workspaces have their share and no more`() async throws {
        try await CheckRoom.run { room in
            let meter = Meter()
            room.prober.answer { await meter.pass($0) }
            try await room.kept.insert(workspace: .numbered(2), slug: "two")
            for host in 0..<8 {
                try await room.connect(30, to: "https://\(host).test")
                try await room.connect(30, to: "https://\(host).test", in: .numbered(2))
            }
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            await Self.sweeper(room).round()
            #expect(room.prober.count == 480)
            #expect((2...32).contains(meter.most("all")))
            for host in 0..<8 { #expect(meter.most("https://\(host).test") <= 4) }
        }
    }

    @Test func `many connections to one host are read in pieces, each looked at once`() async throws {
        try await CheckRoom.run { room in
            var limits = SweepLimits()
            (limits.waiting, limits.waitingPerHost, limits.page) = (64, 16, 8)
            try await room.connect(300, to: "https://big.test")
            try await room.connect(10, to: "https://small.test")
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            await Self.sweeper(room, limits: limits).round()
            #expect(room.prober.count == 310)
            #expect(try await Self.due(room) == 0)
            let small = room.prober.targets.firstIndex { $0.host == "https://small.test" }
            #expect(try #require(small) < 200)
        }
    }

    // MARK: A host that does not answer

    @Test func `10,000 connections to one dead host cost a handful of looks and one event`() async throws {
        try await CheckRoom.run { room in
            try await room.connect(10_000, to: Self.dead)
            try await room.connect(1, to: "https://alive.test")
            room.prober.answer { target in
                target.host == Self.dead ? .unreachable : .valid()
            }
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            let sweeper = Self.sweeper(room)
            await sweeper.round()
            #expect((4...7).contains(room.prober.count))
            #expect(try await Self.due(room) == 0)

            // A day, in which every connection is due a good many times.
            for _ in 0..<24 * 12 {
                room.clock.advance(seconds: 300)
                await sweeper.round()
            }
            let looks = room.prober.targets.filter { $0.host == Self.dead }.count
            #expect(looks < 45)
            #expect(try await Self.hostEvents(room) == ["host.unreachable \(Self.dead)"])
            #expect(try await Self.count(.active, room) == 10_001)
            #expect(try await room.kept.journal().contains("connection.status_changed") == false)

            // It answers again: they come back, and not all at once.
            room.prober.answer(.valid())
            room.clock.advance(seconds: 3_600 * 5 / 4)
            await sweeper.round()
            #expect(
                try await Self.hostEvents(room)
                    == ["host.unreachable \(Self.dead)", "host.recovered \(Self.dead)"])
            let now = room.clock.now.microseconds
            let soon = try await room.kept.number(
                "SELECT COUNT(*) FROM connection_check WHERE due_at <= \(now + 600_000_000)")
            #expect(soon > 9_000)
            let minute = try await room.kept.number(
                "SELECT COUNT(*) FROM connection_check WHERE due_at <= \(now + 60_000_000)")
            #expect((500...1_600).contains(minute))
        }
    }

    /// A connection string holds its host, which is as secret as the password in it.
    @Test func `a dead host that only the credential tells costs no more, and is not named`() async throws {
        try await CheckRoom.run(hidesHosts: true) { room in
            let host = "postgresql://db.dead.test:5432"
            try await room.connect(500, to: host)
            try await room.connect(1, to: "postgresql://db.alive.test:5432")
            room.prober.answer { $0.hiddenHost == host ? .unreachable : .valid() }
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            let sweeper = Self.sweeper(room)
            for _ in 0..<24 {
                await sweeper.round()
                room.clock.advance(seconds: 300)
            }
            let looks = room.prober.targets.filter { $0.hiddenHost == host }.count
            #expect((4...20).contains(looks))
            #expect(room.prober.targets.contains { $0.hiddenHost != host })
            let events = try await Self.hostEvents(room)
            #expect(events.count == 1)
            #expect(try #require(events.first).wholeMatch(of: /host\.unreachable #[0-9a-f]{32}/) != nil)
            #expect(try await Self.count(.active, room) == 501)
        }
    }

    @Test func `a connection string that names another host is looked at there`() async throws {
        try await CheckRoom.run(hidesHosts: true) { room in
            let id = try #require(try await room.connect(1, to: "postgresql://old.test:5432").first)
            #expect(try await room.recheck(id) == nil)
            let old = try #require(try await room.check(id)?.origin)
            #expect(CheckedHost.isHidden(old))
            #expect(try await room.recheck(id) != nil)
            #expect(try await room.check(id)?.origin == old)
            room.prober.hide { _ in "postgresql://new.test:5432" }
            #expect(try await room.recheck(id) == nil)
            let new = try #require(try await room.check(id)?.origin)
            #expect(CheckedHost.isHidden(new))
            #expect(new != old)
        }
    }

    @Test func `what one workspace meets is no matter of another's`() async throws {
        try await CheckRoom.run { room in
            try await room.kept.insert(workspace: .numbered(2), slug: "two")
            try await room.connect(10, to: Self.dead)
            try await room.connect(1, to: Self.dead, in: .numbered(2))
            room.prober.answer(.unreachable)
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            await Self.sweeper(room).round()
            let lost = try await room.kept.store.unreachableHosts().map(\.host)
            #expect(lost == [CheckedHost(workspaceID: CheckRoom.workspace, origin: Self.dead)])
        }
    }

    @Test func `after a restart a dead host is known still, and told of no second time`() async throws {
        try await CheckRoom.run { room in
            try await room.connect(50, to: Self.dead)
            room.prober.answer(.unreachable)
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            await Self.sweeper(room).round()
            let before = room.prober.count
            for _ in 0..<10 {
                room.clock.advance(seconds: 5_400)
                await Self.sweeper(room, tester: room.restartedTester).round()
            }
            #expect(room.prober.count == before + 10)
            #expect(try await Self.hostEvents(room) == ["host.unreachable \(Self.dead)"])
            room.prober.answer(.valid())
            room.clock.advance(seconds: 5_400)
            await Self.sweeper(room, tester: room.restartedTester).round()
            #expect(try await Self.hostEvents(room).count == 2)
            #expect(try await room.kept.store.unreachableHosts() == [])
        }
    }

    @Test func `a dead host to which nobody goes any more is forgotten`() async throws {
        try await CheckRoom.run { room in
            let ids = try await room.connect(5, to: Self.dead)
            room.prober.answer(.unreachable)
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            let sweeper = Self.sweeper(room)
            await sweeper.round()
            for id in ids {
                try await room.connections.delete(id, in: CheckRoom.workspace, if: .none, cause: room.kept.cause)
            }
            room.clock.advance(seconds: 3_600)
            await sweeper.round()
            #expect(try await room.kept.store.unreachableHosts() == [])
            #expect(try await Self.hostEvents(room) == ["host.unreachable \(Self.dead)"])
        }
    }

    @Test func `a workspace that goes takes its dead hosts with it`() async throws {
        try await CheckRoom.run { room in
            try await room.kept.insert(workspace: .numbered(2), slug: "two")
            try await room.connect(5, to: Self.dead, in: .numbered(2))
            room.prober.answer(.unreachable)
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            let sweeper = Self.sweeper(room)
            await sweeper.round()
            try await room.kept.store.write { try $0.delete(workspace: .numbered(2)) }
            #expect(try await room.kept.store.unreachableHosts() == [])
            room.clock.advance(seconds: 3_600)
            await sweeper.round()
            #expect(try await Self.hostEvents(room) == [])
            #expect(try await room.kept.store.unreachableHosts() == [])
        }
    }

    // MARK: The end

    @Test func `a look that is stopped says nothing, and is made again`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            let (asked, signal) = AsyncStream.makeStream(of: Void.self)
            room.prober.answer { _ in
                signal.yield()
                try? await Task.sleep(for: .seconds(60))
                return .unreachable
            }
            room.clock.advance(seconds: Int64(CheckRoom.interval))
            let sweeper = Self.sweeper(room)
            let round = Task { await sweeper.round() }
            _ = await asked.first { true }
            round.cancel()
            await round.value
            #expect(try await room.connection(id)?.lastCheckedAt == nil)
            #expect(try await room.check(id)?.failures == 0)
            room.prober.answer(.valid())
            await sweeper.round()
            #expect(try await room.connection(id)?.lastCheckedAt == room.clock.now)
        }
    }

    // MARK: After a crash

    @Test func `a test that a crash cut off is undone at the start`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            let (begun, signal) = AsyncStream.makeStream(of: Void.self)
            room.prober.answer { _ in
                signal.yield()
                // The process ends here.
                await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
                return .valid()
            }
            let tester = room.tester
            let cause = room.kept.cause
            _ = Task { try await tester.test(id, in: CheckRoom.workspace, cause: cause) }
            _ = await begun.first { true }
            #expect(try await room.status(id) == .testing)
            room.clock.advance(seconds: 1)
            room.prober.answer(.valid())
            await Self.sweeper(room, tester: room.restartedTester).round()
            #expect(try await room.status(id) == .active)
            #expect(try await room.connection(id)?.statusReason == nil)
        }
    }
}

extension ProbeTarget {
    fileprivate var host: String { config.text(at: "base_url") ?? "" }
}
