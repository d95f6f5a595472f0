import NIOCore
import Synchronization

/// Lets so many through at a time; the others wait in a line that is bounded too.
final class Gate: Sendable {
    private struct State {
        var inside = 0
        var line = CircularBuffer<Deferred<Void>>()
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let lineLength: Int

    init(capacity: Int, lineLength: Int) {
        self.capacity = capacity
        self.lineLength = lineLength
    }

    var isIdle: Bool { state.withLock { $0.inside == 0 } }

    /// Everybody who entered must leave. Throws `overloaded` or `closed` to those who did not get in.
    func enter(until deadline: NIODeadline) async throws(EgressError) {
        let turn = try state.withLock { state throws(EgressError) -> Deferred<Void>? in
            guard state.inside >= capacity else {
                state.inside += 1
                return nil
            }
            guard state.line.count < lineLength else { throw .overloaded }
            let turn = Deferred<Void>()
            state.line.append(turn)
            return turn
        }
        guard let turn else { return }
        do {
            try await turn.value(until: deadline)
        } catch {
            let wasInLine = state.withLock { state in
                guard let place = state.line.firstIndex(where: { $0 === turn }) else { return false }
                state.line.remove(at: place)
                return true
            }
            // The turn came at the very moment of giving up: it is the next one's.
            if !wasInLine { leave() }
            // Nothing was sent, which `timedOut` would leave open.
            throw error == .timedOut ? .overloaded : error
        }
    }

    func leave() {
        let next = state.withLock { state -> Deferred<Void>? in
            let next = state.line.popFirst()
            if next == nil { state.inside -= 1 }
            return next
        }
        next?.finish(.success(()))
    }
}
