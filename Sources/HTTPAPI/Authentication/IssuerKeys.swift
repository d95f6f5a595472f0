import Connections
import Logging
import Synchronization

/// The keys that an issuer publishes as a JWK set, fetched when a token asks for them, by one fetch at a time.
///
/// A fetch that fails, or brings nothing usable, changes nothing: the keys of the last good answer stay. A good answer
/// replaces them all, so that a key that is no longer in the set ends.
final class IssuerKeys: Sendable {
    typealias Source = @Sendable () async throws -> [UInt8]

    private struct State: Sendable {
        var keys: JSONWebKeys?
        var schedule: KeySetSchedule
        var fetch: Task<Void, Never>?
        /// Whether the keys wait for the fetch to end before they are used.
        var areHeld = false
    }

    private let source: Source
    private let logger: Logger
    private let state: Mutex<State>

    /// Fetches for the first time, which nobody waits for. `source` must end in bounded time with a bounded answer, and what
    /// it throws is logged.
    init(at now: Timestamp, logger: Logger, source: @escaping Source) {
        self.source = source
        self.logger = logger
        state = Mutex(State(schedule: KeySetSchedule(startedAt: now)))
        state.withLock { begin(&$0, at: now) }
    }

    /// The key with a token's `kid`; without one the only key there is. Throws `APIError`.
    func key(_ id: String?, at now: Timestamp) async throws -> VerificationKey {
        let (found, fetch) = try look(for: id, at: now)
        if let found { return found }
        await fetch?.value
        guard let keys = state.withLock({ $0.keys }) else {
            throw APIError.unavailable(
                "The keys that JWTs are checked with could not be fetched yet: try again",
                retryAfter: Int(KeySetSchedule.firstInterval))
        }
        guard let key = try keys.key(id) else {
            throw APIError.unauthorized("The JWT's kid names no key of its issuer")
        }
        return key
    }

    /// Of those that were fetched last, when they end; by `kid`.
    var ends: [String: Timestamp] { state.withLock { $0.keys?.ends } ?? [:] }

    /// The key, or the fetch that may bring it.
    private func look(
        for id: String?, at now: Timestamp
    ) throws -> (key: VerificationKey?, fetch: Task<Void, Never>?) {
        try state.withLock { state in
            switch state.schedule.age(at: now) {
            case .fresh: break
            case .due: begin(&state, at: now)
            case .stale:
                begin(&state, at: now)
                state.areHeld = true
            }
            if !state.areHeld, let key = try state.keys?.key(id) { return (key, nil) }
            if state.fetch == nil, state.schedule.search(at: now, hasKeys: state.keys != nil) { begin(&state, at: now) }
            return (nil, state.fetch)
        }
    }

    private func begin(_ state: inout State, at now: Timestamp) {
        guard state.fetch == nil else { return }
        state.schedule.noteFetch(at: now)
        state.fetch = Task { await fetch() }
    }

    private func fetch() async {
        var fetched: JSONWebKeys?
        do {
            fetched = try await JSONWebKeys(source())
        } catch {
            logger.warning("JWT keys not fetched", metadata: ["error.reason": "\(error)"])
        }
        let isChange = state.withLock { state in
            state.fetch = nil
            state.areHeld = false
            guard let fetched else { return false }
            defer { state.keys = fetched }
            return state.keys?.ids != fetched.ids
        }
        if isChange, let fetched {
            logger.notice("JWT keys changed", metadata: ["jwks.keys": "\(fetched.count)"])
        }
    }
}
