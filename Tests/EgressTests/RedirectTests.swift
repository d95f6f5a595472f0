import Connections
import Synchronization
import Testing

@testable import Egress

@Suite struct RedirectTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let status: Int
        let method: String
        let hasBody: Bool
        let isElsewhere: Bool
        /// The method that arrives, or `nil` when the redirect is refused.
        let arrives: String?
        let keepsBody: Bool

        init(_ status: Int, _ method: String, body: Bool, elsewhere: Bool, arrives: String?, keepsBody: Bool = false) {
            self.status = status
            self.method = method
            hasBody = body
            isElsewhere = elsewhere
            self.arrives = arrives
            self.keepsBody = keepsBody
        }

        var testDescription: String {
            "\(status) of \(method)\(hasBody ? " with a body" : "") to \(isElsewhere ? "another" : "the same") origin"
        }
    }

    @Test(arguments: [
        Case(301, "GET", body: false, elsewhere: false, arrives: "GET"),
        Case(302, "HEAD", body: false, elsewhere: false, arrives: "HEAD"),
        Case(303, "HEAD", body: false, elsewhere: true, arrives: "HEAD"),
        Case(301, "POST", body: true, elsewhere: false, arrives: "GET"),
        Case(302, "POST", body: true, elsewhere: false, arrives: "GET"),
        Case(303, "POST", body: true, elsewhere: false, arrives: "GET"),
        Case(303, "PUT", body: true, elsewhere: false, arrives: "GET"),
        Case(302, "PUT", body: true, elsewhere: false, arrives: "PUT", keepsBody: true),
        Case(307, "POST", body: true, elsewhere: false, arrives: "POST", keepsBody: true),
        Case(308, "POST", body: true, elsewhere: false, arrives: "POST", keepsBody: true),
        Case(307, "GET", body: false, elsewhere: false, arrives: "GET"),
        Case(301, "GET", body: false, elsewhere: true, arrives: "GET"),
        Case(302, "POST", body: true, elsewhere: true, arrives: "GET"),
        Case(303, "POST", body: true, elsewhere: true, arrives: "GET"),
        Case(302, "PUT", body: true, elsewhere: true, arrives: nil),
        Case(307, "POST", body: true, elsewhere: true, arrives: nil),
        Case(308, "POST", body: true, elsewhere: true, arrives: nil),
        Case(308, "POST", body: false, elsewhere: true, arrives: "POST"),
        Case(307, "DELETE", body: false, elsewhere: true, arrives: "DELETE"),
    ])
    func whatGoesAlong(_ expected: Case) async throws {
        let target = try await ScriptedServer { _ in .http() }
        defer { target.stop() }
        let source = try await ScriptedServer { request in
            if request.path == "/there" { return .http() }
            return .redirect(expected.status, expected.isElsewhere ? "\(target.origin)/there" : "/there")
        }
        defer { source.stop() }
        try await Door.open(allowing: [source.allowance, target.allowance]) { egress in
            let request = EgressRequest(
                purpose: .oauth, method: expected.method, url: "\(source.origin)/here",
                headers: [
                    ("Authorization", "Bearer s3cret"), ("cookie", "s3cret"), ("X-API-Key", "s3cret"),
                    ("Proxy-Authorization", "s3cret"), ("X-Shop-Token", "s3cret"), ("X-Plain", "plain"),
                    ("Content-Type", "text/plain"),
                ],
                body: expected.hasBody ? Array("s3cret".utf8) : nil, followsRedirects: true,
                sensitiveHeaders: ["X-SHOP-Token"])
            let outcome = await egress.outcome(of: request)
            #expect(outcome == (expected.arrives == nil ? .failed(.destinationRefused) : .status(200)))
        }
        let arrived = expected.isElsewhere ? target.requests.first : source.requests.dropFirst().first
        #expect(arrived?.method == expected.arrives)
        guard let arrived else { return }
        #expect(arrived.path == "/there")
        #expect(arrived.body == (expected.keepsBody ? "s3cret" : ""))
        #expect(arrived.header("x-plain") == "plain")
        if expected.isElsewhere { #expect(!arrived.headers.contains { $0.value.contains("s3cret") }) }
        if !expected.isElsewhere { #expect(arrived.header("x-shop-token") == "s3cret") }
        if expected.hasBody, !expected.keepsBody { #expect(arrived.header("content-type") == nil) }
    }

    /// What was dropped at one origin does not come back at the next.
    @Test func credentialsDoNotReturn() async throws {
        let port = Mutex(0)
        let other = try await ScriptedServer { _ in .redirect(302, "http://home.example.test:\(port.withLock { $0 })/2")
        }
        defer { other.stop() }
        let home = try await ScriptedServer { request in
            request.path == "/1" ? .redirect(302, "http://other.example.test:\(other.port)/") : .http()
        }
        defer { home.stop() }
        port.withLock { $0 = home.port }
        let resolver = StubResolver(["home.example.test": ["127.0.0.1"], "other.example.test": ["127.0.0.1"]])
        try await Door.open(allowing: [home.allowance, other.allowance], resolver: resolver) { egress in
            let request = EgressRequest(
                purpose: .oauth, url: "http://home.example.test:\(home.port)/1", headers: [("Authorization", "s3cret")],
                followsRedirects: true)
            #expect(await egress.outcome(of: request) == .status(200))
        }
        #expect(home.requests.map(\.path) == ["/1", "/2"])
        #expect(home.requests.map { $0.header("authorization") } == ["s3cret", nil])
    }

    @Test(arguments: [
        ("/a/b", "/c?d=e#f", "/c?d=e"), ("/a/b", "c", "/a/c"), ("/a/b", "../c", "/c"), ("/a/b", "?q", "/a/b?q"),
        ("/a/b?x", "./c/./d/../e", "/a/c/e"), ("/a", "//127.0.0.1:PORT/c", "/c"), ("/a", "http://127.0.0.1:PORT", "/"),
        ("/a", "HTTP://127.0.0.1:PORT/C", "/C"), ("/a", "/%2e%2e/%20", "/%2e%2e/%20"),
    ])
    func locationsAreResolved(_ path: String, _ location: String, _ arrives: String) async throws {
        let port = Mutex(0)
        let server = try await ScriptedServer { request in
            guard request.path == path else { return .http() }
            return .redirect(302, location.replacing("PORT", with: "\(port.withLock { $0 })"))
        }
        defer { server.stop() }
        port.withLock { $0 = server.port }
        try await Door.open(allowing: [server.allowance]) { egress in
            #expect(await egress.outcome(of: server.origin + path, redirects: true) == .status(200))
        }
        #expect(server.requests.map(\.path) == [path, arrives])
    }

    /// Past the front door a redirect is held against the same rules, and nothing of them shows.
    @Test(arguments: [
        "http://127.0.0.1:1/", "http://127.0.0.1/", "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[fd00:ec2::254]/", "http://localhost/", "http://127.1/",
        "http://0x7f000001/", "http://2130706433/", "http://0177.0.0.1/", "http://0/", "http://inside.example.test/",
        "https://inside.example.test/", "http://public.example.test/", "http://8.8.8.8/", "//10.0.0.1/", "//[::1]/",
        "ftp://8.8.8.8/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "javascript:alert(1)", "data:,x",
        "http://user@8.8.8.8/", "https://user:pass@8.8.8.8/", "https://8.8.8.8:0/", "https://8.8.8.8:99999/",
        "https://", "https:///", "http:\\\\127.0.0.1\\", "https://ex ample.com/", "https://m\u{FC}nchen.example/",
        "https://exa%6dple.com/", "unix:/run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/",
    ])
    func inwardIsRefused(_ location: String) async throws {
        let server = try await ScriptedServer { _ in .redirect(302, location) }
        defer { server.stop() }
        let resolver = Numeric(
            StubResolver(["inside.example.test": ["10.0.0.1"], "public.example.test": ["8.8.8.8"]]))
        try await Door.open(allowing: [server.allowance], resolver: resolver) { egress in
            let outcome = await egress.outcome(of: server.origin, redirects: true)
            #expect(outcome == .failed(.destinationRefused))
        }
        #expect(server.requests.count == 1)
    }

    @Test func fiveAreFollowed() async throws {
        let server = try await ScriptedServer { request in
            let number = Int(request.path.dropFirst()) ?? 0
            return number == 0 ? .http() : .redirect(302, "/\(number - 1)")
        }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            #expect(await egress.outcome(of: "\(server.origin)/5", redirects: true) == .status(200))
            #expect(server.requests.count == 6)
            #expect(await egress.outcome(of: "\(server.origin)/6", redirects: true) == .failed(.tooManyRedirects))
            #expect(server.requests.count == 12)
        }
    }

    @Test(
        arguments: [
            (302, nil, true), (300, "/x", true), (304, "/x", true), (201, "/x", true), (302, "/x", false),
        ] as [(Int, String?, Bool)])
    func otherwiseTheyAreAnswers(_ status: Int, _ location: String?, _ follows: Bool) async throws {
        let server = try await ScriptedServer { _ in .http(status, location.map { [("Location", $0)] } ?? [], body: [])
        }
        defer { server.stop() }
        try await Door.open(allowing: [server.allowance]) { egress in
            #expect(await egress.outcome(of: server.origin, redirects: follows) == .status(status))
        }
        #expect(server.requests.count == 1)
    }
}

/// The platform's resolver for what it reads as an address in disguise, and a stub for names.
struct Numeric: EgressResolver {
    private let names: StubResolver
    private let system = SystemResolver()

    init(_ names: StubResolver) { self.names = names }

    func addresses(of host: String, port: Int) async throws -> [IPAddress] {
        host.hasSuffix(".test")
            ? try await names.addresses(of: host, port: port) : try await system.addresses(of: host, port: port)
    }

    func close() { system.close() }
}
