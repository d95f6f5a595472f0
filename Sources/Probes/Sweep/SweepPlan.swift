import Connections
import NIOCore

/// What the sweep looks at next: a value without clock, store or sockets. It knows which connections wait for their turn, what
/// is under way, and which hosts do not answer.
struct SweepPlan {
    /// One look at one connection.
    struct Look: Sendable, Hashable {
        let host: CheckedHost
        /// `nil` for a trial of a host that does not answer: whichever connection of it comes next.
        let key: ConnectionKey?
    }

    /// What became of a host by a look at one of its connections.
    enum Turn: Equatable {
        case same
        /// It does not answer, since just now.
        case lost(UnreachableHost, reason: String)
        /// It was tried, and is to be tried again at another time.
        case stillLost(UnreachableHost)
        case found(UnreachableHost)
    }

    private struct Line {
        var keys = CircularBuffer<ConnectionKey>()
        /// There are more of them in the store than wait here.
        var hasMore = false
    }

    let limits: SweepLimits
    private var lines: [CheckedHost: Line] = [:]
    /// Hosts with somebody in line, in the order of their turns.
    private var ring: [CheckedHost] = []
    private var turn = 0
    /// In line or under way by their key.
    private var known: Set<ConnectionKey> = []
    private var running = 0
    private var runningOfOrigin: [String: Int] = [:]
    private var runningOfWorkspace: [WorkspaceID: Int] = [:]
    /// Failures in a row.
    private var streaks: [CheckedHost: Int] = [:]
    private(set) var unreachable: [CheckedHost: UnreachableHost] = [:]
    /// Due for a trial.
    private var trials: [CheckedHost] = []
    private var tried: Set<CheckedHost> = []
    /// Hosts whose line has become short while there are more in the store.
    private(set) var short: Set<CheckedHost> = []

    private static let maxStreaks = 10_000

    init(limits: SweepLimits) { self.limits = limits }

    /// Whether a look is under way.
    var isRunning: Bool { running > 0 }
    var hasRoom: Bool { known.count < limits.waiting }
    /// Whether nothing waits and nothing is under way.
    var isEmpty: Bool { known.isEmpty && running == 0 }

    // MARK: Coming in

    /// Puts what is due in line. Returns the hosts among it that do not answer, whose connections are not taken.
    mutating func take(_ due: [DueCheck]) -> Set<CheckedHost> {
        var lost: Set<CheckedHost> = []
        for check in due where !known.contains(check.key) {
            if unreachable[check.host] != nil {
                lost.insert(check.host)
            } else if (lines[check.host]?.keys.count ?? 0) >= limits.waitingPerHost {
                lines[check.host]?.hasMore = true
            } else {
                append(check)
            }
        }
        return lost
    }

    /// Takes in what the store has of a host whose line was short.
    /// - Parameter isAll: whether there are no more of them than these.
    mutating func refill(_ host: CheckedHost, with due: [DueCheck], isAll: Bool) {
        short.remove(host)
        guard unreachable[host] == nil else { return }
        for check in due where !known.contains(check.key) { append(check) }
        lines[host]?.hasMore = !isAll
        if isAll, lines[host]?.keys.isEmpty ?? false { lines[host] = nil }
    }

    private mutating func append(_ check: DueCheck) {
        known.insert(check.key)
        if lines[check.host]?.keys.isEmpty ?? true { ring.append(check.host) }
        lines[check.host, default: Line()].keys.append(check.key)
    }

    /// Notes which hosts are to be tried now.
    mutating func tick(at now: Timestamp) {
        trials = unreachable.values.filter { $0.retryAt <= now && !tried.contains($0.host) }
            .sorted { $0.retryAt < $1.retryAt }.map(\.host)
    }

    /// Hosts that did not answer when this process began.
    mutating func remember(_ hosts: [UnreachableHost]) {
        for host in hosts { unreachable[host.host] = host }
    }

    // MARK: Going out

    /// The next look that the bounds allow; it is under way from then on, until `end`.
    mutating func next(besideRequests: Bool = false) -> Look? {
        guard running < (besideRequests ? limits.totalBesideRequests : limits.total) else { return nil }
        if let place = trials.firstIndex(where: admits) {
            let host = trials.remove(at: place)
            tried.insert(host)
            return begin(Look(host: host, key: nil))
        }
        for _ in ring.indices {
            if turn >= ring.count { turn = 0 }
            let host = ring[turn]
            guard admits(host), let key = pop(host) else {
                turn += 1
                continue
            }
            return begin(Look(host: host, key: key))
        }
        return nil
    }

