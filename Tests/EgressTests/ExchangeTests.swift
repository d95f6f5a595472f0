import Connections
import Testing

@testable import Egress

/// What goes out and what comes back, over real sockets.
@Suite struct ExchangeTests {
    @Test func aRequestArrivesAsItWasGiven() async throws {
        let server = try await ScriptedServer { _ in .http(201, [("X-Answer", "yes")], body: Array("héllo".utf8)) }
        defer { server.stop() }
        let resolver = StubResolver(["api.example.test": ["127.0.0.1"]])
        try await Door.open(allowing: [server.allowance], resolver: resolver) { egress in
            let response = try await egress.send(
                EgressRequest(
                    purpose: .oauth, method: "POST", url: "http://API.example.test:\(server.port)/token?a=%20b#part",
                    headers: [("Authorization", "Bearer abc"), ("X-Twice", "1"), ("X-Twice", "2")],
                    body: Array("grant=1".utf8)))
            #expect(response.status == 201)
            #expect(response.header("x-answer") == "yes")
            #expect(response.header("x-question") == nil)
            #expect(String(decoding: response.body, as: UTF8.self) == "héllo")
        }
        let request = try #require(server.requests.first)
        #expect(request.method == "POST")
        #expect(request.path == "/token?a=%20b")
        #expect(request.header("host") == "api.example.test:\(server.port)")
        #expect(request.header("authorization") == "Bearer abc")
        #expect(request.headers.filter { $0.name == "x-twice" }.map(\.value) == ["1", "2"])
        #expect(request.header("content-length") == "7")
        #expect(request.body == "grant=1")
        #expect(request.header("user-agent") == "Patchbay")
    }

