import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import OAuth

@Suite struct AuthorizeURLTests {
    private static func app(parameters: String = "{}") -> OAuthApp {
        OAuthApp(
            id: .numbered(1), workspaceID: .numbered(1), integration: "i", authMethodID: "oauth2", label: nil,
            clientID: "client &1", clientSecret: nil, scopes: [], clientAuthentication: .none, returnURLs: [],
            authorizeParameters: .literal(parameters), config: .emptyObject, createdBy: "test", createdAt: .t0,
            updatedAt: .t0)
    }

    private static func secrets() throws -> FlowSecrets {
        var data = JSONObject()
        data["state"] = JSONText("the-state")
        // RFC 7636, appendix B
        data["code_verifier"] = JSONText("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        data["nonce"] = JSONText("the-nonce")
        return try #require(FlowSecrets(data, connectToken: "c"))
    }

    private static func url(
        _ endpoint: String = "https://p.test/authorize", scopes: [String] = [], app: OAuthApp = app(),
        _ change: (inout OAuthMethod) -> Void = { _ in }
    ) throws -> String {
        var method = OAuthMethod()
        change(&method)
        return AuthorizeURL(
            endpoint: endpoint, method: method, app: app, redirectURI: "https://us.test/callback",
            secrets: try secrets(), scopes: scopes
        ).text
    }

    private static let common =
        "https://p.test/authorize?response_type=code&client_id=client%20%261"
        + "&redirect_uri=https%3A%2F%2Fus.test%2Fcallback&state=the-state"
    private static let challenge =
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"

    @Test func `the challenge is that of RFC 7636`() throws {
        let url = try Self.url()
        #expect(url == Self.common + Self.challenge)
        let plain = try Self.url { $0.usesPKCE = false }
        #expect(plain == Self.common)
    }

    @Test func `an endpoint's own query stays`() throws {
        let url = try Self.url("https://p.test/authorize?tenant=1")
        #expect(url.hasPrefix("https://p.test/authorize?tenant=1&response_type=code&"))
    }

    @Test func `scopes go by the method's separator and parameter`() throws {
        let url = try Self.url(scopes: ["a", "b:c"]) { method in
            method.scopeSeparator = ","
            method.scopeParameter = "user_scope"
        }
        #expect(url == Self.common + "&user_scope=a%2Cb%3Ac" + Self.challenge)
    }

    @Test func `a nonce goes with openid only`() throws {
        let with = try Self.url(scopes: ["openid", "email"])
        #expect(with.hasSuffix("&nonce=the-nonce"))
        let without = try Self.url(scopes: ["email"])
        #expect(!without.contains("nonce"))
    }

    @Test func `an app's parameters go before the method's`() throws {
        let url = try Self.url(app: Self.app(parameters: #"{"prompt":"none","n":1,"x":"a b"}"#)) { method in
            method.authorizeParameters = [(name: "prompt", value: "consent"), (name: "access_type", value: "offline")]
        }
        #expect(url == Self.common + Self.challenge + "&access_type=offline&prompt=none&x=a%20b")
    }

    @Test func `nobody's parameter stands in for one of ours`() throws {
        let names = [
            "response_type", "client_id", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method",
            "nonce",
        ]
        let hostile = names.map { #""\#($0)":"evil""# }.joined(separator: ",")
        let url = try Self.url(scopes: ["openid"], app: Self.app(parameters: "{\(hostile)}")) { method in
            method.authorizeParameters = names.map { (name: $0, value: "evil") }
        }
        #expect(!url.contains("evil"))
        for name in names {
            #expect(url.split { $0 == "?" || $0 == "&" }.count { $0.hasPrefix("\(name)=") } == 1, "\(name)")
        }
    }

    @Test func `secrets of a flow are new every time and long enough`() throws {
        let ambient = Ambient(now: { .t0 }, randomBytes: { count in (0..<count).map { _ in .random(in: 0...255) } })
        let (a, b) = (FlowSecrets(ambient), FlowSecrets(ambient))
        #expect(Set([a.state, a.connectToken, a.codeVerifier, b.state, b.connectToken, b.codeVerifier]).count == 6)
        // RFC 7636, 4.1: 43 characters at least.
        #expect(a.codeVerifier.utf8.count == 43)
        #expect(a.state.utf8.count == 43)
        #expect(FlowSecrets(JSONObject(), connectToken: "c") == nil)
    }
}
