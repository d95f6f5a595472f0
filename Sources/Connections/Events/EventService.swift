/// What happened, for those who ask and for those who listen.
package struct EventService: Sendable {
    private let store: any Store
    private let ambient: Ambient
    package let signal: JournalSignal
    /// For how many days the journal is kept; `nil` for ever.
    private let retentionDays: Int?

    /// How many pages of a filter that matches little are looked through for one request.
    private static let maxLooks = 3

    package init(store: any Store, ambient: Ambient, signal: JournalSignal, retentionDays: Int?) {
        self.store = store
        self.ambient = ambient
        self.signal = signal
        self.retentionDays = retentionDays
    }

    /// Where to begin.
    package enum Start: Sendable {
        /// Behind an entry that was seen. `location` is where the caller wrote it.
        case cursor(EventID, location: [String])
        case oldest
        /// With what comes from here on.
        case now
    }

    package struct Wanted: Sendable {
        package var filter = EventFilter.all
        /// Only what concerns this connection, or the credential that it uses.
        package var connection: ConnectionID?
        package var since: Timestamp?

        package init() {}
    }

    package struct Listing: Sendable {
        package let events: [Event]
        /// To go on with; `nil` only where nothing ever happened in the workspace.
        package let next: EventID?
        package let hasMore: Bool
    }

    // MARK: Asking

    /// One page, oldest first. It may be short, or empty, although there is more: a filter that matches little is not looked
    /// through to its end at once.
    package func list(
        _ wanted: Wanted, from start: Start, limit: Int, in workspace: WorkspaceID
    ) async throws -> Listing {
        var query = try await query(wanted, from: start, in: workspace)
        query.limit = limit
        var next: EventID? = if case .cursor(let id, _) = start { id } else { nil }
        var looks = 0
        while true {
            let page = try await store.events(query)
            next = page.last ?? next
            looks += 1
            if !page.events.isEmpty || page.isEnd || looks == Self.maxLooks {
                return Listing(events: page.events, next: next, hasMore: !page.isEnd)
            }
            query.after = page.through
        }
    }

    // MARK: Listening

    /// What a listener asks the store for. `page` goes on from there.
    package func query(_ wanted: Wanted, from start: Start, in workspace: WorkspaceID) async throws -> EventQuery {
        let position: Int64
        switch start {
        case .cursor(let id, let location): position = try await place(of: id, location: location, in: workspace)
        case .now: position = try await store.newestPosition()
        case .oldest:
            position =
                if let since = wanted.since { try await store.position(before: since, in: workspace) } else { 0 }
        }
        var query = EventQuery(workspace: workspace, after: position, limit: 100)
        query.kinds = wanted.filter.kinds
        query.since = wanted.since
        query.subjects = try await subjects(of: wanted.connection, in: workspace)
        return query
    }

    package func page(_ query: EventQuery) async throws -> EventPage {
        try await store.events(query)
    }

    // MARK: Places

    private func place(
        of cursor: EventID, location: [String], in workspace: WorkspaceID
    ) async throws -> Int64 {
        if let position = try await store.position(of: cursor, in: workspace) {
            // Retention keeps some entries longer than those behind them, so that the cursor's own may outlive what follows it.
            guard try await store.trimmedPosition(in: workspace) <= position else { throw outlived() }
            return position
        }
        if let retentionDays,
            cursor.ulid.time < ambient.now().advanced(bySeconds: -86_400 * Int64(retentionDays))
        {
            throw outlived()
        }
        throw DomainError.invalidField(location: location, message: "no event of this workspace has this id")
    }

    private func outlived() -> DomainError {
        // Something may have been deleted before the journal was kept for ever.
        let kept = retentionDays.map { "the \($0) days for which events are kept" } ?? "the events that are kept"
        return .gone(
            "The cursor is older than \(kept): what came after it may be gone. Read what you need anew, and begin "
                + "without a cursor")
    }

    private func subjects(of connection: ConnectionID?, in workspace: WorkspaceID) async throws -> [String]? {
        guard let connection else { return nil }
        // One that was deleted has left its events.
        let credential = try await store.connection(connection, in: workspace)?.credentialID
        return [connection.description] + [credential?.description].compactMap(\.self)
    }
}

extension ULID {
    /// When it was made, to the millisecond.
    fileprivate var time: Timestamp { Timestamp(microseconds: Int64(high >> 16) * 1_000) }
}
