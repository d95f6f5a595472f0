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
/// then all of the log is copied and the next commit begins it anew, so that it does not grow without end. When no next
/// batch comes, the rest is copied here, since readers look through a log that is not copied to its end.
final class Checkpointer: Sendable {
    private enum State { case idle, copying, copied }

    private let path: String
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State.idle)
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
    /// Pages that the writer may copy itself without being missed.
    private static let remainder = 500
    private static let maxPasses = 4
    /// In microseconds, how long to wait for the next batch before looking again.
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
        enum Action { case nothing, start, finish }
        let action: Action = state.withLock { state in
            switch state {
            case .idle where logPages >= Self.threshold:
                state = .copying
                return .start
            case .copied:
                state = .idle
                return .finish
            case .idle, .copying: return .nothing
            }
        }
        switch action {
        case .nothing: break
        case .start: thread.submit { _ in self.copy() }
        case .finish: _ = try writer.checkpoint()
        }
    }

    func close() async {
        // Runs after a pass that is under way, since the pool has one thread.
        try? await thread.runIfActive { self.connection.connection = nil }
        try? await thread.shutdownGracefully()
    }

    private func copy() {
        var passes = 0
        repeat { passes += 1 } while pass() > Self.remainder && passes < Self.maxPasses
        state.withLock { $0 = .copied }
        settle()
    }

    /// Waits for the writer to take over, and without any writing copies the rest.
    private func settle() {
        while true {
            usleep(Self.patience)
            let isMine = state.withLock { state in
                guard state == .copied, writes.areQuiet else { return false }
                state = .copying
                return true
            }
            if isMine {
                _ = pass()
                state.withLock { $0 = .idle }
                endSnapshots()
                return
            }
            if state.withLock({ $0 != .copied }) { return }
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
