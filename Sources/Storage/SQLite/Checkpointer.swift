import Logging
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Copies the write-ahead log into the database file on a thread of its own, while the writer goes on.
///
/// A random update dirties a page of its own, so copying takes as long as many commits, and a writer that did it would stop
/// for tens of milliseconds. What was written meanwhile is little, and the writer copies that itself between two batches:
/// then all of the log is copied and the next commit begins it anew, so that it does not grow without end. Once nobody
/// writes, the rest is copied here, since readers look through a log that is not copied to its end.
final class Checkpointer: Sendable {
    private enum State {
        /// The log is short, or nobody writes.
        case idle
        /// The thread waits for the log to grow long or for the writing to end.
        case watching
        /// The thread has copied the log but for a remainder, which is the writer's.
        case copied
    }

    private let path: String
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State.idle)
    private let logPages = Atomic<Int>(0)
    private let connection = UnsafeBox()
    private let writes: WriteActivity
    private let endSnapshots: @Sendable () -> Void

    /// Touched on the checkpointer's thread only.
    private final class UnsafeBox: @unchecked Sendable {
        var connection: SQLiteConnection?
    }

    /// Pages of the log that are worth a pass: 128 MiB. A pass ends with a sync of the file, and commits wait behind it at the
    /// disk, so that few long passes cost less than many short ones. Reading a log of this size after a crash takes a
    /// fraction of a second.
    private static let threshold = 32_000
    /// Pages that the writer may copy itself without being missed, and that readers may look through.
    private static let remainder = 500
    private static let maxPasses = 4
    /// In microseconds, how long to wait before looking again.
    private static let patience: UInt32 = 60_000
    private static let cacheKiB = 512

    /// `endSnapshots` lets readers begin anew, past the log that was copied.
    init(path: String, writes: WriteActivity, endSnapshots: @escaping @Sendable () -> Void) {
        self.path = path
        self.writes = writes
        self.endSnapshots = endSnapshots
        thread.start()
    }

    /// Called by the writer between two batches, with its connection and the pages that the log has.
    func advance(_ writer: SQLiteConnection, logPages: Int) throws {
        self.logPages.store(logPages, ordering: .relaxed)
        let found = state.withLock { state in
            defer { if state == .copied || logPages > Self.remainder { state = .watching } }
            return state
        }
        switch found {
        case .idle where logPages > Self.remainder: thread.submit { _ in self.watch() }
        case .copied: _ = try writer.checkpoint()
        case .idle, .watching: break
        }
    }

    func close() async {
        // Runs after a pass that is under way, since the pool has one thread.
        try? await thread.runIfActive { self.connection.connection = nil }
        try? await thread.shutdownGracefully()
    }

    private func watch() {
        while true {
            usleep(Self.patience)
            if writes.areQuiet {
                // Idle before the pass, so that a batch during it starts the next watch, which runs after this one.
                state.withLock { $0 = .idle }
                _ = pass()
                endSnapshots()
                return
            }
            guard logPages.load(ordering: .relaxed) >= Self.threshold, state.withLock({ $0 == .watching }) else {
                continue
            }
            var passes = 0
            repeat { passes += 1 } while pass() > Self.remainder && passes < Self.maxPasses
            state.withLock { $0 = .copied }
        }
    }

    /// Returns how many pages are left. A failure loses nothing: the log keeps what was committed, and the next pass tries
    /// again with a new connection.
    private func pass() -> Int {
        do {
            let open =
                try connection.connection
                ?? SQLiteConnection(path: path, mode: .readWrite, cacheKiB: Self.cacheKiB)
            connection.connection = open
            return try open.checkpoint()
        } catch {
            connection.connection = nil
            return 0
        }
    }
}
