import Connections
import Synchronization

/// What is due and not begun, so that the store is not asked again and again, and how much of one app is under way, so that a
/// provider which hangs takes up no more than its share.
final class RefreshBacklog: Sendable {
    private struct State {
        var waiting: [DueGrant] = []
        /// The apps of what was begun.
        var apps: [GrantKey: OAuthAppID] = [:]
        /// How many were under way when the store was asked last, and when that was.
        var asked: (running: Int, at: Timestamp)?
        var flowsEndedAt: Timestamp?
    }

    private let state = Mutex(State())

    /// Refreshes under way at once, in all and of one app.
    static let concurrency = 512
    static let concurrencyOfApp = 128
    private static let batch = 2_048

    /// What to ask the store for; `nil` while enough of what is known can begin.
    func refill(running: Set<GrantKey>, at now: Timestamp) -> (except: Set<OAuthAppID>, count: Int)? {
        state.withLock { state in
            state.apps = state.apps.filter { running.contains($0.key) }
            let busy = Self.busyApps(state)
            let capacity = Self.concurrency - running.count
            let ready = state.waiting.lazy.filter { $0.app.map { !busy.contains($0) } ?? true }.prefix(capacity).count
            guard capacity > 0, ready < capacity else { return nil }
            // While those under way hang, the same answer would come again.
            if let asked = state.asked, ready == 0, !running.isEmpty, running.count >= asked.running,
                now < asked.at.advanced(bySeconds: 1), now >= asked.at
            {
                return nil
            }
            state.asked = (running.count, now)
            return (busy, Self.batch)
        }
    }

    /// Once a second at the most: it is a write, which a thousand refreshes need not wait for each time.
    func isTimeForFlows(at now: Timestamp) -> Bool {
        state.withLock { state in
            if let last = state.flowsEndedAt, now < last.advanced(bySeconds: 1), now >= last { return false }
            state.flowsEndedAt = now
            return true
        }
    }

    func add(_ due: [DueGrant], running: Set<GrantKey>) {
        state.withLock { state in
            // The store's word is newer than what was left of the last one's.
            state.waiting = due.filter { !running.contains($0.key) }
        }
    }

    /// The next ones to begin, in the order that they are due.
    func take(running: Set<GrantKey>) -> [GrantKey] {
        state.withLock { state in
            var underWay: [OAuthAppID: Int] = [:]
            for app in state.apps.values { underWay[app, default: 0] += 1 }
            var taken: [GrantKey] = []
            var left: [DueGrant] = []
            for (index, due) in state.waiting.enumerated() {
                guard running.count + taken.count < Self.concurrency else {
                    left += state.waiting[index...]
                    break
                }
                if let app = due.app {
                    guard underWay[app, default: 0] < Self.concurrencyOfApp else {
                        left.append(due)
                        continue
                    }
                    underWay[app, default: 0] += 1
                    state.apps[due.key] = app
                }
                if !running.contains(due.key) { taken.append(due.key) }
            }
            state.waiting = left
            return taken
        }
    }

    private static func busyApps(_ state: State) -> Set<OAuthAppID> {
        var counts: [OAuthAppID: Int] = [:]
        for app in state.apps.values { counts[app, default: 0] += 1 }
        return Set(counts.filter { $0.value >= concurrencyOfApp }.keys)
    }
}
