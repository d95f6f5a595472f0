import Synchronization

/// Tells those who wait that something was committed, in this process. It costs an addition where nobody waits. Whoever needs
/// to see what other processes write looks every few seconds besides.
package final class JournalSignal: Sendable {
    private let count = Atomic<Int>(0)
    private let waiting = Atomic<Int>(0)
    private let state = Mutex(State())

    private struct State {
        var next = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        /// Cancelled before they began to wait.
        var cancelled: Set<Int> = []
    }

    package init() {}

    /// How many commits there were. Taken before reading, it makes `wait` return at once where one came after it.
    package var commits: Int { count.load(ordering: .sequentiallyConsistent) }

    package func notify() {
        // In this order, against that of `suspend`: either this sees the waiter, or the waiter sees the commit.
        count.add(1, ordering: .sequentiallyConsistent)
        guard waiting.load(ordering: .sequentiallyConsistent) > 0 else { return }
        wakeAll()
    }

    /// Returns once there are more commits than `seen`, after `patience`, or when the task is cancelled.
    package func wait(past seen: Int, atMost patience: Duration) async {
        guard commits == seen, patience > .zero else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.suspend(past: seen) }
            group.addTask { try? await Task.sleep(for: patience) }
            await group.next()
            group.cancelAll()
        }
    }

    private func suspend(past seen: Int) async {
        let ticket = state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        waiting.add(1, ordering: .sequentiallyConsistent)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.cancelled.remove(ticket) != nil || commits != seen { return true }
                    state.waiters[ticket] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            wake(ticket)
        }
        waiting.subtract(1, ordering: .sequentiallyConsistent)
        state.withLock { _ = $0.cancelled.remove(ticket) }
    }

    private func wake(_ ticket: Int) {
        let waiter = state.withLock { state in
            let waiter = state.waiters.removeValue(forKey: ticket)
            if waiter == nil { state.cancelled.insert(ticket) }
            return waiter
        }
        waiter?.resume()
    }

    private func wakeAll() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }
}
