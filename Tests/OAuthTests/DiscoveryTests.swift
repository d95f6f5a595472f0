import Connections
import LosslessJSON
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

    // MARK: Whom it is believed

    struct Place: CustomTestStringConvertible, Sendable {
        let issuer: String
        let endpoint: String
        var domains: [String] = []
        let isTaken: Bool

        var testDescription: String { "\(issuer) names \(endpoint)" }
    }

    @Test(arguments: [
        Place(issuer: "https://id.example.com/t", endpoint: "https://id.example.com/token", isTaken: true),
        Place(issuer: "https://id.example.com", endpoint: "https://api.example.com:8443/token", isTaken: true),
        Place(issuer: "https://id.example.com", endpoint: "https://example.com/token", isTaken: true),
        Place(issuer: "https://id.example.com", endpoint: "https://example.net/token", isTaken: false),
        Place(issuer: "https://id.example.com", endpoint: "https://example.com.evil.net/token", isTaken: false),
        Place(issuer: "https://id.example.co.uk", endpoint: "https://evil.co.uk/token", isTaken: false),
        Place(issuer: "https://id.example.com", endpoint: "http://id.example.com/token", isTaken: false),
        Place(issuer: "http://127.0.0.1:1", endpoint: "http://127.0.0.1:2/token", isTaken: true),
        Place(issuer: "http://127.0.0.1:1", endpoint: "http://127.0.0.2:1/token", isTaken: false),
        Place(
            issuer: "https://accounts.example.com", endpoint: "https://oauth2.example.net/token",
            domains: ["example.net"], isTaken: true),
        Place(
            issuer: "https://accounts.example.com", endpoint: "https://example.org/token", domains: ["example.net"],
            isTaken: false),
    ])
    func `an endpoint of another domain is not taken from an issuer`(_ place: Place) throws {
        var method = OAuthMethod()
        method.issuer = try URLTemplate("{issuer}")
        method.endpointDomains = place.domains
        var discovered = Endpoints()
        discovered.issuer = place.issuer
        for endpoint in Endpoints.urls { discovered[keyPath: endpoint] = place.endpoint }
        let found = method.endpoints(filledFrom: JSONObject(), discovered: discovered)
        for endpoint in Endpoints.urls {
            #expect(found[keyPath: endpoint] == (place.isTaken ? place.endpoint : nil))
        }
        #expect(found.issuer == place.issuer)
        #expect(method.mistrusts(discovered) == !place.isTaken)
    }

    @Test func `what the integration names is believed wherever it is`() throws {
        var method = OAuthMethod()
        method.issuer = try URLTemplate("https://id.example.com")
        method.authorizeURL = try URLTemplate("https://example.net/authorize")
        method.tokenURL = try URLTemplate("https://example.net/token")
        var discovered = Endpoints()
        discovered.issuer = "https://id.example.com"
        discovered.token = "https://example.org/token"
        #expect(!method.mistrusts(discovered))
        let found = method.endpoints(filledFrom: JSONObject(), discovered: discovered)
        #expect(found.token == "https://example.net/token")
        #expect(found.authorize == "https://example.net/authorize")
    }
}