    private func admits(_ host: CheckedHost) -> Bool {
        (runningOfWorkspace[host.workspaceID] ?? 0) < limits.perWorkspace
            && (!host.isKnown || (runningOfOrigin[host.origin] ?? 0) < limits.perOrigin)
    }

    /// Takes the first in line, and moves on to the next host.
    private mutating func pop(_ host: CheckedHost) -> ConnectionKey? {
        guard let key = lines[host]?.keys.popFirst() else { return nil }
        let left = lines[host]?.keys.count ?? 0
        let hasMore = lines[host]?.hasMore ?? false
        if hasMore, left <= limits.waitingPerHost / 8 { short.insert(host) }
        if left == 0 {
            ring.remove(at: turn)
            if !hasMore { lines[host] = nil }
        } else {
            turn += 1
        }
        return key
    }

    private mutating func begin(_ look: Look) -> Look {
        running += 1
        runningOfOrigin[look.host.origin, default: 0] += 1
        runningOfWorkspace[look.host.workspaceID, default: 0] += 1
        return look
    }

    // MARK: Coming back

    /// - Parameter jitter: from 0 to 1.
    mutating func end(_ look: Look, _ evidence: HostEvidence, at now: Timestamp, jitter: Double) -> Turn {
        running -= 1
        Self.lower(&runningOfOrigin, look.host.origin)
        Self.lower(&runningOfWorkspace, look.host.workspaceID)
        if let key = look.key { known.remove(key) } else { tried.remove(look.host) }
        guard look.host.isKnown else { return .same }
        return unreachable[look.host].map { settle($0, look, evidence, at: now, jitter: jitter) }
            ?? count(look.host, evidence, at: now, jitter: jitter)
    }

    private mutating func count(
        _ host: CheckedHost, _ evidence: HostEvidence, at now: Timestamp, jitter: Double
    ) -> Turn {
        switch evidence {
        case .none: return .same
        case .reached:
            streaks[host] = nil
            return .same
        case .unreachable(let reason):
            let streak = (streaks[host] ?? 0) + 1
            guard streak >= limits.failuresToLose else {
                // Forgetting costs a few looks more.
                if streaks.count >= Self.maxStreaks { streaks.removeAll() }
                streaks[host] = streak
                return .same
            }
            streaks[host] = nil
            let lost = UnreachableHost(host, at: now, jitter: jitter)
            unreachable[host] = lost
            dropLine(of: host)
            return .lost(lost, reason: reason)
        }
    }

    private mutating func settle(
        _ known: UnreachableHost, _ look: Look, _ evidence: HostEvidence, at now: Timestamp, jitter: Double
    ) -> Turn {
        var known = known
        switch evidence {
        case .reached:
            unreachable[look.host] = nil
            return .found(known)
        // Looks that were under way when it was lost count for nothing.
        case .unreachable where look.key != nil: return .same
        case .unreachable: known.noteTrial(at: now, jitter: jitter)
        case .none where look.key != nil: return .same
        case .none: known.retry(at: now, jitter: jitter)
        }
        unreachable[look.host] = known
        return .stillLost(known)
    }

    /// Nobody goes there any more.
    mutating func forget(_ host: CheckedHost) {
        unreachable[host] = nil
        streaks[host] = nil
    }

    /// That it does not answer could not be written down: the next look that meets it tells.
    mutating func doubt(_ host: CheckedHost) {
        unreachable[host] = nil
        streaks[host] = limits.failuresToLose - 1
    }

    /// That it answers could not be written down: it is tried again.
    mutating func lose(again host: UnreachableHost, at now: Timestamp, jitter: Double) {
        var host = host
        host.retry(at: now, jitter: jitter)
        unreachable[host.host] = host
    }

    private mutating func dropLine(of host: CheckedHost) {
        short.remove(host)
        guard let line = lines.removeValue(forKey: host) else { return }
        known.subtract(line.keys)
        if let place = ring.firstIndex(of: host) {
            ring.remove(at: place)
            if place < turn { turn -= 1 }
        }
    }

    private static func lower<Key>(_ counts: inout [Key: Int], _ key: Key) {
        counts[key] = counts[key].flatMap { $0 > 1 ? $0 - 1 : nil }
    }
}
