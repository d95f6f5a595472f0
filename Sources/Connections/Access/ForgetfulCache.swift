import Synchronization

/// Remembers what was read from the store until somebody changes it. A value that was read before a change is never
/// remembered after it: reading takes an epoch along, and forgetting begins a new one.
package final class ForgetfulCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// The state of the cache when a value was looked for.
    package struct Epoch: Sendable { fileprivate let number: Int }

    private struct State {
        var values: [Key: Value] = [:]
        var epoch = 0
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// Past `capacity` values all are dropped and read again.
    package init(capacity: Int) { self.capacity = capacity }

    package func value(for key: Key) -> (value: Value?, epoch: Epoch) {
        state.withLock { ($0.values[key], Epoch(number: $0.epoch)) }
    }

    /// Does nothing when something was forgotten since `epoch`.
    package func remember(_ value: Value, for key: Key, since epoch: Epoch) {
        state.withLock { state in
            guard state.epoch == epoch.number else { return }
            if state.values.count >= capacity { state.values.removeAll(keepingCapacity: true) }
            state.values[key] = value
        }
    }

    package func forget(where isStale: (Value) -> Bool = { _ in true }) {
        state.withLock { state in
            state.epoch += 1
            state.values = state.values.filter { !isStale($0.value) }
        }
    }
}
