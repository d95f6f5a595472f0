/// The calendar of what ends.
package struct ExpirationService: Sendable {
    private let store: any Store

    package init(store: any Store) { self.store = store }

    package struct Page: Sendable {
        package let expirations: [Expiration]
        /// The place of the last of them; `nil` on the last page.
        package let next: Expiration.Place?
    }

    /// - Parameter others: what the store does not know, in any order and of any time.
    package func page(_ query: ExpirationQuery, besides others: [Expiration] = []) async throws -> Page {
        var wanted = query
        wanted.limit += 1
        let stored = try await store.expirations(wanted)
        let known = others.filter { other in
            query.kinds.contains(other.kind) && (query.from...query.through).contains(other.expiresAt)
                && query.after.map { $0 < other.place } ?? true
        }
        var all = (stored + known).sorted { $0.place < $1.place }
        let hasMore = all.count > query.limit
        if hasMore { all.removeLast(all.count - query.limit) }
        let connections = try await store.connections(of: all, in: query.workspace)
        for index in all.indices where all[index].connections.isEmpty {
            all[index].connections = connections[all[index].subject] ?? []
        }
        return Page(expirations: all, next: hasMore ? all.last?.place : nil)
    }
}
