import Connections
import Egress
import LosslessJSON
import Testing

/// How a credential goes into a request.
@Suite struct CredentialTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let placements: [SecretPlacement]
        var url = "https://api.example.test/me"
        let headers: [String]
        let sentTo: String

        init(
            _ description: String, _ placements: [SecretPlacement], url: String = "https://api.example.test/me",
            headers: [String] = [], sentTo: String? = nil
        ) {
            testDescription = description
            self.placements = placements
            self.url = url
            self.headers = headers
            self.sentTo = sentTo ?? url
        }
    }

    private static let data = #"{"access_token":"t0k","key":"a&b=c","user":"ada","nested":{"id":7}}"#

    @Test(arguments: [
        Case("as a bearer token, where nothing is said", [], headers: ["Authorization: Bearer t0k"]),
        Case("a header", [.header(name: "X-Key", value: "{key}")], headers: ["X-Key: a&b=c"]),
        Case("a header of any name", [.header(name: "{user}", value: "Token {key}")], headers: ["ada: Token a&b=c"]),
        Case("a default", [.header(name: "{header_name}", value: "{key}")], headers: ["X-Default: a&b=c"]),
        Case("config", [.header(name: "X-Org", value: "{org}")], headers: ["X-Org: acme"]),
        Case("a part within", [.header(name: "X-Id", value: "{nested.id}")], headers: ["X-Id: 7"]),
        Case("a fixed value", [.header(name: "X-Version", value: "2")], headers: ["X-Version: 2"]),
        Case("what is missing is left out", [.header(name: "X-Key", value: "{nobody}")]),
        Case(
            "the query", [.query(name: "key", value: "{key}")], sentTo: "https://api.example.test/me?key=a%26b%3Dc"),
        Case(
            "a query that goes on", [.query(name: "key", value: "{user}")], url: "https://api.example.test/me?a=1",
            sentTo: "https://api.example.test/me?a=1&key=ada"),
        Case(
            "user and password", [.basic(username: "{user}", password: "{key}")],
            headers: ["Authorization: Basic YWRhOmEmYj1j"]),
        Case(
            "several", [.header(name: "A", value: "{user}"), .header(name: "B", value: "{key}")],
            headers: ["A: ada", "B: a&b=c"]),
    ])
    func places(_ given: Case) throws {
        let method = AuthMethod(
            id: "m", name: "M", scheme: .apiKey, authType: .apiKey, description: "",
            fields: [
                Field(key: "header_name", label: "H", kind: .text, isSecure: false, defaultValue: #""X-Default""#)
            ], placements: given.placements)
        var request = EgressRequest(purpose: .probe, url: given.url)
        request.apply(
            method, data: JSONObject(try JSONSlice(parsing: Array(Self.data.utf8))),
            config: JSONObject(try JSONSlice(parsing: Array(#"{"org":"acme"}"#.utf8))))
        #expect(request.headers.map { "\($0.name): \($0.value)" } == given.headers)
        #expect(request.url == given.sentTo)
    }

    @Test func anotherOriginDoesNotGetIt() {
        var request = EgressRequest(purpose: .probe, url: "https://api.example.test")
        let method = AuthMethod(
            id: "m", name: "M", scheme: .apiKey, authType: .apiKey, description: "", fields: [],
            placements: [.header(name: "X-Secret", value: "fixed")])
        request.apply(method, data: JSONObject(), config: JSONObject())
        #expect(request.sensitiveHeaders == ["X-Secret"])
    }

    @Test(arguments: [
        ([(name: String, value: String)](), nil, ["Accept: application/json"]),
        ([(name: "accept", value: "text/plain")], nil, ["accept: text/plain"]),
        ([], "{}", ["Accept: application/json", "Content-Type: application/json"]),
        ([(name: "content-type", value: "text/x")], "{}", ["Accept: application/json", "content-type: text/x"]),
    ])
    func questions(_ headers: [(name: String, value: String)], _ body: String?, _ all: [String]) {
        let request = EgressRequest(
            asking: "https://api.example.test", method: "POST", headers: headers, body: body, purpose: .probe)
        #expect(request.headers.map { "\($0.name): \($0.value)" } == all)
        #expect(request.body == body.map { Array($0.utf8) })
    }
}
