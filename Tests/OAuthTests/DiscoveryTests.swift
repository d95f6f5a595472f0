import Testing

@testable import OAuth

@Suite struct DiscoveryTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let issuer: String
        let candidates: [String]

        var testDescription: String { issuer }
    }

    @Test(arguments: [
        Case(
            issuer: "https://id.example.com",
            candidates: [
                "https://id.example.com/.well-known/oauth-authorization-server",
                "https://id.example.com/.well-known/openid-configuration",
                "https://id.example.com/.well-known/openid-configuration",
            ]),
        // RFC 8414, 3.1
        Case(
            issuer: "https://example.com/issuer1",
            candidates: [
                "https://example.com/.well-known/oauth-authorization-server/issuer1",
                "https://example.com/.well-known/openid-configuration/issuer1",
                "https://example.com/issuer1/.well-known/openid-configuration",
            ]),
        Case(
            issuer: "https://example.com:8443/a/b/",
            candidates: [
                "https://example.com:8443/.well-known/oauth-authorization-server/a/b",
                "https://example.com:8443/.well-known/openid-configuration/a/b",
                "https://example.com:8443/a/b/.well-known/openid-configuration",
            ]),
        Case(issuer: "file:///etc/passwd", candidates: []),
        Case(issuer: "https://user@example.com", candidates: []),
        Case(issuer: "", candidates: []),
    ])
    func candidates(_ `case`: Case) {
        #expect(Discovery.candidates(`case`.issuer) == `case`.candidates)
    }
}
