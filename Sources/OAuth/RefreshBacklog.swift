import Connections
import Synchronization

/// What is due and not begun, so that the store is not asked again and again, and how much of one app is under way, so that a
/// provider which hangs takes up no more than its share.
final class RefreshBacklog: Sendable {
    /// What the store was asked last.
    private struct Question {
        /// How many were under way.
        let running: Int
        let except: Set<OAuthAppID>
        let at: Timestamp
        /// Whether its answer held all that is due.
        var isAnsweredInFull = false

        func isRecent(at now: Timestamp) -> Bool { at <= now && now < at.advanced(bySeconds: 1) }
    }

    private struct State {
        var waiting: [DueGrant] = []
        /// The apps of what was begun.
        var apps: [GrantKey: OAuthAppID] = [:]
        var asked: Question?
        var flowsEndedAt: Timestamp?

        var underWay: [OAuthAppID: Int] {
            apps.values.reduce(into: [:]) { counts, app in counts[app, default: 0] += 1 }
        }
    }

    private let state = Mutex(State())

    /// Refreshes under way at once, in all and of one app.
    static let concurrency = 512
    static let concurrencyOfApp = 128
    /// So many begin in a round, which is some hundred a second, while somebody waits for answers of ours. Their number under
    /// way stays as it is: a provider that hangs would take up a smaller one all by itself.
    static let startsBesideRequests = 6
    private static let batch = 2_048

    /// What to ask the store for; `nil` while enough of what is known can begin.
    func refill(running: Set<GrantKey>, at now: Timestamp) -> (except: Set<OAuthAppID>, count: Int)? {
        state.withLock { state in
            state.apps = state.apps.filter { running.contains($0.key) }
            let busy = Set(state.underWay.filter { $0.value >= Self.concurrencyOfApp }.keys)
            let capacity = Self.concurrency - running.count
            guard capacity > 0 else { return nil }
            let ready = state.waiting.lazy.filter { $0.app.map { !busy.contains($0) } ?? true }.prefix(capacity).count
            guard ready < capacity else { return nil }
            if let asked = state.asked, asked.isRecent(at: now), !running.isEmpty {
                // The same answer would come again: while those under way hang, and where what is due is known already.
                if ready == 0, running.count >= asked.running { return nil }
                if asked.isAnsweredInFull, asked.except.isSubset(of: busy) { return nil }
            }
            state.asked = Question(running: running.count, except: busy, at: now)
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

    /// - Parameter except: the apps that were not asked for, whose grants stay as they are known.
    func add(_ due: [DueGrant], except: Set<OAuthAppID>, running: Set<GrantKey>) {
        state.withLock { state in
            // The store's word is newer than what was left of the last one's.
            let left = state.waiting.filter { $0.app.map(except.contains) ?? false }
            state.waiting = left + due.filter { !running.contains($0.key) }
            state.asked?.isAnsweredInFull = due.count < Self.batch
        }
    }

    /// The next ones to begin, in the order that they are due.
    func take(running: Set<GrantKey>, besideRequests: Bool = false) -> [GrantKey] {
        state.withLock { state in
            var underWay = state.underWay
            var taken: [GrantKey] = []
            var left: [DueGrant] = []
            let room = Self.concurrency - running.count
            let most = besideRequests ? min(room, Self.startsBesideRequests) : room
            for (index, due) in state.waiting.enumerated() {
                guard taken.count < most else {
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
}
