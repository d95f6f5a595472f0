import Connections
import HTTPTypes
import Hummingbird
import LosslessJSON
import NIOCore
import Storage
import Synchronization
import Testing

@testable import HTTPAPI

/// The stream by itself, with a reader in memory.
@Suite(.timeLimit(.minutes(1))) struct EventStreamTests {
    /// Takes what is written, and tells as it comes.
    private final class Reader: Sendable {
        let lines: AsyncStream<String>
        private let arrivals: AsyncStream<String>.Continuation
        private let state = Mutex((mayRead: true, hangUps: 0))

        init() { (lines, arrivals) = AsyncStream.makeStream() }

        var mayRead: Bool { state.withLock { $0.mayRead } }
        var hangUps: Int { state.withLock { $0.hangUps } }

        func revoke() { state.withLock { $0.mayRead = false } }
        func hangUp() { state.withLock { $0.hangUps += 1 } }
        func take(_ buffer: ByteBuffer) { arrivals.yield(String(buffer: buffer)) }
        func end() { arrivals.finish() }
    }

    private struct Writer: ResponseBodyWriter {
        let reader: Reader
        var stall: Duration?

        mutating func write(_ buffer: ByteBuffer) async throws {
            reader.take(buffer)
            if let stall { try await Task.sleep(for: stall) }
        }

        consuming func finish(_: HTTPFields?) async throws { reader.end() }
    }

    /// Streams while `body` reads.
    private static func run(
        pace: EventStream.Pace = EventStream.Pace(), stall: Duration? = nil, from start: EventService.Start = .now,
        wanted: EventService.Wanted = EventService.Wanted(),
        _ body: @Sendable (Harness, Reader, inout AsyncStream<String>.Iterator) async throws -> Void
    ) async throws {
        try await Harness.run { harness in
            let workspace = try #require(await harness.store.workspace(slug: Workspace.defaultSlug)).id
            let events = EventService(
                store: harness.store,
                ambient: Ambient(now: { harness.clock.now }, randomBytes: { [UInt8](repeating: 1, count: $0) }),
                signal: harness.store.signal, retentionDays: 90)
            let reader = Reader()
            let pool = StreamPool()
            let stream = EventStream(
                events: events, query: try await events.query(wanted, from: start, in: workspace), pace: pace,
                isAllowed: { reader.mayRead }, hangUp: { reader.hangUp() },
                place: try #require(pool.place(for: workspace)))
            let streaming = Task {
                var writer: any ResponseBodyWriter = Writer(reader: reader, stall: stall)
                try await stream.write(to: &writer)
            }
            var lines = reader.lines.makeAsyncIterator()
            #expect(await lines.next() == "retry: 3000\n\n")
            try await body(harness, reader, &lines)
            streaming.cancel()
            _ = try? await streaming.value
        }
    }

    @Test func `what happens from now on is sent as it happens`() async throws {
        try await Self.run { harness, _, lines in
            let id = try await harness.slack()
            let event = try #require(await lines.next())
            let parts = event.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(parts.count == 5)
            #expect(parts[0].hasPrefix("id: evt_"))
            #expect(parts[1] == "event: connection.created")
            #expect(parts[2].hasPrefix("data: {"))
            #expect(parts[2].contains(id))
            #expect(parts[3...] == ["", ""])
            let json = JSONObject(try JSONSlice(parsing: Array(parts[2].dropFirst("data: ".count).utf8)))
            #expect(json["id"]?.slice.string == String(parts[0].dropFirst("id: ".count)))
        }
    }

    @Test func `a filter narrows a stream, too`() async throws {
        var wanted = EventService.Wanted()
        wanted.filter = EventFilter(stored: ["connection.deleted"])
        try await Self.run(wanted: wanted) { harness, _, lines in
            let id = try await harness.slack()
            try await harness.send(.delete, "/connections/\(id)")
            let event = try #require(await lines.next())
            #expect(event.contains("event: connection.deleted\n"))
        }
    }

    @Test func `signs of life come when nothing else does, and a key that is revoked ends it`() async throws {
        var pace = EventStream.Pace()
        pace.heartbeat = .milliseconds(50)
        pace.breath = .milliseconds(1)
        try await Self.run(pace: pace) { _, reader, lines in
            #expect(await lines.next() == ": keep-alive\n\n")
            #expect(await lines.next() == ": keep-alive\n\n")
            reader.revoke()
            while let line = await lines.next() { #expect(line == ": keep-alive\n\n") }
        }
    }

    @Test func `a reader who does not read is hung up on`() async throws {
        var pace = EventStream.Pace()
        pace.patience = .milliseconds(20)
        try await Self.run(pace: pace, stall: .seconds(30)) { _, reader, _ in
            while reader.hangUps == 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test func `streams are counted over all and by workspace`() {
        let pool = StreamPool(capacity: 3, capacityPerWorkspace: 2)
        let (a, b) = (WorkspaceID(ULID(high: 1, low: 1)), WorkspaceID(ULID(high: 1, low: 2)))
        var places = [pool.place(for: a), pool.place(for: a)]
        #expect(places.allSatisfy { $0 != nil })
        #expect(pool.place(for: a) == nil)
        places.append(pool.place(for: b))
        #expect(places[2] != nil)
        #expect(pool.place(for: b) == nil)
        places.removeFirst()
        #expect(pool.place(for: b) != nil)
        #expect(pool.place(for: a) != nil)
    }
}
