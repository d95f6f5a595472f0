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
        /// How many requests had been answered when it was asked last, and when that was.
        var traffic: (answered: Int, at: Timestamp)?
        var isYielding = false

        var concurrency: Int { isYielding ? RefreshBacklog.concurrencyBesideRequests : RefreshBacklog.concurrency }
    }

    private let state = Mutex(State())

    /// Refreshes under way at once, in all and of one app.
    static let concurrency = 512
    static let concurrencyOfApp = 128
    /// The same while somebody waits for answers of ours: what is due has time, since it is due well before it ends.
    static let concurrencyBesideRequests = 16
    /// So many requests a second are somebody who waits.
    private static let requestsToYield = 500.0
    /// In seconds: a shorter time says nothing.
    private static let shortestSample = 0.05
    private static let batch = 2_048

    /// What to ask the store for; `nil` while enough of what is known can begin.
    func refill(running: Set<GrantKey>, at now: Timestamp) -> (except: Set<OAuthAppID>, count: Int)? {
        state.withLock { state in
            state.apps = state.apps.filter { running.contains($0.key) }
            let busy = Self.busyApps(state)
            let capacity = state.concurrency - running.count
            // More may be under way than may begin now, since the measure changes with the traffic.
            guard capacity > 0 else { return nil }
            let ready = state.waiting.lazy.filter { $0.app.map { !busy.contains($0) } ?? true }.prefix(capacity).count
            guard ready < capacity else { return nil }
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

    /// - Parameter answered: requests since the start.
    func noteTraffic(answered: Int, at now: Timestamp) {
        state.withLock { state in
            guard let last = state.traffic, now > last.at else {
                state.traffic = (answered, now)
                return
            }
            let seconds = Double(now.microseconds - last.at.microseconds) / 1e6
            guard seconds >= Self.shortestSample else { return }
            state.isYielding = Double(answered - last.answered) / seconds > Self.requestsToYield
            state.traffic = (answered, now)
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
                guard running.count + taken.count < state.concurrency else {
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
