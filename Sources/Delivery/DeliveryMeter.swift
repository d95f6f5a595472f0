import Connections
import Synchronization

/// Counts what became of deliveries, for the metrics.
package final class DeliveryMeter: Sendable {
    private let deliveredCount = Atomic<Int>(0)
    private let failedCount = Atomic<Int>(0)
    private let deadCount = Atomic<Int>(0)
    private let pendingCount = Atomic<Int>(0)

    package init() {}

    package var delivered: Int { deliveredCount.load(ordering: .relaxed) }
    /// Attempts that failed, those that were the last included. What was held back, or has expired, is none.
    package var failed: Int { failedCount.load(ordering: .relaxed) }
    package var dead: Int { deadCount.load(ordering: .relaxed) }
    /// Rows that wait for their next attempt, as of the last count.
    package var pending: Int { pendingCount.load(ordering: .relaxed) }

    func count(_ batch: Lane.Batch) {
        deliveredCount.add(batch.deliveries.count { $0.state == .delivered }, ordering: .relaxed)
        failedCount.add(batch.failedAttempts, ordering: .relaxed)
        deadCount.add(batch.deliveries.count { $0.state == .dead }, ordering: .relaxed)
    }

    func note(pending count: Int) { pendingCount.store(count, ordering: .relaxed) }
}
