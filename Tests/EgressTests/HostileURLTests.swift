import Connections
import Testing

@testable import Egress

/// URLs that try to reach what they must not, or to be read in two ways.
@Suite struct HostileURLTests {
    @Test(arguments: HostileURLTests.invalid)
    func isNoURL(_ url: String) async throws {
        // Even where everything is open.
        try await Door.open(allowing: ["0.0.0.0/0", "::/0"], resolver: Numeric(StubResolver(Self.names))) { egress in
            #expect(await egress.outcome(of: url) == .failed(.invalidURL))
        }
    }

    @Test(arguments: HostileURLTests.inward)
    func isRefused(_ url: String) async throws {
        try await Door.open(resolver: Numeric(StubResolver(Self.names))) { egress in
            #expect(await egress.outcome(of: url, timeout: .seconds(20)) == .failed(.destinationRefused))
        }
    }

    /// Plain http is for what the operator opened.
    @Test(arguments: [
        "http://8.8.8.8/", "http://8.8.8.8:443/", "http://public.example.test/", "http://[2606:4700::1]/",
        "HTTP://public.example.test:8080/",
    ])
    func publicPlaces(_ url: String) async throws {
        try await Door.open(allowing: ["127.0.0.1"], resolver: Numeric(StubResolver(Self.names))) { egress in
            #expect(await egress.outcome(of: url) == .failed(.destinationRefused))
        }
    }

    static let names = [
        "public.example.test": ["8.8.8.8"], "v6.example.test": ["2606:4700::1"], "local.example.test": ["127.0.0.1"],
        "local6.example.test": ["::1"], "private.example.test": ["10.0.0.1"], "meta.example.test": ["169.254.169.254"],
        "mapped.example.test": ["::ffff:127.0.0.1"], "two.example.test": ["10.0.0.1", "192.168.0.1"],
    ]

    static let invalid = [
        "", " ", "/", "//", "?", "#", "a", "example.com", "example.com:443", "//example.com", "/path", ":", "://",
        "https", "https:", "https:/", "https://", "https:///", "https:///path", "https://?x", "https://#x",
        "https://:443", "https://:443/", "https:example.com", "https:/example.com", "https:\\\\example.com",
        "https:/\\example.com", "\\\\example.com\\", "ftp://example.com", "ws://example.com", "wss://example.com",
        "file:///etc/passwd", "file://localhost/etc/passwd", "gopher://127.0.0.1:6379/_INFO", "dict://127.0.0.1:11211/",
        "ldap://127.0.0.1/", "tftp://127.0.0.1/x", "jar:https://example.com!/", "netdoc:///etc/passwd",
        "javascript:alert(1)", "data:text/plain,x", "about:blank", "blob:https://example.com/1",
        "view-source:https://a.b",
        "unix:/run/docker.sock", "unix:///run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/containers/json",
        "https+unix://%2Frun%2Fx.sock/", "httpss://example.com", "xhttps://example.com", "http\u{17F}://example.com",
        // A user is a way to write one host and mean another.
        "https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/",
        "https://:@example.com/",
        "https://example.com@127.0.0.1/", "https://example.com:443@127.0.0.1/", "https://a@b@127.0.0.1/",
        "https://127.0.0.1:80@example.com/", "https://example.com%40127.0.0.1/", "https://example.com%2540127.0.0.1/",
        "https://foo@127.0.0.1:80@example.com/", "https://127.0.0.1#@example.com@/..\\x",
        // White space, control characters and other slashes.
        " https://example.com/", "https://example.com/ ", "https://exa mple.com/", "https://example.com/a b",
        "https://example.com\n/", "https://example.com/\r\nHost:%20evil", "https://exam\tple.com/",
        "https://example.com/\0",
        "https://example.com\0.evil.test/", "https://example.com/\u{7F}", "https://example.com\\@127.0.0.1/",
        "https://127.0.0.1\\@example.com/", "https://127.0.0.1\\.example.com/", "https://example.com\\",
        "https://127.1.1.1:80\\@127.2.2.2:80/", "https://127.1.1.1:80:\\@@127.2.2.2:80/",
        // Letters that look like others, digits and dots that are none.
        "https://m\u{FC}nchen.example/", "https://example\u{3002}com/", "https://example\u{FF0E}com/",
        "https://\u{430}pple.com/", "https://example.com\u{2044}x/", "https://example.com/\u{E9}",
        "https://\u{FF11}27.0.0.1/",
        "https://\u{2460}27.0.0.1/", "https://127\u{3002}0\u{3002}0\u{3002}1/", "https://\u{24DB}ocalhost/",
        "https://local\u{AD}host/", "https://\u{200B}localhost/", "https://localhost\u{FF0F}x/",
        "https://[\u{FF1A}:1]/",
        // Escapes in the host.
        "https://%31%32%37.0.0.1/", "https://127%2e0%2e0%2e1/", "https://127.0.0.1%2f@example.com/",
        "https://localhost%00.example.com/", "https://localhost%0d%0a/", "https://example.com%23@127.0.0.1/",
        "https://%5B::1%5D/", "https://exa%6dple.com/", "https://%zz/",
        // Hosts that are none.
        "https://./", "https://../", "https://.example.com/", "https://example..com/", "https://localhost./",
        "https://127.0.0.1./", "https://example.com./", "https://exa<mple.com/", "https://exa{m}ple.com/",
        "https://exa|mple.com/", "https://exa^mple.com/", "https://exa`mple.com/", "https://exa'mple.com/",
        "https://exa\"mple.com/", "https://example.com,127.0.0.1/", "https://example.com;127.0.0.1/",
        "https://example.com&127.0.0.1/", "https://*.example.com/", "https://$host/", "https://example.com!/",
        "https://(127.0.0.1)/", "https://~/", "https://127.0.0.1+/",
        // Ports.
        "https://example.com:0/", "https://example.com:65536/", "https://example.com:99999/", "https://example.com:-1/",
        "https://example.com:+443/", "https://example.com:0x50/", "https://example.com:80:80/",
        "https://example.com:abc/",
        "https://example.com: 80/", "https://example.com:44\u{663}/", "https://example.com:18446744073709551617/",
        "https://example.com:000443/", "https://[::1]:0/", "https://[::1]:65536/",
        // Brackets.
        "https://[::1", "https://::1/", "https://[::1]x/", "https://[::1]127.0.0.1/", "https://[]/",
        "https://[127.0.0.1]/",
        "https://[localhost]/", "https://[::1%25lo]/", "https://[::1%lo]/", "https://[fe80::1%25eth0]/",
        "https://[:::1]/",
        "https://[::1]]/", "https://[[::1]]/", "https://[::127.0.0.256]/", "https://[1::2::3]/", "https://[v1.x]/",
        "https://[::ffff:127.0.0.1]@example.com/", "https://" + String(repeating: "a", count: 20_000),
    ]

