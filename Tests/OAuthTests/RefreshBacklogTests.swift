import Connections
import TestSupport
import Testing

@testable import OAuth

@Suite struct RefreshBacklogTests {
    private static func due(_ count: Int, of app: OAuthAppID? = nil) -> [DueGrant] {
        (0..<count).map { number in
            DueGrant(
                key: GrantKey(workspaceID: TestStore.workspace, credentialID: .numbered(UInt64(number + 1))), app: app)
        }
    }

    @Test func takesAsManyAsItMay() {
        let backlog = RefreshBacklog()
        backlog.add(Self.due(2_000), except: [], running: [])
        #expect(backlog.take(running: []).count == RefreshBacklog.concurrency)
    }

    @Test func yieldsToThoseWhoWaitAndComesBack() {
        let backlog = RefreshBacklog()
        backlog.add(Self.due(2_000), except: [], running: [])
        #expect(backlog.take(running: [], besideRequests: true).count == RefreshBacklog.startsBesideRequests)
        #expect(backlog.refill(running: [], at: .t0) == nil, "what is known is enough")

        #expect(backlog.take(running: []).count == RefreshBacklog.concurrency)
    }

    @Test func thoseThatHangDoNotHoldUpOthersBesideRequests() {
        let backlog = RefreshBacklog()
        backlog.add(Self.due(300), except: [], running: [])
        let hanging = Set(backlog.take(running: []))
        #expect(hanging.count == 300)
        backlog.add(Self.due(400), except: [], running: hanging)
        let begun = backlog.take(running: hanging, besideRequests: true)
        #expect(begun.count == RefreshBacklog.startsBesideRequests)
        #expect(hanging.isDisjoint(with: begun))
    }

    @Test func nothingBeginsWhileAllPlacesAreTaken() {
        let backlog = RefreshBacklog()
        backlog.add(Self.due(600), except: [], running: [])
        let running = Set(backlog.take(running: []))
        #expect(backlog.refill(running: running, at: .t0) == nil)
        #expect(backlog.take(running: running).isEmpty)
    }

    /// All of one app are due: what stands in the store behind those under way is neither asked for again nor forgotten.
    @Test func aBusyAppsGrantsAreKeptAndNotAskedForAgain() throws {
        let backlog = RefreshBacklog()
        let app = OAuthAppID.numbered(1)
        let all = Self.due(500, of: app)
        let first = try #require(backlog.refill(running: [], at: .t0))
        #expect(first.except.isEmpty)
        backlog.add(all, except: first.except, running: [])
        var running = Set(backlog.take(running: []))
        #expect(running.count == RefreshBacklog.concurrencyOfApp)
        // All that is due was told: while the app is busy there is nothing to ask.
        #expect(backlog.refill(running: running, at: .t0) == nil)
        // Later, others may have become due.
        let later = Timestamp.t0.advanced(bySeconds: 1)
        let second = try #require(backlog.refill(running: running, at: later))
        #expect(second.except == [app])
        backlog.add([], except: second.except, running: running)

        var seen = running
        while !running.isEmpty {
            // All of them end.
            _ = backlog.refill(running: [], at: later)
            running = Set(backlog.take(running: []))
            #expect(seen.isDisjoint(with: running))
            seen.formUnion(running)
        }
        #expect(seen == Set(all.map(\.key)))
    }
}
