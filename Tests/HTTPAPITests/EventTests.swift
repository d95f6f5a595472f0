import Connections
import HTTPTypes
import LosslessJSON
import Storage
import Testing

@testable import HTTPAPI

@Suite struct EventTests {
    static let refusals = [
        Scenario("limit 0", .get, "/events?limit=0", status: 422, contains: [#"["query","limit"]"#]),
        Scenario("limit 1001", .get, "/events?limit=1001", status: 422),
        Scenario("an unknown type", .get, "/events?type=nothing", status: 422, contains: [#"["query","type"]"#]),
        Scenario("an audit entry's type", .get, "/events?type=api_key.created", status: 422),
        Scenario("a group of none", .get, "/events?type=nothing.*", status: 422),
        Scenario("no connection's id", .get, "/events?connection_id=x", status: 422),
        Scenario("no time", .get, "/events?since=yesterday", status: 422, contains: [#"["query","since"]"#]),
        Scenario("a cursor of another make", .get, "/events?cursor=c1_01ARZ3NDEKTSV4RRFFQ69G5FAV", status: 422),
        // Made at the moment at which the clock stands, and by nobody here.
        Scenario(
            "a cursor that never was", .get, "/events?cursor=evt_01HF7YAT000000000000000000", status: 422,
            contains: [#"["query","cursor"]"#]),
        Scenario(
            "a cursor from before the retention", .get, "/events?cursor=evt_01BX5ZZKBKACTAV9WEVGEMMVS0", status: 410,
            contains: ["90 days", "without a cursor"]),
        Scenario(
            "Last-Event-ID that is none", .get, "/events",
            headers: [.accept: "text/event-stream", .lastEventID: "7"], status: 422,
            contains: [#"["header","Last-Event-ID"]"#]),
        Scenario(
            "Last-Event-ID from before the retention", .get, "/events",
            headers: [.accept: "text/event-stream", .lastEventID: "evt_01BX5ZZKBKACTAV9WEVGEMMVS0"], status: 410),
    ]

    @Test(arguments: refusals)
    func `a query is checked`(_ scenario: Scenario) async throws {
        try await Harness.run { try await $0.check(scenario) }
    }

    @Test func `events are listed oldest first, and the cursor goes on`() async throws {
        try await Harness.run { harness in
            let id = try await harness.slack()
            for label in ["a", "b", "c"] {
                try await harness.send(.put, "/connections/\(id)", #"{"label":"\#(label)"}"#)
            }
            let first = try await harness.send(.get, "/events?limit=2")
            #expect(first.types == ["connection.created", "connection.updated"])
            #expect(first["has_more"] == "true")
            let second = try await harness.send(.get, "/events?limit=2&cursor=\(first.string("next_cursor") ?? "")")
            #expect(second.types == ["connection.updated", "connection.updated"])
            #expect(second["has_more"] == "false")
            #expect(second.events.map { $0["sequence"]?.string } == ["3", "4"])
            let cursor = second.string("next_cursor") ?? ""
            let none = try await harness.send(.get, "/events?cursor=\(cursor)")
            #expect(none.types == [])
            #expect(none.string("next_cursor") == cursor)
            try await harness.send(.delete, "/connections/\(id)")
            let last = try await harness.send(.get, "/events?cursor=\(cursor)")
            #expect(last.types == ["connection.deleted"])
        }
    }

    @Test func `an event says what, when, who and about what, and no position`() async throws {
        try await Harness.run { harness in
            let id = try await harness.slack()
            let reply = try await harness.send(.get, "/events")
            let event = try #require(reply.events.first)
            #expect(
                event.members.map(\.name) == [
                    "id", "type", "timestamp", "workspace_id", "sequence", "actor", "request_id", "data",
                ])
            #expect(event["timestamp"]?.slice.string == harness.clock.now.rfc3339)
            #expect(event["sequence"]?.string == "1")
            let data = try #require(event["data"].map { JSONObject($0.slice) })
            #expect(data["connection_id"]?.slice.string == id)
            #expect(data["integration"]?.slice.string == "slack")
            #expect(reply.string("next_cursor")?.hasPrefix("evt_") == true)
        }
    }

    @Test func `filters narrow`() async throws {
        try await Harness.run { harness in
            let first = try await harness.slack()
            let second = try await harness.slack()
            let before = harness.clock.now
            harness.clock.advance(seconds: 3_600)
            try await harness.send(.put, "/connections/\(first)", #"{"label":"x","status":"error"}"#)
            func types(_ query: String) async throws -> [String] {
                try await harness.send(.get, "/events?\(query)").types
            }
            #expect(try await types("type=connection.created") == ["connection.created", "connection.created"])
            #expect(
                try await types("type=connection.updated&type=connection.status_changed")
                    == ["connection.updated", "connection.status_changed"])
            #expect(
                try await types("type=connection.updated,connection.status_changed")
                    == ["connection.updated", "connection.status_changed"])
            #expect(try await types("type=credential.*").isEmpty)
            #expect(try await types("connection_id=\(second)") == ["connection.created"])
            #expect(try await types("connection_id=conn_01ARZ3NDEKTSV4RRFFQ69G5FAV").isEmpty)
            let since = harness.clock.now.rfc3339.replacing("+", with: "%2B")
            #expect(try await types("since=\(since)") == ["connection.updated", "connection.status_changed"])
            #expect(try await types("since=\(before.rfc3339)").count == 4)
        }
    }

    @Test func `one workspace's events are nobody else's`() async throws {
        try await Harness.run { harness in
            let a = try await harness.tenant("a")
            let b = try await harness.tenant("b")
            let id = try await harness.slack(key: b.key)
            let own = try await harness.send(.get, "/events", key: b.key)
            #expect(own.types == ["connection.created"])
            let foreign = try await harness.send(.get, "/events", key: a.key)
            #expect(foreign.types == [])
            #expect(!foreign.text.contains(id))
            let filtered = try await harness.send(.get, "/events?connection_id=\(id)", key: a.key)
            #expect(filtered.types == [])
            // Another's cursor is like one that never was.
            let cursor = own.string("next_cursor") ?? ""
            let refused = try await harness.send(.get, "/events?cursor=\(cursor)", key: a.key)
            #expect(refused.status == 422)
        }
    }

    /// Some entries are kept for their connection's sake while younger ones go: a place at such a one has a gap behind it.
    @Test func `a cursor behind which events were deleted is refused, another is not`() async throws {
        try await Harness.run { harness in
            let quiet = try await harness.tenant("q")
            _ = try await harness.slack(key: quiet.key)
            let still = try await harness.send(.get, "/events", key: quiet.key).lastID
            let webhook = try await harness.webhook()
            let id = try await harness.slack()
            let cursor = try await harness.send(.get, "/events").lastID
            try await harness.send(.put, "/connections/\(id)", #"{"label":"old"}"#)
            harness.clock.advance(seconds: 100 * 86_400)
            try await harness.send(.put, "/connections/\(id)", #"{"label":"young"}"#)
            let before = try await harness.send(.get, "/events?cursor=\(cursor)")
            #expect(before.types == ["connection.updated", "connection.updated"])
            let newest = before.lastID
            let cutoff = harness.clock.now.advanced(bySeconds: -90 * 86_400)
            let pruning = JournalPruning(
                after: 0, limit: 1_000, before: cutoff, evenUndelivered: cutoff.advanced(bySeconds: -3 * 86_400))
            _ = try await harness.store.write { try $0.prune(pruning) }

            let refused = try await harness.send(.get, "/events?cursor=\(cursor)")
            #expect(refused.status == 410)
            #expect(refused.text.contains("without a cursor"))
            let stream = try await harness.send(
                .get, "/events", headers: [.accept: "text/event-stream", .lastEventID: cursor])
            #expect(stream.status == 410)
            // What is kept is still listed from the beginning, and goes on from where nothing is missing.
            let all = try await harness.send(.get, "/events")
            #expect(all.types == ["connection.created", "connection.updated"])
            #expect(try await harness.send(.get, "/events?cursor=\(newest)").status == 200)
            // Where nothing was deleted behind it, age alone is no reason.
            let same = try await harness.send(.get, "/events?cursor=\(still)", key: quiet.key)
            #expect(same.status == 200)
            #expect(same.types == [])

            let replay = "/webhooks/\(webhook)/replay"
            let gap = try await harness.send(.post, replay, #"{"from_event":"\#(cursor)"}"#)
            #expect(gap.status == 410)
            #expect(gap.text.contains("begin with a later one"))
            let whole = try await harness.send(.post, replay, #"{"from_event":"\#(newest)"}"#)
            #expect(whole.string("from_event") == newest)
        }
    }

    @Test func `reading events needs the permission to read`() async throws {
        try await Harness.run { harness in
            let writer = try await harness.tenant("w", permissions: ["write"])
            #expect(try await harness.send(.get, "/events", key: writer.key).status == 403)
        }
    }
}

extension Harness.Reply {
    var events: [JSONObject] {
        json["events"]?.slice.elements.map { JSONObject($0) } ?? []
    }

    fileprivate var lastID: String { events.last?["id"]?.slice.string ?? "" }

    var types: [String] { events.compactMap { $0["type"]?.slice.string } }
}
