import Connections
import NIOCore
import Synchronization
import Testing

@testable import Egress

/// Servers that drip, flood, lie and hang up. The sleeps are the servers' own.
@Suite struct HostileServerTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let answer: ScriptedServer.Answer
        let error: EgressError
        /// Short where the deadline must end it, long where something else must.
        let timeout: Duration

        init(_ description: String, _ answer: ScriptedServer.Answer, _ error: EgressError) {
            testDescription = description
            self.answer = answer
            self.error = error
            timeout = error == .timedOut ? .milliseconds(400) : .seconds(60)
        }
    }

    private static let ok = head(200, [("Content-Length", "1000000")])
    private static let chunked = head(200, [("Transfer-Encoding", "chunked")])
    private static let untilClosed = head(200, [])
    private static let chunk = Array("4000\r\n".utf8) + [UInt8](repeating: 0x78, count: 0x4000) + Array("\r\n".utf8)

    private static func head(_ status: Int = 200, _ headers: [(String, String)]) -> [UInt8] {
        ScriptedServer.Answer.head(status, headers)
    }

    private static func gzip(_ body: [UInt8]) -> ScriptedServer.Answer {
        .http(200, [("Content-Encoding", "gzip")], body: body)
    }

    private static func text(_ text: String) -> ScriptedServer.Answer { .bytesThenClose(Array(text.utf8)) }

    static let cases: [Case] = [
        // Slow.
        Case("no answer", .silence, .timedOut),
        Case("a head letter by letter", .drip(head: Array("HTTP/1.1 200 OK\r\nX: ".utf8), chunk: [0x61]), .timedOut),
        Case(
            "header after header", .drip(head: Array("HTTP/1.1 200 OK\r\n".utf8), chunk: Array("A: b\r\n".utf8)),
            .timedOut),
        Case("interim responses", .drip(head: [], chunk: head(103, [("Link", "<x>")])), .timedOut),
        Case("a body letter by letter", .drip(head: ok, chunk: [0x61]), .timedOut),
        Case("a chunked body letter by letter", .drip(head: chunked, chunk: Array("1\r\na\r\n".utf8)), .timedOut),
        Case("a head and nothing more", .bytes(ok), .timedOut),
        Case("half a body", .bytes(ok + [0x61, 0x62]), .timedOut),
        Case("no end of chunks", .bytes(chunked + Array("1\r\na\r\n".utf8)), .timedOut),
        // Large.
        Case("a length past the limit", .bytes(head(200, [("Content-Length", "1048577")])), .responseTooLarge),
        Case(
            "a length past all sense", .bytes(head(200, [("Content-Length", "9223372036854775807")])), .responseTooLarge
        ),
        Case("chunks without end", .endless(head: chunked, chunk: chunk), .responseTooLarge),
        Case("a body until it closes", .endless(head: untilClosed, chunk: chunk), .responseTooLarge),
        Case(
            "headers without end",
            .endless(
                head: Array("HTTP/1.1 200 OK\r\n".utf8), chunk: Array(String(repeating: "A: b\r\n", count: 500).utf8)),
            .protocolError),
        Case(
            "one header without end",
            .endless(head: Array("HTTP/1.1 200 OK\r\nX: ".utf8), chunk: [UInt8](repeating: 0x78, count: 4_096)),
            .protocolError),
        Case("a bomb", gzip(Gzip.bomb(200 << 20)), .responseTooLarge),
        Case("a bomb that fits in one read", gzip(Gzip.bomb(5 << 20)), .responseTooLarge),
        Case(
            "a bomb in deflate's name", .http(200, [("Content-Encoding", "deflate")], body: Gzip.bomb(5 << 20)),
            .responseTooLarge),
        Case("a chunked bomb", .bytes(bombInOneChunk), .responseTooLarge),
        // Not HTTP.
        Case("garbage", text("SSH-2.0-OpenSSH_9.7\r\n"), .protocolError),
        Case("garbage without end", .endless(head: [], chunk: [UInt8](repeating: 0xFF, count: 4_096)), .protocolError),
        Case("a status of letters", text("HTTP/1.1 abc OK\r\n\r\n"), .protocolError),
        Case(
            "two lengths", text("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), .protocolError),
        Case("a length of letters", text("HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nab"), .protocolError),
        Case("a negative length", text("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab"), .protocolError),
        Case(
            "a chunk size of letters", text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
            .protocolError),
        Case("gzip that is none", gzip(Array("hello, hello, hello".utf8)), .protocolError),
        Case("gzip cut short", gzip(Array(Gzip.stored(Array("hello".utf8)).dropLast(12))), .protocolError),
        // Hanging up.
        Case("closes at once", .bytesThenClose([]), .connectionLost),
        Case("closes within the head", text("HTTP/1.1 200 OK\r\nConte"), .connectionLost),
        Case("closes within the body", .bytesThenClose(ok + [0x61]), .connectionLost),
        Case("closes within the chunks", .bytesThenClose(chunked + Array("1\r\na\r\n".utf8)), .connectionLost),
    ]

    private static let bombInOneChunk: [UInt8] = {
        let bomb = Gzip.bomb(64 << 20)
        return head(200, [("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")])
            + Array("\(String(bomb.count, radix: 16))\r\n".utf8) + bomb + Array("\r\n".utf8)
    }()

    @Test(arguments: HostileServerTests.cases)
    func ends(_ expected: Case) async throws {
        let server = try await ScriptedServer { _ in expected.answer }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            let request = EgressRequest(
                purpose: .oauth, method: "POST", url: server.origin, body: Array("once".utf8), timeout: expected.timeout
            )
            #expect(await egress.outcome(of: request) == .failed(expected.error))
        }
        // Whatever happened, it was not sent twice.
        #expect(server.requests.count <= 1)
    }

    /// What comes unasked does no harm to the request after it.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more", "HTTP/1.1 204 OK\r\n\r\nevil",
        "HTTP/1.1 304 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n\r\n\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nPRI * HTTP/2.0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    ])
    func moreThanWasAskedFor(_ answer: String) async throws {
        let count = Mutex(0)
        let server = try await ScriptedServer { _ in
            count.withLock { $0 += 1 }
            return answer.contains("Content-Length") || answer.contains("204") || answer.contains("304")
                ? .bytes(Array(answer.utf8)) : .bytesThenClose(Array(answer.utf8))
        }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            for _ in 0..<10 {
                switch await egress.outcome(of: server.origin, timeout: .seconds(60)) {
                case .status(let status): #expect(status != 100 && status != 103)
                case .failed(let error): #expect([.connectionLost, .protocolError, .connectFailed].contains(error))
                case .leaked(let error): Issue.record("\(error)")
                }
            }
        }
        #expect(count.withLock { $0 } <= 10)
    }

    /// Servers that speak first.
    @Test(arguments: [
        "SSH-2.0-OpenSSH_9.7\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "\0", "220 mail\r\n",
    ])
    func whoSpeaksFirst(_ greeting: String) async throws {
        let server = try await ScriptedServer(
            prepare: { channel in
                channel.eventLoop.execute { channel.writeAndFlush(ByteBuffer(string: greeting), promise: nil) }
            }, answer: { _ in .silence })
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            for _ in 0..<10 {
                switch await egress.outcome(of: server.origin, timeout: .milliseconds(300)) {
                case .status(let status): #expect(status == 200 && greeting.contains("200"))
                case .failed(let error): #expect(error != .closed)
                case .leaked(let error): Issue.record("\(error)")
                }
            }
        }
    }

    @Test func redirectsAreInTheDeadlineToo() async throws {
        let server = try await ScriptedServer { request in
            request.path == "/slow" ? .silence : .redirect(302, "/slow")
        }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            let outcome = await egress.outcome(of: server.origin, timeout: .milliseconds(400), redirects: true)
            #expect(outcome == .failed(.timedOut))
        }
    }

    @Test func aNameThatIsNeverResolvedEndsAtTheDeadline() async throws {
        try await Door.open(resolver: SilentResolver()) { egress in
            let outcome = await egress.outcome(of: "https://api.example.test/", timeout: .milliseconds(100))
            #expect(outcome == .failed(.timedOut))
        }
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .nanoseconds(1)])
    func aDeadlineInThePast(_ timeout: Duration) async throws {
        let server = try await ScriptedServer { _ in .silence }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            #expect(await egress.outcome(of: server.origin, timeout: timeout) == .failed(.timedOut))
        }
    }
}
