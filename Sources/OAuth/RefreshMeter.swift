import Synchronization

/// Counts what became of refreshes since the start, for the metrics.
package final class RefreshMeter: Sendable {
    private let refreshedCount = Atomic<Int>(0)
    private let failedCount = Atomic<Int>(0)

    package init() {}

    package var refreshed: Int { refreshedCount.load(ordering: .relaxed) }
    /// Attempts that got no new tokens, whatever the reason.
    package var failed: Int { failedCount.load(ordering: .relaxed) }

    func count(_ result: Refresher.Result) {
        switch result {
        case .fresh: refreshedCount.add(1, ordering: .relaxed)
        case .failed: failedCount.add(1, ordering: .relaxed)
        }
    }
}
