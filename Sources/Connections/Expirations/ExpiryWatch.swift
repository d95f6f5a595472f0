import LosslessJSON

/// Tells ahead of time of what ends and does not renew itself: once at 30, at 7 and at 1 days. What is seen for the first time
/// when several of them have passed is told of once.
package struct ExpiryWatch: Sendable {
    private let store: any Store
    private let ambient: Ambient

    /// Ends that are told of in one unit of work.
    private static let batch = 50
    private static let workspacePage = 200
    /// Connections of one credential that are told of; more would hold up the writer.
    private static let maxConnections = 1_000

    package init(store: any Store, ambient: Ambient) {
        self.store = store
        self.ambient = ambient
    }

    /// Goes through all workspaces. Returns how many ends were told of.
    @discardableResult
    package func run() async throws -> Int {
        var told = try await announce(in: nil)
        var page = PageRequest<WorkspaceID>(limit: Self.workspacePage)
        while true {
            let workspaces = try await store.workspaces(nil, page: page)
            for workspace in workspaces.items { told += try await announce(in: workspace.id) }
            guard let next = workspaces.next, !Task.isCancelled else { break }
            page = PageRequest(limit: Self.workspacePage, after: next)
        }
        try await prune()
        return told
    }

    private func announce(in workspace: WorkspaceID?) async throws -> Int {
        let now = ambient.now()
        var told = 0
        // Asked outside first, since most have nothing to tell and the writer is everybody's.
        while try await store.hasUnannounced(in: workspace, at: now), !Task.isCancelled {
            let count = try await store.write { try announce(in: workspace, at: now, tx: $0) }
            told += count
            if count == 0 { break }
        }
        return told
    }

    private func announce(in workspace: WorkspaceID?, at now: Timestamp, tx: any StoreTransaction) throws -> Int {
        if let workspace, try tx.workspace(workspace) == nil { return 0 }
        let cause = Cause(principal: .system, requestID: ambient.id(EventID.self).description, at: now)
        let ending = try tx.unannounced(in: workspace, at: now, limit: Self.batch)
        for expiration in ending {
            guard let days = ExpiryThreshold.days(from: now, to: expiration.expiresAt) else { continue }
            for entry in try entries(expiration, days: days, in: workspace, tx: tx) {
                try tx.append(entry, id: ambient.id(), cause: cause)
            }
            try tx.insert(ExpiryNotice(expiration, in: workspace, days: days))
        }
        return ending.count
    }

    private func entries(
        _ expiration: Expiration, days: Int, in workspace: WorkspaceID?, tx: any StoreTransaction
    ) throws -> [JournalEntry] {
        let data = expiration.data(days: days)
        func own(_ kind: JournalEntry.Kind) -> [JournalEntry] {
            [JournalEntry(kind, in: workspace, subject: expiration.subject, data: data)]
        }
        switch expiration.kind {
        case .apiKey: return own(.apiKeyExpiring)
        case .clientSecret: return own(.appExpiring)
        case .credential: return own(.credentialExpiring)
        case .jwtKey: return []
        case .certificate:
            return try expiration.connections.compactMap { id in
                try workspace.flatMap { try tx.connection(id, in: $0) }
            }.compactMap { try note($0, data, tx: tx) }
        case .accessToken, .refreshToken:
            guard let workspace, let credential = CredentialID(expiration.subject) else { return [] }
            return try tx.connections(using: credential, in: workspace, limit: Self.maxConnections)
                .compactMap { try note($0, data, tx: tx) }
        }
    }

    /// Whoever set a connection aside does not wait for news of it.
    private func note(_ connection: Connection, _ data: JSONText, tx: any StoreTransaction) throws -> JournalEntry? {
        guard connection.status != .inactive else { return nil }
        var changed = connection
        let entry = changed.note(.connectionExpiring, data: data)
        try tx.update(changed, from: connection, searchText: nil)
        return entry
    }

    private func prune() async throws {
        let now = ambient.now().advanced(bySeconds: -ExpiryNotice.slack)
        while try await store.write({ try $0.deleteNotices(endedBefore: now, limit: 1_000) }) == 1_000 {}
    }
}

extension Expiration {
    fileprivate func data(days: Int) -> JSONText {
        .members { data in
            data.key("kind")
            data.value(kind.rawValue)
            data.key("expires_at")
            data.plainString { expiresAt.append(to: &$0) }
            data.key("within_days")
            data.value(days)
            guard kind == .accessToken || kind == .refreshToken else { return }
            data.key("credential_id")
            data.value(subject)
        }
    }
}
