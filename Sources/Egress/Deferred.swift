import NIOCore
import NIOPosix
import Synchronization

/// A value that comes later. Each task that awaits it has its own deadline, and its cancellation disturbs no other.
final class Deferred<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, EgressError>

    private enum Waiter {
        /// It has its number and does not wait yet.
        case coming
        case waiting(CheckedContinuation<Outcome, Never>)
        /// It gave up before it waited.
        case gone(EgressError)
    }

    private struct State {
        var outcome: Outcome?
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0

        mutating func join() -> Int {
            defer { nextWaiter += 1 }
            waiters[nextWaiter] = .coming
            return nextWaiter
        }

        /// Keeps the continuation, or returns what it is to be resumed with at once.
        mutating func wait(_ waiter: Int, _ continuation: CheckedContinuation<Outcome, Never>) -> Outcome? {
            if let outcome { return outcome }
            if case .gone(let error) = waiters.removeValue(forKey: waiter) { return .failure(error) }
            waiters[waiter] = .waiting(continuation)
            return nil
        }

        mutating func giveUp(_ waiter: Int, _ error: EgressError) -> CheckedContinuation<Outcome, Never>? {
            switch waiters[waiter] {
            case .coming: waiters[waiter] = .gone(error)
            case .waiting(let continuation):
                waiters[waiter] = nil
                return continuation
            case .gone, nil: break
            }
            return nil
        }
    }

    private let state = Mutex(State())

    /// The first outcome stands.
    func finish(_ outcome: Outcome) {
        let waiters = state.withLock { state -> [Int: Waiter] in
            guard state.outcome == nil else { return [:] }
            state.outcome = outcome
            defer { state.waiters = [:] }
            return state.waiters
        }
        for case .waiting(let continuation) in waiters.values { continuation.resume(returning: outcome) }
    }

    /// Throws `timedOut` past the deadline and `closed` when the task is cancelled.
    func value(until deadline: NIODeadline) async throws(EgressError) -> Value {
        let waiter = state.withLock { $0.join() }
        let timer = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(deadline: deadline) {
            self.giveUp(waiter, .timedOut)
        }
        defer { timer.cancel() }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Outcome, Never>) in
                if let outcome = state.withLock({ $0.wait(waiter, continuation) }) {
                    continuation.resume(returning: outcome)
                }
            }
        } onCancel: {
            giveUp(waiter, .closed)
        }
        return try outcome.get()
    }

    private func giveUp(_ waiter: Int, _ error: EgressError) {
        state.withLock { $0.giveUp(waiter, error) }?.resume(returning: .failure(error))
    }
}
