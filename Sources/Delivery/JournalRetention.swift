package import Connections
package import Logging
import ServiceLifecycle
import Synchronization

/// Deletes what is too old, slowly: entries of the journal, and the log of deliveries that are finished.
package final class JournalRetention: Service, CustomStringConvertible, Sendable {
    private let store: any Store
    private let ambient: Ambient
    private let pause: InstancePause
    private let logger: Logger
    /// `nil` keeps the journal for ever.
    private let days: Int?
    private let state = Mutex(State())

    private struct State {
        /// Up to here the journal was looked through.
        var position: Int64 = 0
        var sweeps = 0
    }

    private static let day: Int64 = 86_400
    /// How many days longer an entry is kept for a webhook that has not come to it.
    private static let undeliveredDays: Int64 = 3
    private static let deliveryDays: Int64 = 7
    /// Looked at in one unit of work, so that nobody waits behind it for long.
    private static let batch = 500
    private static let breath = Duration.milliseconds(20)
    private static let interval = Duration.seconds(3_600)
    private static let firstSweep = Duration.seconds(60)
    /// What was kept for its connection's sake may go once there is something newer: all is looked through so often.
    private static let sweepsOfAll = 24

    package init(store: any Store, ambient: Ambient, days: Int?, pause: InstancePause, logger: Logger) {
        self.store = store
        self.ambient = ambient
        self.days = days
        self.pause = pause
        self.logger = logger
    }

    package var description: String { "JournalRetention" }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var next = Self.firstSweep
            while (try? await Task.sleep(for: next)) != nil {
                await self.sweep()
                next = Self.interval
            }
        }
    }

    /// Looks through all that has grown old since the last time.
    package func sweep() async {
        guard !pause.isPaused else { return }
        do {
            try await sweepJournal()
            try await sweepDeliveries()
        } catch is CancellationError {
            return
        } catch {
            logger.warning("retention stopped short", metadata: ["error.reason": "\(error)"])
        }
    }

    private func sweepJournal() async throws {
        guard let days else { return }
        let cutoff = ambient.now().advanced(bySeconds: -Int64(days) * Self.day)
        var position = state.withLock { state in
            defer { state.sweeps += 1 }
            if state.sweeps.isMultiple(of: Self.sweepsOfAll) { state.position = 0 }
            return state.position
        }
        var deleted = 0
        while true {
            let pruning = JournalPruning(
                after: position, limit: Self.batch, before: cutoff,
                evenUndelivered: cutoff.advanced(bySeconds: -Self.undeliveredDays * Self.day))
            let step = try await store.write { try $0.prune(pruning) }
            if step.isEnd { break }
            position = step.through
            deleted += step.deleted
            state.withLock { [position] in $0.position = position }
            try await Task.sleep(for: Self.breath)
        }
        if deleted > 0 { logger.info("old journal entries deleted", metadata: ["journal.entries": "\(deleted)"]) }
    }

    private func sweepDeliveries() async throws {
        let cutoff = ambient.now().advanced(bySeconds: -Self.deliveryDays * Self.day)
        for webhook in try await store.allWebhookKeys() {
            while true {
                let count = try await store.write { tx in
                    try tx.pruneDeliveries(of: webhook, finishedBefore: cutoff, limit: Self.batch)
                }
                if count < Self.batch { break }
                try await Task.sleep(for: Self.breath)
            }
        }
    }
}
