import Synchronization

/// What readers know of the writer: how many commits there were, and when the last one was.
final class WriteActivity: Sendable {
    private let count = Atomic<Int>(0)
    /// Nanoseconds since `start`.
    private let last = Atomic<Int64>(0)
    private let start = ContinuousClock.now

    private static let quietAfter: Int64 = 50_000_000

    /// Commits that were made durable. Counted before any of them is answered.
    var commits: Int { count.load(ordering: .acquiring) }

    /// Whether nothing was written for a while.
    var areQuiet: Bool { now - last.load(ordering: .relaxed) > Self.quietAfter }

    func noteCommit() {
        last.store(now, ordering: .relaxed)
        count.add(1, ordering: .releasing)
    }

    private var now: Int64 {
        let elapsed = (ContinuousClock.now - start).components
        return elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000
    }
}
