import Synchronization

/// Turns a token into a principal. Keys that were seen are kept in memory, so that a request costs one hash and one
/// look-up; a changed or revoked key is forgotten before its change is answered.
package final class APIKeyAuthenticator: Sendable {
    private let store: any Store
    private let digester: TokenDigester
    private let state = Mutex(State())

    private struct State {
        var keys: [TokenDigest: Entry] = [:]
        /// Counts the times that something was forgotten: what was read before must not be remembered after.
        var epoch = 0
        var used: [APIKeyID: Timestamp] = [:]
    }

    private struct Entry {
        let id: APIKeyID
        let principal: Principal
    }

    /// Past this many keys in memory, all are dropped and read again.
    private static let capacity = 50_000

    package init(store: any Store, digester: @escaping TokenDigester) {
        self.store = store
        self.digester = digester
    }

    package func digest(_ token: String) -> TokenDigest { digester(token) }

    /// `nil` for a token that is unknown, inactive or expired.
    package func authenticate(_ token: String, at now: Timestamp) async throws -> Principal? {
        let digest = digester(token)
        let (known, epoch) = state.withLock { state in
            let entry = state.keys[digest]
            if let entry { state.used[entry.id] = now }
            return (entry?.principal, state.epoch)
        }
        if let known { return known.isAlive(at: now) ? known : nil }

        guard let key = try await store.apiKey(digest), key.status == .active else { return nil }
        let principal = key.principal
        guard principal.isAlive(at: now) else { return nil }
        state.withLock { state in
            state.used[key.id] = now
            guard state.epoch == epoch else { return }
            if state.keys.count >= Self.capacity { state.keys.removeAll(keepingCapacity: true) }
            state.keys[digest] = Entry(id: key.id, principal: principal)
        }
        return principal
    }

    package func forget(_ id: APIKeyID) {
        state.withLock { state in
            state.epoch += 1
            state.keys = state.keys.filter { $0.value.id != id }
        }
    }

    package func forgetAll() {
        state.withLock { state in
            state.epoch += 1
            state.keys.removeAll()
        }
    }

    /// Writes when keys were last used: called now and then, never by a request.
    package func flushLastUsed() async throws {
        let used = state.withLock { state in
            defer { state.used = [:] }
            return state.used
        }
        guard !used.isEmpty else { return }
        try await store.write { tx in
            for (id, time) in used { try tx.touch(apiKey: id, at: time) }
        }
    }
}

extension Principal {
    fileprivate func isAlive(at now: Timestamp) -> Bool { expiresAt.map { now < $0 } ?? true }
}
