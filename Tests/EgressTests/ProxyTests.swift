import Connections
import Testing

@testable import Egress

@Suite struct ProxyTests {
    @Test func theProxyIsAskedForTheAddressThatWasChecked() async throws {
        // It answers in the tunnel itself, which is enough to see what was asked.
        let proxy = try await ScriptedServer { request in
            request.method == "CONNECT" ? .bytes(ScriptedServer.Answer.head(200, [])) : .http(207)
        }
        defer { proxy.stop() }
        let resolver = StubResolver(["api.example.test": ["10.1.2.3"], "inside.example.test": ["10.9.9.9"]])
        try await Door.open(
            allowing: ["10.1.2.3:8080"], resolver: resolver, proxy: "http://me:p@ss@127.0.0.1:\(proxy.port)"
        ) { egress in
            #expect(await egress.outcome(of: "http://api.example.test:8080/x") == .status(207))
            #expect(await egress.outcome(of: "http://inside.example.test:8080/x") == .failed(.destinationRefused))
            #expect(await egress.outcome(of: "http://127.0.0.1:\(proxy.port)/x") == .failed(.destinationRefused))
        }
        let requests = proxy.requests
        try #require(requests.count == 2)
        #expect(requests[0].method == "CONNECT")
        #expect(requests[0].path == "10.1.2.3:8080")
        #expect(requests[0].header("proxy-authorization") == "Basic bWU6cEBzcw==")
        #expect(requests[1].path == "/x")
        #expect(requests[1].header("host") == "api.example.test:8080")
        #expect(requests[1].header("proxy-authorization") == nil)
    }

    @Test func aProxyThatRefuses() async throws {
        let proxy = try await ScriptedServer { _ in .http(403, body: []) }
        defer { proxy.stop() }
        let resolver = StubResolver(["api.example.test": ["8.8.8.8"]])
        try await Door.open(resolver: resolver, proxy: "http://127.0.0.1:\(proxy.port)") { egress in
            #expect(await egress.outcome(of: "https://api.example.test/") == .failed(.connectFailed))
        }
        #expect(proxy.requests.map(\.path) == ["8.8.8.8:443"])
    }

    @Test(arguments: [
        ("http://proxy.example.test:3128", "proxy.example.test", 3_128),
        ("proxy.example.test:3128", "proxy.example.test", 3_128),
        ("http://proxy.example.test", "proxy.example.test", 80),
        ("http://Proxy.Example.Test/", "proxy.example.test", 80),
        ("http://127.0.0.1:8080", "127.0.0.1", 8_080), ("http://[::1]:8080", "0:0:0:0:0:0:0:1", 8_080),
        ("http://user:p:a@ss@proxy.example.test:1", "proxy.example.test", 1),
        ("http://:@proxy.example.test", "proxy.example.test", 80),
    ])
    func good(_ text: String, _ host: String, _ port: Int) throws {
        let proxy = try OutboundProxy(text)
        #expect(proxy.host == host)
        #expect(proxy.port == port)
    }

    @Test(arguments: [
        "", "http://", "https://proxy.example.test:3128", "socks5://proxy.example.test", "http://proxy.example.test:0",
        "http://proxy.example.test:99999", "http://proxy.example.test/path", "http://proxy.example.test?x",
        "http://user@proxy.example.test", "http://s3cret:s3cret@", "http://ex ample.test", "http://a,b",
    ])
    func bad(_ text: String) {
        let error = #expect(throws: EgressConfigurationError.invalidProxy) { try OutboundProxy(text) }
        #expect(error?.description.contains("s3cret") != true)
    }
}
