import Connections
import Logging
import Synchronization
import Testing

@testable import Egress

/// Cancelling, closing, overload, and what is said about it all.
@Suite struct LifetimeTests {
    /// Tells when a server was asked.
    private final class Bell: Sendable {
        private let stream = AsyncStream<Void>.makeStream()

        func ring() { stream.continuation.yield() }

        func wait(for rings: Int = 1) async {
            var iterator = stream.stream.makeAsyncIterator()
            for _ in 0..<rings { await iterator.next() }
        }
    }

    @Test func cancellingTheTaskEndsTheExchange() async throws {
        let bell = Bell()
        let server = try await ScriptedServer { _ in
            bell.ring()
            return .silence
        }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            let task = Task { await egress.outcome(of: server.origin) }
            await bell.wait()
            task.cancel()
            #expect(await task.value == .failed(.closed))
            // Nothing of it is left behind.
            let before = Task { await egress.outcome(of: server.origin) }
            before.cancel()
            #expect(await before.value == .failed(.closed))
        }
    }

    @Test func cancellingWhileTheNameIsLookedUp() async throws {
        try await Door.open(resolver: SilentResolver()) { egress in
            let task = Task { await egress.outcome(of: "https://api.example.test/") }
            task.cancel()
            #expect(await task.value == .failed(.closed))
        }
    }

    @Test func closingEndsWhatIsUnderWay() async throws {
        let bell = Bell()
        let server = try await ScriptedServer { _ in
            bell.ring()
            return .silence
        }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            let tasks = (0..<5).map { _ in Task { await egress.outcome(of: server.origin) } }
            await bell.wait(for: 5)
            await egress.close()
            for task in tasks { #expect(await task.value == .failed(.closed)) }
            #expect(await egress.outcome(of: server.origin) == .failed(.closed))
        }
    }

    @Test func tooManyAtOneHost() async throws {
        let bell = Bell()
        let server = try await ScriptedServer { _ in
            bell.ring()
            return .silence
        }
        defer { server.stop() }
        var limits = EgressLimits()
        limits.concurrencyPerHost = 2
        limits.waitingPerHost = 0
        try await Door.open(allowing: [server.allowance], limits: limits) { egress in
            let tasks = (0..<2).map { _ in Task { await egress.outcome(of: server.origin) } }
            await bell.wait(for: 2)
            #expect(await egress.outcome(of: server.origin) == .failed(.overloaded))
            for task in tasks { task.cancel() }
            for task in tasks { #expect(await task.value == .failed(.closed)) }
        }
    }

    @Test func whoWaitsTooLongForATurn() async throws {
        let bell = Bell()
        let server = try await ScriptedServer { _ in
            bell.ring()
            return .silence
        }
        defer { server.stop() }
        var limits = EgressLimits()
        limits.concurrencyPerHost = 1
        try await Door.open(allowing: [server.allowance], limits: limits) { egress in
            let first = Task { await egress.outcome(of: server.origin) }
            await bell.wait()
            #expect(await egress.outcome(of: server.origin, timeout: .milliseconds(50)) == .failed(.overloaded))
            first.cancel()
            #expect(await first.value == .failed(.closed))
        }
        #expect(server.requests.count == 1)
    }

    @Test func aPurposeIsOpenedByItself() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        try await Door.open(allowing: ["webhook=\(server.allowance)"]) { egress in
            for purpose in EgressPurpose.allCases {
                let outcome = await egress.outcome(of: EgressRequest(purpose: purpose, url: server.origin))
                #expect(outcome == (purpose == .webhook ? .status(200) : .failed(.destinationRefused)))
            }
        }
    }

    /// Nothing of a request is in an error or in a log line, whatever happens to it.
    @Test func nothingIsTold() async throws {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "egress") { _ in Recorder(lines: { line in lines.withLock { $0.append(line) } }) }
        let server = try await ScriptedServer { request in
            switch request.path.prefix(8) {
            case "/garbage": .bytesThenClose(Array("s3cret-answer\r\n".utf8))
            case "/hangsup": .bytesThenClose([])
            case "/redirec": .redirect(302, "http://s3cret-user@10.0.0.1/s3cret")
            case "/silence": .silence
            default: .http(200, [("S3cret-Header", "s3cret-value")], body: Array("s3cret-body".utf8))
            }
        }
        defer { server.stop() }
        let resolver = StubResolver(["s3cret-host.example.test": ["127.0.0.1"]])
        try await Door.open(allowing: [server.allowance], resolver: resolver, logger: logger) { egress in
            let origin = "http://s3cret-host.example.test:\(server.port)"
            let expected: [(String, EgressError)] = [
                ("\(origin)/garbage?s3cret", .protocolError), ("\(origin)/hangsup?s3cret", .connectionLost),
                ("\(origin)/redirect?s3cret", .destinationRefused), ("\(origin)/silence?s3cret", .timedOut),
                ("\(origin)/large?s3cret", .responseTooLarge), ("s3cret", .invalidURL),
                ("http://s3cret-user:s3cret-password@s3cret-host.example.test/", .invalidURL),
                ("https://s3cret-unknown.example.test/s3cret", .nameNotResolved),
                ("https://10.0.0.1/s3cret", .destinationRefused),
            ]
            for (url, error) in expected {
                let request = EgressRequest(
                    purpose: .oauth, method: "POST", url: url, headers: [("Authorization", "s3cret")],
                    body: Array("s3cret".utf8), timeout: error == .timedOut ? .milliseconds(300) : .seconds(30),
                    maxResponseSize: error == .responseTooLarge ? 3 : 1 << 20, followsRedirects: true)
                #expect(await egress.outcome(of: request) == .failed(error))
                #expect(!"\(error) \(String(reflecting: error))".lowercased().contains("s3cret"))
            }
        }
        #expect(!lines.withLock { $0 }.isEmpty)
        for line in lines.withLock({ $0 }) {
            #expect(!line.lowercased().contains("s3cret") && !line.contains("127.0.0.1") && !line.contains("10.0.0.1"))
        }
    }

    @Test func everyErrorIsDescribed() {
        #expect(Set(EgressError.allCases.map(\.description)).count == EgressError.allCases.count)
    }

    private struct Recorder: LogHandler {
        let lines: @Sendable (String) -> Void
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        init(lines: @escaping @Sendable (String) -> Void) { self.lines = lines }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines("\(event.level) \(event.message) \(event.metadata ?? [:]) \(metadata)")
        }
    }
}
