import Connections

/// When an issuer's keys are fetched again. It counts in both directions, so that neither requests whose times come out of
/// order nor a clock that is set back bring it out of step.
struct KeySetSchedule: Sendable {
    enum Age: Sendable {
        case fresh
        /// To be fetched while its keys go on being used.
        case due
        /// Unasked for so long that a key may have been withdrawn long ago: to be fetched before its keys are used.
        case stale
    }

    /// Seconds between two searches for an unknown key.
    static let searchInterval: Int64 = 60
    /// The same while there has been no good answer at all.
    static let firstInterval: Int64 = 5
    static let refreshInterval: Int64 = 600
    static let staleInterval: Int64 = 1_200

    private var fetchedAt: Timestamp
    private var searchedAt: Timestamp?

    init(startedAt now: Timestamp) {
        fetchedAt = now
    }

    func age(at now: Timestamp) -> Age {
        switch Self.seconds(from: fetchedAt, to: now) {
        case ..<Self.refreshInterval: .fresh
        case ..<Self.staleInterval: .due
        default: .stale
        }
    }

    /// Good or bad: an issuer that fails is not asked more often.
    mutating func noteFetch(at now: Timestamp) {
        fetchedAt = now
    }

    /// Whether an unknown key may be searched for now. The search is counted.
    mutating func search(at now: Timestamp, hasKeys: Bool) -> Bool {
        let interval = hasKeys ? Self.searchInterval : Self.firstInterval
        if let searchedAt, Self.seconds(from: searchedAt, to: now) < interval { return false }
        searchedAt = now
        return true
    }

    private static func seconds(from a: Timestamp, to b: Timestamp) -> Int64 {
        abs(b.microseconds - a.microseconds) / 1_000_000
    }
}
