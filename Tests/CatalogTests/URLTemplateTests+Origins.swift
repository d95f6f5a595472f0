extension URLTemplateTests {
    static let origins: [OriginCase] = [
        OriginCase(url: "https://example.com", origin: "https://example.com"),
        OriginCase(url: "http://example.com/", origin: "http://example.com"),
        OriginCase(url: "HTTPS://EXAMPLE.Com/Path", origin: "https://example.com"),
        OriginCase(url: "https://api.example.com/a/b?c=d#e", origin: "https://api.example.com"),
        OriginCase(url: "https://example.com?x=https://evil.com", origin: "https://example.com"),
        OriginCase(url: "https://example.com#@evil.com", origin: "https://example.com"),
        OriginCase(url: "https://example.com/@evil.com", origin: "https://example.com"),
        OriginCase(url: "https://example.com/https://evil.com", origin: "https://example.com"),
        OriginCase(url: "https://example.com/%2e%2e/%00", origin: "https://example.com"),
        OriginCase(url: "http://localhost:3000", origin: "http://localhost:3000"),
        // Ports.
        OriginCase(url: "https://example.com:443", origin: "https://example.com"),
        OriginCase(url: "http://example.com:80/", origin: "http://example.com"),
        OriginCase(url: "https://example.com:80", origin: "https://example.com:80"),
        OriginCase(url: "http://example.com:443", origin: "http://example.com:443"),
        OriginCase(url: "https://example.com:", origin: "https://example.com"),
        OriginCase(url: "https://example.com:00443", origin: "https://example.com"),
        OriginCase(url: "https://example.com:08443/x", origin: "https://example.com:8443"),
        OriginCase(url: "https://example.com:1", origin: "https://example.com:1"),
        OriginCase(url: "https://example.com:65535", origin: "https://example.com:65535"),
        // Addresses.
        OriginCase(url: "http://127.0.0.1:8080", origin: "http://127.0.0.1:8080"),
        OriginCase(url: "https://[::1]", origin: "https://[::1]"),
        OriginCase(url: "https://[2001:DB8::A]:8443/x", origin: "https://[2001:db8::a]:8443"),
        OriginCase(url: "http://[::ffff:10.0.0.1]:80", origin: "http://[::ffff:10.0.0.1]"),
        // An internationalized name stays as DNS has it, whatever the platform makes of it for reading.
        OriginCase(url: "https://xn--mnchen-3ya.example", origin: "https://xn--mnchen-3ya.example"),
        OriginCase(url: "https://XN--MNCHEN-3YA.example", origin: "https://xn--mnchen-3ya.example"),
    ]

    static let refusedURLs = [
        "", "example.com", "example.com:443", "//example.com", "/path", "https", "https:", "https:/", "https://",
        "https:///path", "https://?x", "https://#x", "https://:443", "https:example.com", "https:/example.com",
        "ftp://example.com", "ws://example.com", "file:///etc/passwd", "javascript:alert(1)", "data:,x",
        "httpss://example.com", "http\u{17F}://example.com",
        // A user is a way to write one host and mean another.
        "https://user@example.com", "https://user:pass@example.com", "https://@example.com", "https://:@example.com",
        "https://example.com:443@evil.com", "https://example.com@evil.com/", "https://a@b@evil.com",
        // White space, control characters, and what browsers take for a slash.
        " https://example.com", "https://example.com ", "https://exa mple.com", "https://example.com/a b",
        "https://example.com\n", "https://example.com/\r\nHost: evil.com", "https://exam\tple.com",
        "https://example.com\0",
        "https://example.com/\u{7F}", "https://example.com\\@evil.com", "https:\\\\example.com", "https://evil.com\\",
        // Letters that look like others, and dots that are none.
        "https://m\u{FC}nchen.example", "https://example.com/\u{E9}", "https://example\u{3002}com",
        "https://example\u{FF0E}com", "https://\u{430}pple.com", "https://example.com\u{2044}evil.com",
        // A host is written plainly or not at all.
        "https://ex%61mple.com", "https://%65xample.com", "https://example.com%2f.evil.com", "https://evil.com%2F",
        "https://example.com%40evil.com", "https://example.com%3a443", "https://example.com%00.evil.com",
        "https://example.com%0a", "https://example%2ecom", "https://%c3%a9.example", "https://%zz.example",
        "https://exa<mple.com", "https://exa{mple.com", "https://exa|mple.com", "https://exa^mple.com",
        // Ports.
        "https://example.com:0", "https://example.com:65536", "https://example.com:99999", "https://example.com:-1",
        "https://example.com:+443", "https://example.com:abc", "https://example.com:80:80",
        "https://example.com:44\u{663}",
        "https://example.com:18446744073709551617", "https://example.com:99999999999999999999",
        // Addresses.
        "https://[::1", "https://::1", "https://[::1]x", "https://[::1]evil.com", "https://[fe80::1%25eth0]",
        "https://[fe80::1%eth0]", "https://[]", "https://[::1]]",
    ]
}
