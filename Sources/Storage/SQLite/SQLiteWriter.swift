import CSQLite
import Connections
import Logging
import NIOPosix
import Synchronization

/// The one writer. Units of work queue up while a commit is under way; the next commit takes all that wait, each in a
/// savepoint of its own, so that one `fsync` makes many durable and one failure undoes only itself.
final class SQLiteWriter: Sendable {
    private let path: String
    private let logger: Logger
    private let thread: NIOThreadPool
    private let state = Mutex(State())
    private let connection: UnsafeBox
    private let checkpointer: Checkpointer
    private let writes: WriteActivity
    private let endSnapshots: @Sendable () -> Void

    private struct State {
        var queue: [any WriteJob] = []
        var isDraining = false
        var isClosed = false
        var batches = 0
        var units = 0
    }

    /// Touched on the writer's thread only.
    private final class UnsafeBox: @unchecked Sendable {
        var connection: SQLiteConnection?
        var isFailing = false
    }

    private static let cacheKiB = 8_192
    private static let maxQueue = 10_000
    private static let maxBatch = 512

    /// `endSnapshots` is called before each batch.
    init(path: String, logger: Logger, writes: WriteActivity, endSnapshots: @escaping @Sendable () -> Void) {
        self.writes = writes
        self.endSnapshots = endSnapshots
        self.path = path
        self.logger = logger
        connection = UnsafeBox()
        checkpointer = Checkpointer(path: path, writes: writes, endSnapshots: endSnapshots)
        thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
    }

    var queueLength: Int { state.withLock(\.queue.count) }
    var commits: (batches: Int, units: Int) { state.withLock { ($0.batches, $0.units) } }

    func submit<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            enqueue(Job(body: body, continuation: continuation))
        }
    }

    func close() async {
        state.withLock { $0.isClosed = true }
        await checkpointer.close()
        // Runs after what was queued before it, since the pool has one thread.
        try? await thread.runIfActive { self.connection.connection = nil }
        try? await thread.shutdownGracefully()
    }

    private func enqueue(_ job: any WriteJob) {
        enum Action {
            case wait, start
            case refuse(String)
        }
        let action: Action = state.withLock { state in
            if state.isClosed { return .refuse("the store is closing") }
            if state.queue.count >= Self.maxQueue { return .refuse("too many writes are waiting") }
            state.queue.append(job)
            if state.isDraining { return .wait }
            state.isDraining = true
            return .start
        }
        switch action {
        case .wait: break
        case .start: thread.submit { _ in self.drain() }
        case .refuse(let reason): job.fail(StoreError.unavailable(reason))
        }
    }

    private func drain() {
        while true {
            let jobs: [any WriteJob] = state.withLock { state in
                let jobs = Array(state.queue.prefix(Self.maxBatch))
                state.queue.removeFirst(jobs.count)
                if jobs.isEmpty { state.isDraining = false }
                return jobs
            }
            if jobs.isEmpty { return }
            runBatch(jobs)
        }
    }

    // MARK: Batches

    // Prepared like any other statement: parsing them anew for each unit cost as much as running it.
    private static let begin = SQL("BEGIN IMMEDIATE")
    private static let savepoint = SQL("SAVEPOINT unit")
    private static let rollBackToSavepoint = SQL("ROLLBACK TO unit")
    private static let release = SQL("RELEASE unit")
    private static let commit = SQL("COMMIT")

    private func runBatch(_ jobs: [any WriteJob]) {
        do {
            endSnapshots()
            try commit(jobs)
            writes.noteCommit()
            noteSuccess()
            state.withLock { state in
                state.batches += 1
                state.units += jobs.count
            }
            for job in jobs { job.succeed() }
            checkpoint()
        } catch {
            guard jobs.count == 1 else {
                // The transaction ended whole: nobody's work stands, and whose fault it was shows when each runs alone.
                for job in jobs { runBatch([job]) }
                return
            }
            let storeError = (error as? SQLiteError)?.storeError ?? .failed("\(error)")
            noteFailure(storeError)
            jobs[0].fail(storeError)
        }
    }

    private func commit(_ jobs: [any WriteJob]) throws {
        let connection = try openConnection()
        try connection.execute(Self.begin, [])
        do {
            for job in jobs {
                try connection.execute(Self.savepoint, [])
                if let failure = job.run(connection) {
                    if !connection.isInTransaction { throw failure }
                    if let failure = failure as? SQLiteError, failure.isUnavailability { throw failure }
                    try connection.execute(Self.rollBackToSavepoint, [])
                }
                try connection.execute(Self.release, [])
            }
            try connection.execute(Self.commit, [])
        } catch {
            if connection.isInTransaction { try? connection.run("ROLLBACK") }
            throw error
        }
    }

    /// After the answers are on their way. A failure here loses nothing: the log keeps what was committed.
    private func checkpoint() {
        guard let open = connection.connection else { return }
        do {
            try checkpointer.advance(open, logPages: open.logPages)
        } catch {
            logger.warning("checkpoint failed", metadata: ["error.reason": "\(error)"])
        }
    }

    private func openConnection() throws -> SQLiteConnection {
        if let open = connection.connection { return open }
        let opened = try SQLiteConnection(path: path, mode: .readWrite, cacheKiB: Self.cacheKiB)
        connection.connection = opened
        return opened
    }

    private func noteFailure(_ error: StoreError) {
        guard case .unavailable(let reason) = error else { return }
        // A fresh connection forgets whatever the failed one believed of the file.
        connection.connection = nil
        guard !connection.isFailing else { return }
        connection.isFailing = true
        logger.error("store cannot take writes", metadata: ["error.reason": "\(reason)", "store.path": "\(path)"])
    }

    private func noteSuccess() {
        guard connection.isFailing else { return }
        connection.isFailing = false
        logger.notice("store takes writes again", metadata: ["store.path": "\(path)"])
    }
}

/// A unit of work and whoever waits for it.
private protocol WriteJob: Sendable {
    /// Runs the unit and keeps what came of it. Returns the error that it threw.
    func run(_ connection: SQLiteConnection) -> (any Error)?
    /// Hands out what the last run gave, once that is durable.
    func succeed()
    func fail(_ error: any Error)
}

private final class Job<Result: Sendable>: WriteJob {
    private let body: @Sendable (any SQLConnection) throws -> Result
    private let continuation: CheckedContinuation<Result, any Error>
    private let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)

    init(
        body: @escaping @Sendable (any SQLConnection) throws -> Result,
        continuation: CheckedContinuation<Result, any Error>
    ) {
        self.body = body
        self.continuation = continuation
    }

    func run(_ connection: SQLiteConnection) -> (any Error)? {
        let result = Swift.Result { try body(connection) }
        outcome.withLock { $0 = result }
        if case .failure(let error) = result { return error }
        return nil
    }

    func succeed() {
        guard let outcome = outcome.withLock({ $0 }) else { return }
        continuation.resume(with: outcome.mapError(storeError))
    }

    func fail(_ error: any Error) {
        continuation.resume(throwing: error)
    }

    private func storeError(_ error: any Error) -> any Error {
        switch error {
        case let error as SQLiteError: error.storeError
        case let error as UnreadableRow: StoreError.failed("column \(error.column) of a row cannot be read")
        default: error
        }
    }
}
