import Egress
import Synchronization
import Testing

/// Callers that have enough before the server ends its answer.
@Suite struct EarlyEndTests {
    private static let head = ScriptedServer.Answer.head(200, [("Transfer-Encoding", "chunked")])

    private static func chunk(_ text: String) -> [UInt8] {
        Array("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n".utf8)
    }

    @Test func whatCameIsTheResponse() async throws {
        let server = try await ScriptedServer { _ in .bytes(Self.head + Self.chunk("data: 1\n\n")) }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            let seen = Mutex<[UInt8]>([])
            var request = EgressRequest(purpose: .probe, url: server.origin, timeout: .seconds(60))
            request.isComplete = { part in
                seen.withLock { seen in
                    seen += part
                    return seen.suffix(2) == [0x0A, 0x0A]
                }
            }
            for _ in 0..<3 {
                let response = try await egress.send(request)
                #expect(response.status == 200)
                #expect(response.body == Array("data: 1\n\n".utf8))
            }
        }
        // A connection with half an answer on it is of no use to the next request.
        #expect(server.connections == 3)
    }

    @Test func notEnoughIsWaitedFor() async throws {
        let server = try await ScriptedServer { _ in .bytes(Self.head + Self.chunk("data: 1\n\n")) }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            var request = EgressRequest(purpose: .probe, url: server.origin, timeout: .milliseconds(300))
            request.isComplete = { _ in false }
            #expect(await egress.outcome(of: request) == .failed(.timedOut))
        }
    }

    @Test func aWholeAnswerNeedsNoEnd() async throws {
        let server = try await ScriptedServer { _ in .http(200, body: Array("ok".utf8)) }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            var request = EgressRequest(purpose: .probe, url: server.origin)
            for isEnough in [false, true, false] {
                request.isComplete = { _ in isEnough }
                let response = try await egress.send(request)
                #expect(response.body == Array("ok".utf8))
            }
        }
    }

    @Test func tooMuchIsTooMuch() async throws {
        let server = try await ScriptedServer { _ in .bytes(Self.head + Self.chunk("data: 1234\n\n")) }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            var request = EgressRequest(purpose: .probe, url: server.origin, maxResponseSize: 4)
            request.isComplete = { _ in true }
            #expect(await egress.outcome(of: request) == .failed(.responseTooLarge))
        }
    }
}
