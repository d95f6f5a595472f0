import LosslessJSON

/// A connection's status at some instant.
package struct StatusMoment: Sendable, Equatable {
    package let status: ConnectionStatus
    package let reason: String?
    package let since: Timestamp

    package init(status: ConnectionStatus, reason: String?, since: Timestamp) {
        self.status = status
        self.reason = reason
        self.since = since
    }

    /// What an entry of the journal says that the status is from then on; `nil` for entries that say nothing of it.
    package init?(_ record: JournalRecord) {
        let data = JSONObject(record.data.slice)
        guard let status = data["to"]?.slice.string.flatMap(ConnectionStatus.init) else { return nil }
        switch record.kind {
        case .connectionCreated: self.init(status: status, reason: nil, since: record.at)
        case .connectionStatusChanged:
            self.init(
                status: status, reason: (data["status_reason"] ?? data["reason_code"])?.slice.string,
                since: data["status_since"]?.slice.string.flatMap(Timestamp.init(rfc3339:)) ?? record.at)
        default: return nil
        }
    }
}

/// The story of a connection's status, out of the journal.
package struct TimelineService: Sendable {
    private let store: any Store

    package init(store: any Store) { self.store = store }

    package struct Page: Sendable {
        /// Newest first.
        package let entries: [JournalRecord]
        package let next: EventID?
        /// The status at the instant that was asked for, or now; `nil` where the connection was not there yet.
        package let moment: StatusMoment?
    }

    package func page(
        of id: ConnectionID, in workspace: WorkspaceID, at instant: Timestamp?, before: EventID?, limit: Int
    ) async throws -> Page {
        guard let connection = try await store.connection(id, in: workspace) else {
            throw DomainError.notFound(.connection)
        }
        var query = TimelineQuery(
            workspace: workspace, connection: id, credential: connection.credentialID, limit: limit + 1)
        query.until = instant
        query.before = before
        var entries = try await store.timeline(query)
        let hasMore = entries.count > limit
        if hasMore { entries.removeLast() }
        let now: StatusMoment? = StatusMoment(
            status: connection.status, reason: connection.statusReason, since: connection.statusSince)
        let moment = if let instant { try await moment(of: connection, at: instant) } else { now }
        return Page(entries: entries, next: hasMore ? entries.last?.id : nil, moment: moment)
    }

    private func moment(of connection: Connection, at instant: Timestamp) async throws -> StatusMoment? {
        var query = TimelineQuery(
            workspace: connection.workspaceID, connection: connection.id, credential: nil, limit: 1)
        query.until = instant
        query.onlyStatus = true
        return try await store.timeline(query).first.flatMap(StatusMoment.init)
    }
}
