import Logging
import NIOPosix
import Synchronization

/// Copies the write-ahead log into the database file on a thread of its own, while the writer goes on.
///
/// A random update dirties a page of its own, so copying takes as long as many commits, and a writer that did it would stop
/// for tens of milliseconds. What was written meanwhile is little, and the writer copies that itself between two batches:
/// then all of the log is copied and the next commit begins it anew, so that it does not grow without end.
final class Checkpointer: Sendable {
    private enum State { case idle, copying, copied }

    private let path: String
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State.idle)
    private let connection = UnsafeBox()

    /// Touched on the checkpointer's thread only.
    private final class UnsafeBox: @unchecked Sendable {
        var connection: SQLiteConnection?
    }

    /// Pages of the log that are worth a pass: 8 MiB.
    private static let threshold = 2_000
    private static let cacheKiB = 512

    init(path: String) {
        self.path = path
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
        do {
            let open =
                try connection.connection
                ?? SQLiteConnection(path: path, mode: .readWrite, cacheKiB: Self.cacheKiB)
            connection.connection = open
            _ = try open.checkpoint()
        } catch {
            // The log keeps everything that was committed; the next pass tries again with a new connection.
            connection.connection = nil
        }
        state.withLock { $0 = .copied }
    }
}
