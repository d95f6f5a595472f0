import Connections
import TestSupport
import Testing

@testable import OAuth

@Suite struct RefreshBacklogTests {
    private static func due(_ count: Int) -> [DueGrant] {
        (0..<count).map { number in
            DueGrant(
                key: GrantKey(workspaceID: TestStore.workspace, credentialID: .numbered(UInt64(number + 1))), app: nil)
        }
    }

    @Test func takesAsManyAsItMay() {
        let backlog = RefreshBacklog()
        backlog.add(Self.due(2_000), running: [])
        #expect(backlog.take(running: []).count == RefreshBacklog.concurrency)
    }

    @Test func yieldsToThoseWhoWaitAndComesBack() {
        let backlog = RefreshBacklog()
        backlog.noteTraffic(answered: 0, at: .t0)
        backlog.noteTraffic(answered: 1_000, at: .t0.advanced(bySeconds: 1))
        backlog.add(Self.due(2_000), running: [])
        #expect(backlog.take(running: []).count == RefreshBacklog.concurrencyBesideRequests)
        #expect(backlog.refill(running: [], at: .t0) == nil, "what is known is enough")

        backlog.noteTraffic(answered: 1_010, at: .t0.advanced(bySeconds: 2))
        #expect(backlog.take(running: []).count == RefreshBacklog.concurrency)
    }

    @Test func moreUnderWayThanMayBeginAsksForNothing() {
        let backlog = RefreshBacklog()
        backlog.add(Self.due(RefreshBacklog.concurrency), running: [])
        let running = Set(backlog.take(running: []))
        backlog.noteTraffic(answered: 0, at: .t0)
        backlog.noteTraffic(answered: 1_000, at: .t0.advanced(bySeconds: 1))
        #expect(backlog.refill(running: running, at: .t0) == nil)
        #expect(backlog.take(running: running).isEmpty)
    }

    @Test func aShortTimeSaysNothing() {
        let backlog = RefreshBacklog()
        backlog.noteTraffic(answered: 0, at: .t0)
        backlog.noteTraffic(answered: 1_000, at: Timestamp(microseconds: Timestamp.t0.microseconds + 1_000))
        backlog.add(Self.due(2_000), running: [])
        #expect(backlog.take(running: []).count == RefreshBacklog.concurrency)
    }
}
