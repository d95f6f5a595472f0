import Synchronization

/// Whether this instance may spend what it holds. A copy of a store must not, until somebody says that it is the original.
package final class InstancePause: Sendable {
    private let paused: Atomic<Bool>
    /// No other process writes to the store, so that every lease of another owner is of one that ended.
    package let isStoreExclusive: Bool

    package init(isPaused: Bool, isStoreExclusive: Bool) {
        paused = Atomic(isPaused)
        self.isStoreExclusive = isStoreExclusive
    }

    /// What is told to whoever asks for what it must not do.
    package static let refusal =
        "This instance is paused, since its store looks like a copy: once the original has ended for good, run "
        + "'patchbay resume' here"

    package var isPaused: Bool { paused.load(ordering: .acquiring) }

    package func resume() { paused.store(false, ordering: .releasing) }
}
