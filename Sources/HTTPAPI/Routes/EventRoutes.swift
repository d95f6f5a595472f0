import Connections
import HTTPTypes
import Hummingbird
import LosslessJSON

extension API {
    var eventRoutes: [Route] {
        [.api(.get, "/events", "list_events", .read, listEvents)]
    }

    private func listEvents(_ call: Call) async throws -> Answer {
        var query = call.query
        var wanted = EventService.Wanted()
        let types = query.texts("type")
        if let filter = EventFilter(types) {
            if !types.isEmpty { wanted.filter = filter }
        } else {
            query.refuse("type", "types of events are wanted, such as connection.created or connection.*")
        }
        if let text = query.text("connection_id") {
            wanted.connection = ConnectionID(text)
            if wanted.connection == nil { query.refuse("connection_id", "the id of a connection is wanted") }
        }
        wanted.since = query.time("since")
        let limit = query.integer("limit", default: 100, 1...QueryReader.maxLimit)
        let cursor = query.eventCursor()
        try query.finish()
        if call.wantsEventStream { return try await stream(wanted, cursor: cursor, call) }

        let listing = try await events.events.list(
            wanted, from: cursor.map { .cursor($0, location: ["query", "cursor"]) } ?? .oldest, limit: limit,
            in: call.workspace)
        return .json { json in
            json.object { json in
                json.key("events")
                json.array(listing.events) { json, event in json.event(event) }
                json.key("next_cursor")
                if let next = listing.next { json.id(next) } else { json.null() }
                json.key("has_more")
                json.value(listing.hasMore)
            }
        }
    }

    // MARK: Streaming

    private func stream(_ wanted: EventService.Wanted, cursor: EventID?, _ call: Call) async throws -> Answer {
        let start = try call.lastEventID ?? cursor.map { .cursor($0, location: ["query", "cursor"]) }
        let query = try await events.events.query(
            wanted, from: start ?? (wanted.since == nil ? .now : .oldest), in: call.workspace)
        guard let place = events.streams.place(for: call.workspace) else {
            throw APIError.unavailable(
                "Too many streams of events are open: close some, or ask for pages", retryAfter: 15)
        }
        let stream = EventStream(
            events: events.events, query: query, isAllowed: { await mayStillRead(call) },
            hangUp: { call.context.hangUp() }, body: call.request.body, place: place)
        var answer = Answer(stream: { try await stream.write(to: &$0) })
        answer.headers[.contentType] = "text/event-stream"
        answer.headers[.cacheControl] = "no-store"
        // Else nginx would keep events back until it has a page of them.
        answer.headers[.accelBuffering] = "no"
        return answer
    }

    /// A store that cannot be asked now is no reason to send anybody away.
    private func mayStillRead(_ call: Call) async -> Bool {
        do {
            let principal = try await authenticator.principal(call.request, context: call.context, at: ambient.now())
            let workspace = try await workspaces.resolve(header: call.request.headers[.workspaceID], for: principal)
            return workspace == call.workspace && principal.permissions.contains(.read)
        } catch let error as StoreError {
            if case .unavailable = error { return true }
            return false
        } catch {
            return false
        }
    }
}

extension Call {
    /// Whether server-sent events are asked for.
    fileprivate var wantsEventStream: Bool {
        let types = request.headers[values: .accept].flatMap { $0.split(separator: ",") }
        return types.contains { $0.prefix { $0 != ";" }.trimmingSpaces.lowercased() == "text/event-stream" }
    }

    /// Where a reader left off, as it says when it connects again.
    fileprivate var lastEventID: EventService.Start? {
        get throws {
            guard let header = request.headers[.lastEventID]?.trimmingSpaces, !header.isEmpty else { return nil }
            let location = ["header", "Last-Event-ID"]
            guard let id = EventID(header) else {
                throw DomainError.invalidField(location: location, message: "the id of an event is wanted")
            }
            return .cursor(id, location: location)
        }
    }
}

extension QueryReader {
    fileprivate mutating func eventCursor() -> EventID? {
        guard let text = text("cursor") else { return nil }
        let id = EventID(text)
        if id == nil { refuse("cursor", "use next_cursor of an earlier page as it came") }
        return id
    }
}
