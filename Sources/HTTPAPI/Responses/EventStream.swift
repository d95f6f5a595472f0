import Connections
import Hummingbird
import LosslessJSON
import NIOCore
import ServiceLifecycle
import Synchronization

/// Events of one workspace as server-sent events, for as long as somebody reads them.
///
/// A page is read when the one before it was taken off the hands of this stream, so that a slow reader makes nothing grow. A
/// reader who takes nothing for long is hung up on.
struct EventStream: Sendable {
    /// How often is done what.
    struct Pace: Sendable {
        /// Between signs of life, and between looks at whether the reader may still read.
        var heartbeat = Duration.seconds(15)
        /// Between looks for what other processes have written.
        var poll = Duration.seconds(3)
        /// After a commit, so that many of them are one look.
        var breath = Duration.milliseconds(50)
        /// How long one write may take.
        var patience = Duration.seconds(60)
    }

    let events: EventService
    let query: EventQuery
    var pace = Pace()
    /// Asked anew with each heartbeat.
    let isAllowed: @Sendable () async -> Bool
    /// Ends the connection of a reader who does not read.
    let hangUp: @Sendable () -> Void
    /// The request's, whose end tells that the reader has gone; `nil` where nobody could tell.
    var body: RequestBody?
    /// Held for as long as the stream is there.
    let place: StreamPool.Place

    /// How many milliseconds a reader waits before it connects again.
    private static let retry = 3_000

    func write(to writer: inout any ResponseBodyWriter) async throws {
        let progress = Progress()
        let end = { @Sendable in
            progress.isOver.store(true, ordering: .sequentiallyConsistent)
            if progress.isWriting.load(ordering: .sequentiallyConsistent) { hangUp() }
            events.signal.notify()
        }
        try await withGracefulShutdownHandler {
            guard let body else { return try await write(to: &writer, progress) }
            try await body.consumeWithInboundCloseHandler { _ in
                try await write(to: &writer, progress)
            } onInboundClosed: {
                end()
            }
        } onGracefulShutdown: {
            end()
        }
    }

    /// What those have to know who end it.
    private final class Progress: Sendable {
        let isOver = Atomic<Bool>(false)
        let isWriting = Atomic<Bool>(false)
    }

    private func write(to writer: inout any ResponseBodyWriter, _ progress: Progress) async throws {
        var query = query
        var lastCheck = ContinuousClock.now
        var lastWrite = lastCheck
        try await send(ByteBuffer(string: "retry: \(Self.retry)\n\n"), to: &writer, progress)
        while !progress.isOver.load(ordering: .sequentiallyConsistent), !Task.isCancelled {
            let seen = events.signal.commits
            let page = try await events.page(query)
            query.after = page.through
            if !page.events.isEmpty {
                try await send(Self.text(of: page.events), to: &writer, progress)
                lastWrite = .now
            }
            if lastCheck.duration(to: .now) >= pace.heartbeat {
                lastCheck = .now
                guard await isAllowed() else { break }
                if lastWrite.duration(to: .now) >= pace.heartbeat {
                    try await send(ByteBuffer(string: ": keep-alive\n\n"), to: &writer, progress)
                    lastWrite = .now
                }
            }
            guard page.isEnd, page.events.isEmpty else { continue }
            let untilCheck = pace.heartbeat - lastCheck.duration(to: .now)
            await events.signal.wait(past: seen, atMost: min(pace.poll, untilCheck))
            try? await Task.sleep(for: pace.breath)
        }
        try await writer.finish(nil)
    }

    private func send(
        _ buffer: ByteBuffer, to writer: inout any ResponseBodyWriter, _ progress: Progress
    ) async throws {
        let watch = Task { [pace, hangUp] in
            try await Task.sleep(for: pace.patience)
            hangUp()
        }
        defer { watch.cancel() }
        progress.isWriting.store(true, ordering: .sequentiallyConsistent)
        defer { progress.isWriting.store(false, ordering: .sequentiallyConsistent) }
        try await writer.write(buffer)
    }

    private static func text(of events: [Event]) -> ByteBuffer {
        var buffer = ByteBuffer()
        for event in events {
            var json = JSONWriter(capacity: 512)
            json.event(event)
            buffer.writeString("id: \(event.id)\nevent: \(event.record.kind.rawValue)\ndata: ")
            // It holds no line break: in strings they are escaped.
            buffer.writeBytes(json.bytes)
            buffer.writeString("\n\n")
        }
        return buffer
    }
}