    static let inward = [
        // As they are.
        "https://127.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1:22/", "https://127.255.255.254/",
        "https://0.0.0.0/",
        "http://0.0.0.0:8080/", "https://10.0.0.1/", "https://10.255.255.255/", "https://172.16.0.1/",
        "https://172.31.255.255/", "https://192.168.0.1/", "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "http://169.254.169.254/computeMetadata/v1/", "https://169.254.170.2/v2/credentials",
        "https://100.100.100.200/",
        "https://168.63.129.16/machine", "https://192.0.0.192/", "https://192.0.2.1/", "https://198.18.0.1/",
        "https://198.51.100.1/", "https://203.0.113.1/", "https://224.0.0.1/", "https://239.255.255.250:1900/",
        "https://240.0.0.1/", "https://255.255.255.255/", "https://192.88.99.1/",
        // As the platform reads them.
        "https://127.1/", "https://127.0.1/", "https://0/", "https://0x0/", "https://00000/", "https://2130706433/",
        "https://017700000001/", "https://0x7f000001/", "https://0X7F000001/", "https://0177.0.0.1/",
        "https://0177.0.0.01/", "https://0x7f.0.0.1/", "https://0x7f.1/", "https://0177.1/", "https://127.0x1/",
        "https://00177.0.0.1/", "https://127.000.000.001/", "https://10.1/", "https://0xa.1/", "https://012.1/",
        "https://167772161/", "https://3232235521/", "https://0xc0a80001/", "https://192.168.257/",
        "https://2852039166/",
        "https://0xa9fea9fe/", "https://0251.0376.0251.0376/", "https://169.16689662/", "https://169.254.43518/",
        "https://0xa9.0xfe.0xa9.0xfe/", "https://4294967295/",
        // IPv6.
        "https://[::]/", "https://[::1]/", "http://[::1]:8080/", "https://[0:0:0:0:0:0:0:1]/", "https://[0000::0001]/",
        "https://[::127.0.0.1]/", "https://[::7f00:1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
        "https://[::FFFF:10.0.0.1]/", "https://[0:0:0:0:0:ffff:127.0.0.1]/", "https://[::ffff:8.8.8.8]/",
        "https://[::ffff:808:808]/", "https://[64:ff9b::127.0.0.1]/", "https://[64:ff9b::8.8.8.8]/",
        "https://[64:ff9b:1::7f00:1]/", "https://[2002:7f00:1::]/", "https://[2002:808:808::1]/",
        "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "https://[fc00::1]/", "https://[fd00:ec2::254]/",
        "https://[fd00::1]/", "https://[fe80::1]/", "https://[fec0::1]/", "https://[ff02::1]/",
        "https://[2001:db8::1]/",
        "https://[3fff::1]/", "https://[100::1]/", "https://[5f00::1]/", "https://[2001:20::1]/", "https://[4000::1]/",
        "https://[::2]/", "https://[fe80::a9fe:a9fe]/",
        // By name.
        "https://localhost/", "https://LOCALHOST/", "http://localhost:8080/", "https://local.example.test/",
        "https://LOCAL.Example.Test/", "https://local6.example.test/", "https://private.example.test/",
        "https://meta.example.test/", "https://mapped.example.test/", "https://two.example.test/",
        "https://local.example.test:443/x?y#z",
    ]
}
