import Connections
import TestSupport
import Testing

@testable import Probes

@Suite struct SweepPlanTests {
    private static let limits = SweepLimits()

    static func due(_ number: UInt64, at origin: String = "https://a.test", in workspace: UInt64 = 1) -> DueCheck {
        DueCheck(
            key: ConnectionKey(workspaceID: .numbered(workspace), connectionID: .numbered(number)), origin: origin,
            dueAt: .t0)
    }

    private static func host(_ origin: String = "https://a.test", in workspace: UInt64 = 1) -> CheckedHost {
        CheckedHost(workspaceID: .numbered(workspace), origin: origin)
    }

    private static func begun(_ plan: inout SweepPlan) -> [SweepPlan.Look] {
        var looks: [SweepPlan.Look] = []
        while let look = plan.next() { looks.append(look) }
        return looks
    }

    // MARK: Bounds

    struct Crowd: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let due: [DueCheck]
        let begun: Int
    }

    static let crowds = [
        Crowd(testDescription: "one host", due: (0..<100).map { due($0) }, begun: 4),
        Crowd(
            testDescription: "one host of many workspaces", due: (0..<100).map { due($0, in: $0 + 1) }, begun: 4),
        Crowd(
            testDescription: "many hosts of one workspace", due: (0..<100).map { due($0, at: "https://\($0).test") },
            begun: 16),
        Crowd(
            testDescription: "many hosts of many workspaces",
            due: (0..<200).map { due($0, at: "https://\($0 % 50).test", in: $0 % 20 + 1) }, begun: 64),
        Crowd(testDescription: "no host that is known", due: (0..<100).map { due($0, at: "") }, begun: 16),
        Crowd(testDescription: "nobody", due: [], begun: 0),
    ]

    @Test(arguments: crowds)
    func `no more are under way than the bounds allow`(_ crowd: Crowd) {
        var plan = SweepPlan(limits: Self.limits)
        let lost = plan.take(crowd.due)
        #expect(lost == [])
        let looks = Self.begun(&plan)
        #expect(looks.count == crowd.begun)
    }

    @Test func `beside requests few begin, and none while more are under way already`() throws {
        var plan = SweepPlan(limits: Self.limits)
        _ = plan.take((0..<100).map { Self.due($0, at: "https://\($0).test") })
        var looks: [SweepPlan.Look] = []
        while let look = plan.next(besideRequests: true) { looks.append(look) }
        #expect(looks.count == Self.limits.totalBesideRequests)
        looks += Self.begun(&plan)
        #expect(looks.count == Self.limits.perWorkspace)
        #expect(plan.end(looks[0], .reached, at: .t0, jitter: 0) == .same)
        #expect(plan.next(besideRequests: true) == nil)
        #expect(plan.next() != nil)
    }

    @Test func `each gets its turn once, whoever comes and ends when`() {
        var random = SplitMix64(seed: 7)
        var plan = SweepPlan(limits: Self.limits)
        var looked: [ConnectionKey: Int] = [:]
        var running: [SweepPlan.Look] = []
        var next: UInt64 = 0
        while next < 3_000 || !plan.isEmpty {
            if next < 3_000 {
                let batch = (0..<UInt64.random(in: 0...40, using: &random)).map { offset in
                    Self.due(
                        next + offset, at: "https://\(UInt64.random(in: 0...9, using: &random)).test",
                        in: .random(in: 1...5, using: &random))
                }
                next += UInt64(batch.count)
                _ = plan.take(batch)
                // Read again, as after a lap.
                _ = plan.take(batch)
            }
            running += Self.begun(&plan)
            #expect(running.count <= Self.limits.total)
            for (_, looks) in Dictionary(grouping: running, by: \.host.origin) {
                #expect(looks.count <= Self.limits.perOrigin)
            }
            for (_, looks) in Dictionary(grouping: running, by: \.host.workspaceID) {
                #expect(looks.count <= Self.limits.perWorkspace)
            }
            for _ in 0..<Int.random(in: 0...running.count, using: &random) {
                let look = running.remove(at: .random(in: running.indices, using: &random))
                if let key = look.key { looked[key, default: 0] += 1 }
                let turn = plan.end(look, .reached, at: .t0, jitter: 0)
                #expect(turn == .same)
            }
        }
        #expect(looked.count == Int(next))
        #expect(looked.values.allSatisfy { $0 == 1 })
    }

    @Test func `a host with many connections keeps nobody out`() {
        var plan = SweepPlan(limits: Self.limits)
        _ = plan.take((0..<2_000).map { Self.due($0) })
        #expect(plan.hasRoom)
        _ = plan.take([Self.due(5_000, at: "https://b.test")])
        let looks = Self.begun(&plan)
        #expect(looks.contains { $0.host.origin == "https://b.test" })
    }

    @Test func `a line that has become short asks for more`() {
        var plan = SweepPlan(limits: Self.limits)
        let all = (0..<600).map { Self.due($0) }
        _ = plan.take(all)
        var looked: Set<ConnectionKey> = []
        func work() {
            while plan.short.isEmpty, let look = plan.next() {
                if let key = look.key { looked.insert(key) }
                _ = plan.end(look, .reached, at: .t0, jitter: 0)
            }
        }
        work()
        #expect(plan.short == [Self.host()])
        plan.refill(Self.host(), with: all.filter { !looked.contains($0.key) }, isAll: true)
        #expect(plan.short == [])
        work()
        #expect(looked.count == 600)
        #expect(plan.isEmpty)
    }

    // MARK: Hosts that do not answer

    /// Looks at one connection after the other.
    private static func look(
        _ evidence: HostEvidence, _ plan: inout SweepPlan, number: UInt64, at now: Timestamp = .t0
    ) -> SweepPlan.Turn? {
        _ = plan.take([due(number)])
        return plan.next().map { plan.end($0, evidence, at: now, jitter: 0.5) }
    }

    private static let silence = HostEvidence.unreachable(reason: "connection_failed")

    @Test func `three silent looks in a row lose a host, and its line with it`() throws {
        var plan = SweepPlan(limits: Self.limits)
        for (number, evidence) in zip(UInt64(1)..., [Self.silence, Self.silence, .none]) {
            let turn = Self.look(evidence, &plan, number: number)
            #expect(turn == .same)
        }
        _ = plan.take((10..<20).map { Self.due($0) })
        guard case .lost(let lost, let reason) = Self.look(Self.silence, &plan, number: 4) else {
            Issue.record("not lost")
            return
        }
        #expect(lost == UnreachableHost(Self.host(), at: .t0, jitter: 0.5))
        #expect(lost.retryAt == .t0.advanced(bySeconds: 30))
        #expect(reason == "connection_failed")
        #expect(plan.isEmpty)
        let lostAgain = plan.take([Self.due(30), Self.due(31, in: 2)])
        #expect(lostAgain == [Self.host()])
        let looks = Self.begun(&plan)
        #expect(looks.map(\.host) == [Self.host(in: 2)])
    }

    @Test func `an answer in between begins the count anew`() {
        var plan = SweepPlan(limits: Self.limits)
        for evidence in [Self.silence, Self.silence, .reached, Self.silence, Self.silence] {
            let turn = Self.look(evidence, &plan, number: 1)
            #expect(turn == .same)
        }
        #expect(plan.unreachable.isEmpty)
    }

    @Test func `one trial at a time, more and more seldom, until it answers`() throws {
        var plan = SweepPlan(limits: Self.limits)
        for number in 1...3 { _ = Self.look(Self.silence, &plan, number: UInt64(number)) }
        var now = Timestamp.t0
        var pauses: [Int64] = []
        for _ in 0..<9 {
            plan.tick(at: now)
            let early = plan.next()
            #expect(early == nil)
            let retryAt = try #require(plan.unreachable[Self.host()]).retryAt
            pauses.append((retryAt.microseconds - now.microseconds) / 1_000_000)
            now = retryAt
            plan.tick(at: now)
            let begun = plan.next()
            let trial = try #require(begun)
            #expect(trial == SweepPlan.Look(host: Self.host(), key: nil))
            plan.tick(at: now)
            let second = plan.next()
            #expect(second == nil)
            guard case .stillLost = plan.end(trial, Self.silence, at: now, jitter: 0.5) else {
                Issue.record("not still lost")
                return
            }
        }
        #expect(pauses == [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600])
        now = try #require(plan.unreachable[Self.host()]).retryAt
        plan.tick(at: now)
        let begun = plan.next()
        let trial = try #require(begun)
        guard case .found(let found) = plan.end(trial, .reached, at: now, jitter: 0) else {
            Issue.record("not found")
            return
        }
        #expect(found.since == .t0)
        let refused = plan.take([Self.due(1)])
        #expect(refused == [])
        let next = plan.next()
        #expect(next != nil)
    }

    @Test func `a look that was under way finds a host again, and does not count as its trial`() {
        var plan = SweepPlan(limits: Self.limits)
        _ = plan.take((1...4).map { Self.due($0) })
        let looks = Self.begun(&plan)
        for look in looks.prefix(3) { _ = plan.end(look, Self.silence, at: .t0, jitter: 0) }
        #expect(plan.unreachable[Self.host()]?.trials == 0)
        var other = plan
        let turn = other.end(looks[3], Self.silence, at: .t0, jitter: 0)
        #expect(turn == .same)
        #expect(other.unreachable[Self.host()]?.trials == 0)
        guard case .found = plan.end(looks[3], .reached, at: .t0, jitter: 0) else {
            Issue.record("not found")
            return
        }
    }

    @Test func `a trial that finds out nothing is made again soon`() throws {
        var plan = SweepPlan(limits: Self.limits)
        var host = UnreachableHost(Self.host(), at: .t0, jitter: 0)
        for _ in 0..<10 { host.noteTrial(at: .t0, jitter: 0) }
        plan.remember([host])
        let now = host.retryAt
        plan.tick(at: now)
        let begun = plan.next()
        let trial = try #require(begun)
        guard case .stillLost(let next) = plan.end(trial, .none, at: now, jitter: 0.5) else {
            Issue.record("not still lost")
            return
        }
        #expect(next.retryAt == now.advanced(bySeconds: 30))
        #expect(next.trials == host.trials)
    }

    // MARK: Evidence

    static let reports: [(ProbeReport, HostEvidence)] = [
        (.valid(), .reached), (.invalid(), .reached), (.inconclusive, .reached),
        (.unreachable, .unreachable(reason: "connection_failed")),
        // A token endpoint said so, which is elsewhere.
        (
            ProbeReport(
                .invalid, layers: [LayerFinding(.auth, .failed)], reasonCode: "needs_reauthorization", message: "",
                isGrantGone: true), .none
        ),
        (ProbeReport(.inconclusive, layers: [], reasonCode: "destination_refused", message: ""), .none),
        (
            ProbeReport(
                .inconclusive, layers: [LayerFinding(.connect, .inconclusive)], reasonCode: "overloaded", message: ""),
            .none
        ),
        (
            ProbeReport(
                .invalid, layers: [LayerFinding(.tls, .failed)], reasonCode: "certificate_expired", message: ""),
            .reached
        ),
    ]

    @Test(arguments: reports)
    func `a report says whether the host answered`(_ report: ProbeReport, _ evidence: HostEvidence) {
        #expect(report.hostEvidence == evidence)
    }
}