    @Test func headersOfTheConnectionAreItsOwn() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            let names = [
                "Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "TE",
                "Trailer", "Upgrade", "Expect",
            ]
            _ = try await egress.send(
                EgressRequest(
                    purpose: .probe, url: server.origin,
                    headers: names.map { ($0, "evil.example") } + [("User-Agent", "mine/1")]))
        }
        let request = try #require(server.requests.first)
        #expect(request.header("host") == "127.0.0.1:\(server.port)")
        #expect(request.header("user-agent") == "mine/1")
        #expect(!request.headers.contains { $0.value == "evil.example" })
    }

    struct Malformed: CustomTestStringConvertible, Sendable {
        var method = "GET"
        var name = "X-Fine"
        var value = "fine"

        var testDescription: String { "\(method) \(name): \(value)".debugDescription }
    }

    @Test(arguments: [
        Malformed(method: ""), Malformed(method: "get"), Malformed(method: "GET / HTTP/1.1\r\nX: y\r\n\r\nPOST"),
        Malformed(method: "GET "), Malformed(method: "G\u{E9}T"), Malformed(method: "CONNECT"),
        Malformed(method: "TRACE"),
        Malformed(name: ""), Malformed(name: "X Y"), Malformed(name: "X:"), Malformed(name: "X\r\nY"),
        Malformed(name: "\u{E9}"), Malformed(name: "X\0"), Malformed(value: "a\r\nX-Smuggled: 1"),
        Malformed(value: "a\nb"), Malformed(value: "a\rb"), Malformed(value: "a\0b"), Malformed(value: "\u{7F}"),
    ])
    func whatIsNotHTTPIsNotSent(_ malformed: Malformed) async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            let request = EgressRequest(
                purpose: .probe, method: malformed.method, url: server.origin,
                headers: [(malformed.name, malformed.value)])
            #expect(await egress.outcome(of: request) == .failed(.protocolError))
        }
        #expect(server.connections == 0)
    }

    @Test(arguments: ["GET", "HEAD", "DELETE", "OPTIONS", "PATCH", "PUT", "PROPFIND"])
    func methods(_ method: String) async throws {
        let server = try await ScriptedServer { request in
            let ofTheBody = [("Content-Length", "999999999"), ("Content-Encoding", "gzip")]
            return request.method == "HEAD" ? .bytes(ScriptedServer.Answer.head(200, ofTheBody)) : .http(204, body: [])
        }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            let response = try await egress.send(
                EgressRequest(purpose: .probe, method: method, url: server.origin))
            #expect(response.body.isEmpty)
        }
        #expect(server.requests.map(\.method) == [method])
    }

    @Test(arguments: [
        ("gzip", Gzip.stored(Array("hello".utf8))), ("GZIP", Gzip.stored(Array("hello".utf8))),
        ("identity", Array("hello".utf8)), ("br", Array("hello".utf8)),
    ])
    func encodings(_ encoding: String, _ body: [UInt8]) async throws {
        let server = try await ScriptedServer { _ in .http(200, [("Content-Encoding", encoding)], body: body) }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            let response = try await egress.send(EgressRequest(purpose: .probe, url: server.origin))
            #expect(String(decoding: response.body, as: UTF8.self) == "hello")
            let isDecoded = encoding.lowercased() == "gzip"
            #expect((response.header("content-encoding") == nil) == isDecoded)
            #expect((response.header("content-length") == nil) == isDecoded)
        }
    }

    /// Compressed in name only.
    @Test(arguments: [(200, "Content-Length: 0\r\n"), (204, ""), (304, ""), (304, "Content-Length: 999\r\n")])
    func compressedNothing(_ status: Int, _ framing: String) async throws {
        let answer = "HTTP/1.1 \(status) -\r\nContent-Encoding: gzip\r\n\(framing)\r\n"
        let server = try await ScriptedServer { _ in .bytes(Array(answer.utf8)) }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            #expect(await egress.outcome(of: server.origin) == .status(status))
        }
    }

    @Test(arguments: [
        "a_b.example.test", "xn--mnchen-3ya.example.test", "1.2.example.test", "a--b.example.test", "x",
        "a.b.c.d.e.f.g.example.test", String(repeating: "a", count: 63) + ".example.test",
    ])
    func unusualHosts(_ host: String) async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        let resolver = StubResolver([host: ["127.0.0.1"]])
        try await Door.open(allowing: [server.allowance], resolver: resolver) { egress in
            #expect(await egress.outcome(of: "http://\(host.uppercased()):\(server.port)/") == .status(200))
        }
        #expect(server.requests.map { $0.header("host") } == ["\(host):\(server.port)"])
        #expect(resolver.questions == [host])
    }

    @Test(arguments: [
        ("", "/"), ("/", "/"), ("?a=b", "/?a=b"), ("#part", "/"), ("/a/../b", "/a/../b"), ("//b", "//b"),
        ("/%2F%00", "/%2F%00"),
        ("/a?b=c/d?e#f?g", "/a?b=c/d?e"), ("/a;b=c,d", "/a;b=c,d"), ("/!$&'()*+,;=:@~", "/!$&'()*+,;=:@~"),
        ("/a?", "/a?"),
    ])
    func pathsAreSentAsTheyAre(_ path: String, _ sent: String) async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            #expect(await egress.outcome(of: server.origin + path) == .status(200))
        }
        #expect(server.requests.map(\.path) == [sent])
    }

    @Test func theLargestResponseFits() async throws {
        let body = [UInt8](repeating: 0x78, count: 3 << 20)
        let server = try await ScriptedServer { _ in .http(body: body) }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            let fits = await egress.outcome(of: server.origin, maxResponseSize: 3 << 20)
            #expect(fits == .status(200))
            let isOneTooLarge = await egress.outcome(of: server.origin, maxResponseSize: 3 << 20 - 1)
            #expect(isOneTooLarge == .failed(.responseTooLarge))
        }
    }

    @Test func connectionsAreKept() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            for _ in 0..<20 { #expect(await egress.outcome(of: server.origin) == .status(200)) }
        }
        #expect(server.requests.count == 20)
        #expect(server.connections <= 2)
    }

    @Test func oneNameIsLookedUpOnceForAll() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        let resolver = StubResolver(["api.example.test": ["127.0.0.1"]])
        let clock = ManualClock()
        try await Door.open(allowing: [server.allowance], resolver: resolver, clock: clock) { egress in
            let url = "http://api.example.test:\(server.port)/"
            await withDiscardingTaskGroup { group in
                for _ in 0..<200 {
                    group.addTask { #expect(await egress.outcome(of: url) == .status(200)) }
                }
            }
            #expect(resolver.questions.count == 1)
            clock.advance(by: .seconds(6))
            #expect(await egress.outcome(of: url) == .status(200))
            #expect(resolver.questions.count == 2)
        }
        #expect(server.requests.count == 201)
    }

    @Test func anotherAddressIsTriedWhenNoConnectionStands() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        // Nobody listens at the first two.
        let resolver = StubResolver(["api.example.test": ["127.0.0.2", "127.0.0.3", "127.0.0.1"]])
        try await Door.open(allowing: ["127.0.0.0/8:\(server.port)"], resolver: resolver) { egress in
            #expect(await egress.outcome(of: "http://api.example.test:\(server.port)/") == .status(200))
        }
    }

    @Test func noMoreThanThreeAddressesAreTried() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        let resolver = StubResolver([
            "api.example.test": ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.1"]
        ])
        try await Door.open(allowing: ["127.0.0.0/8:\(server.port)"], resolver: resolver) { egress in
            let outcome = await egress.outcome(of: "http://api.example.test:\(server.port)/")
            #expect(outcome == .failed(.connectFailed))
        }
        #expect(server.connections == 0)
    }

    @Test func evictedClientsMakeRoomAndComeBack() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        let names = (0..<12).map { "host\($0).example.test" }
        let resolver = StubResolver(Dictionary(uniqueKeysWithValues: names.map { ($0, ["127.0.0.1"]) }))
        var limits = EgressLimits()
        limits.clients = 3
        limits.destinations = 4
        try await Door.open(allowing: [server.allowance], resolver: resolver, limits: limits) { egress in
            await withDiscardingTaskGroup { group in
                for name in names + names {
                    group.addTask {
                        #expect(await egress.outcome(of: "http://\(name):\(server.port)/") == .status(200))
                    }
                }
            }
        }
        #expect(server.requests.count == 24)
    }
}
