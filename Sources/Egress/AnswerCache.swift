import Connections
import NIOCore
import Synchronization

/// What the resolver said of one name, used for a short time. However many ask, one look-up is under way.
final class AnswerCache: Sendable {
    private struct State {
        var addresses: [IPAddress] = []
        var freshUntil: ContinuousClock.Instant?
        var lookup: (answer: Deferred<[IPAddress]>, task: Task<Void, Never>)?
    }

    private let state = Mutex(State())
    private let lifetime: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let resolve: @Sendable () async throws -> [IPAddress]
    /// More than any honest name has; a longer answer is cut.
    private static let maxAddresses = 32

    init(
        lifetime: Duration, now: @escaping @Sendable () -> ContinuousClock.Instant,
        resolve: @escaping @Sendable () async throws -> [IPAddress]
    ) {
        self.lifetime = lifetime
        self.now = now
        self.resolve = resolve
    }

    /// Never empty.
    func addresses(until deadline: NIODeadline) async throws(EgressError) -> [IPAddress] {
        let (fresh, lookup) = state.withLock { state -> ([IPAddress], Deferred<[IPAddress]>?) in
            if let freshUntil = state.freshUntil, now() < freshUntil { return (state.addresses, nil) }
            if let lookup = state.lookup { return ([], lookup.answer) }
            let answer = Deferred<[IPAddress]>()
            state.lookup = (answer, Task { await self.look(for: answer) })
            return ([], answer)
        }
        return try await lookup?.value(until: deadline) ?? fresh
    }

    /// Ends a look-up that is under way.
    func close() {
        state.withLock { $0.lookup?.task.cancel() }
    }

    private func look(for answer: Deferred<[IPAddress]>) async {
        let outcome: Result<[IPAddress], EgressError>
        do {
            let addresses = try await resolve().prefix(Self.maxAddresses)
            outcome = addresses.isEmpty ? .failure(.nameNotResolved) : .success(Array(addresses))
        } catch {
            outcome = .failure(error as? EgressError ?? .nameNotResolved)
        }
        state.withLock { state in
            state.lookup = nil
            if case .success(let addresses) = outcome {
                state.addresses = addresses
                state.freshUntil = now() + lifetime
            }
        }
        answer.finish(outcome)
    }
}
