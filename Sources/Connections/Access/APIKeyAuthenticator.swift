import Synchronization

/// Turns a token into a principal. Keys that were seen are kept in memory, so that a request costs one hash and one
/// look-up; a changed or revoked key is forgotten before its change is answered.
package final class APIKeyAuthenticator: Sendable {
    private let store: any Store
    private let digester: TokenDigester
    private let keys = ForgetfulCache<TokenDigest, Entry>(capacity: 50_000)
    private let used = Mutex<[APIKeyID: Timestamp]>([:])

    private struct Entry {
        let id: APIKeyID
        let principal: Principal
    }

    package init(store: any Store, digester: @escaping TokenDigester) {
        self.store = store
        self.digester = digester
    }

    package func digest(_ token: String) -> TokenDigest { digester(token) }

    /// `nil` for a token that is unknown, inactive or expired.
    package func authenticate(_ token: String, at now: Timestamp) async throws -> Principal? {
        guard let entry = try await entry(for: digester(token)) else { return nil }
        guard entry.principal.expiresAt.map({ now < $0 }) ?? true else { return nil }
        used.withLock { $0[entry.id] = now }
        return entry.principal
    }

    private func entry(for digest: TokenDigest) async throws -> Entry? {
        let (known, epoch) = keys.value(for: digest)
        if let known { return known }
        guard let key = try await store.apiKey(digest), key.status == .active else { return nil }
        let entry = Entry(id: key.id, principal: key.principal)
        keys.remember(entry, for: digest, since: epoch)
        return entry
    }

    package func forget(_ id: APIKeyID) {
        keys.forget { $0.id == id }
    }

    package func forgetAll() {
        keys.forget()
    }

    /// Writes when keys were last used: called now and then, never by a request.
    package func flushLastUsed() async throws {
        let used = used.withLock { used in
            defer { used = [:] }
            return used
        }
        guard !used.isEmpty else { return }
        do {
            try await store.write { tx in
                for (id, time) in used { try tx.touch(apiKey: id, at: time) }
            }
        } catch {
            self.used.withLock { $0.merge(used) { newer, _ in newer } }
            throw error
        }
    }
}
