import NIOPosix
import Synchronization

/// libpq computes and, at times, blocks: it runs on threads of its own, a few at once for the whole process, with a line before
/// them that is bounded too.
final class PostgresThreads: Sendable {
    static let shared = PostgresThreads()

    private let threads: NIOThreadPool
    private let pending = Mutex(0)
    private static let count = 8
    private static let maxPending = 128

    private init() {
        threads = NIOThreadPool(numberOfThreads: Self.count)
        threads.start()
    }

    /// Returns `nil` at once when too many wait already.
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result? {
        let isAdmitted = pending.withLock { pending in
            guard pending < Self.maxPending else { return false }
            pending += 1
            return true
        }
        guard isAdmitted else { return nil }
        defer { pending.withLock { $0 -= 1 } }
        return try? await threads.runIfActive(body)
    }
}
