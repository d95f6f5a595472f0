import Connections
import LosslessJSON
import TestSupport
import Testing

/// Where a secret may be sent: one way to write each origin, and no value that leads elsewhere.
@Suite struct URLTemplateTests {
    struct OriginCase: CustomTestStringConvertible, Sendable {
        let url: String
        let origin: String?

        var testDescription: String { url }
    }

    @Test(
        arguments: [
            ("https://example.com", "example.com"), ("https://a.b.Example.com:8443/x?y", "example.com"),
            ("https://id.example.co.uk/x", "example.co.uk"), ("https://co.uk", "co.uk"),
            ("https://a.example.internal", "example.internal"), ("http://localhost:8080", "localhost"),
            ("http://127.0.0.1:8080", "127.0.0.1"), ("https://[2001:db8::1]:8443/", "[2001:db8::1]"),
            ("javascript:alert(1)", nil), ("https://example.com@evil.com", nil), ("", nil),
        ] as [(String, String?)])
    func registrableDomain(_ url: String, _ domain: String?) {
        #expect(URLTemplate.registrableDomain(of: url) == domain)
    }

    @Test(arguments: URLTemplateTests.origins)
    func origin(_ expected: OriginCase) {
        #expect(URLTemplate.origin(of: expected.url) == expected.origin)
        // Canonical: an origin is its own origin.
        if let origin = expected.origin { #expect(URLTemplate.origin(of: origin) == origin) }
    }

    @Test(arguments: URLTemplateTests.refusedURLs)
    func noOrigin(_ url: String) {
        #expect(URLTemplate.origin(of: url) == nil)
    }

    // MARK: Templates

    struct FillCase: CustomTestStringConvertible, Sendable {
        let template: String
        let config: String
        let origin: String?

        var testDescription: String { "\(template) \(config)" }
    }

    static let regional = "https://{region}.api.example.com/v1/{tenant}"

    @Test(arguments: [
        FillCase(
            template: URLTemplateTests.regional, config: #"{"region":"eu","tenant":"acme"}"#,
            origin: "https://eu.api.example.com"),
        FillCase(
            template: URLTemplateTests.regional, config: #"{"region":"EU-1","tenant":"42","more":{}}"#,
            origin: "https://eu-1.api.example.com"),
        FillCase(template: URLTemplateTests.regional, config: #"{"region":"eu"}"#, origin: nil),
        FillCase(template: URLTemplateTests.regional, config: #"{"tenant":"acme"}"#, origin: nil),
        FillCase(template: URLTemplateTests.regional, config: #"{"region":null,"tenant":"acme"}"#, origin: nil),
        FillCase(template: URLTemplateTests.regional, config: #"{"region":1,"tenant":"acme"}"#, origin: nil),
        FillCase(template: URLTemplateTests.regional, config: #"{"region":["eu"],"tenant":"acme"}"#, origin: nil),
        FillCase(template: URLTemplateTests.regional, config: #"{"region":"{tenant}","tenant":"evil"}"#, origin: nil),
        FillCase(template: "https://slack.com/api", config: "{}", origin: "https://slack.com"),
        FillCase(
            template: "https://{t}.example.com:8443/{t}", config: #"{"t":"acme"}"#,
            origin: "https://acme.example.com:8443"),
        FillCase(
            template: "{url}", config: #"{"url":"https://Example.com:443/v1?x#y"}"#, origin: "https://example.com"),
        FillCase(template: "{url}", config: #"{"url":"http://10.0.0.1:8080"}"#, origin: "http://10.0.0.1:8080"),
        FillCase(template: "{url}", config: #"{"url":"example.com"}"#, origin: nil),
        FillCase(template: "{url}", config: #"{"url":"https://user@example.com"}"#, origin: nil),
        FillCase(template: "{url}", config: #"{"url":1}"#, origin: nil),
        FillCase(template: "{url}", config: "{}", origin: nil),
    ])
    func fills(_ expected: FillCase) throws {
        let template = try URLTemplate(expected.template)
        #expect(template.origin(filledFrom: JSONObject(.literal(expected.config))) == expected.origin)
    }

    /// What a person might enter to lead a secret elsewhere, or what cannot be a label or segment.
    @Test(arguments: [
        "", ".", "..", "../", "a.b", "evil.com", "evil.com/", "evil.com#", "evil.com?", "evil.com\\", "evil.com:443",
        "//evil.com", "x@y", "@evil.com", "user:pass@evil.com", "a/b", "a\\b", "a?b", "a#b", "a:b", "a&b", "a=b", "a,b",
        "a;b", "%2f", "%2e", "a%00", "%", " ", "a b", "a ", " a", "\ta", "a\n", "a\r\nHost: evil.com", "a\0", "\u{7F}",
        "-a", "a-", "-", "a_b", "a*", "a+b", "{a}", "}", "$(id)", "\u{E9}", "\u{FF0E}", "\u{3002}", "a\u{200B}",
        "a\u{301}", "\u{430}", "\u{212A}", String(repeating: "a", count: 64),
    ])
    func injections(_ value: String) throws {
        let template = try URLTemplate(Self.regional)
        #expect(!URLTemplate.fitsOneLabelOrSegment(value))
        for variable in ["region", "tenant"] {
            var config = JSONObject(.literal(#"{"region":"eu","tenant":"acme"}"#))
            config[variable] = JSONText(value)
            #expect(template.origin(filledFrom: config) == nil, "as \(variable)")
        }
    }

    @Test(arguments: ["a", "A", "0", "a-b", "a--b", "xn--p1ai", "eu-west-1", String(repeating: "a", count: 63)])
    func labels(_ value: String) {
        #expect(URLTemplate.fitsOneLabelOrSegment(value))
    }

    /// Templates that pass for good at first sight: whatever they are filled with, they lead nowhere.
    @Test(arguments: [
        "https://{a}.#.example.com", "https://{a}.?x.example.com", "https://{a}#.example.com/", "https://{a}:443.x.com",
        "https://example.com@{a}.x.com", "https://{a}.com", "https://example.{a}", "https://{a}", "https://{a}/",
        "https://{a}.co.uk", "https://x{a}.example.com", "https://{a}{b}.example.com", "http://{a}.example.com",
        "https:{a}.example.com", "{a}://example.com", "{a}/v1", "{a}.example.com", "{a}{b}",
        "https://{{a}}.example.com",
    ])
    func unsafeTemplates(_ text: String) {
        let template = try? URLTemplate(text)
        let config = JSONObject(.literal(#"{"a":"evil","b":"evil","{a":"evil"}"#))
        #expect(template?.origin(filledFrom: config) == nil)
    }

    // MARK: Integrations

    struct DestinationCase: CustomTestStringConvertible, Sendable {
        let template: String?
        let keys: [String]
        let config: String
        let origins: [String]?

        var testDescription: String { "\(template ?? "none") \(keys) \(config)" }
    }

    @Test(arguments: [
        DestinationCase(template: nil, keys: [], config: #"{"host":"a"}"#, origins: []),
        DestinationCase(template: "https://slack.com", keys: [], config: "{}", origins: ["https://slack.com"]),
        DestinationCase(template: "{url}", keys: ["port"], config: #"{"port":1}"#, origins: nil),
        DestinationCase(
            template: "{url}", keys: ["port"], config: #"{"url":"https://Example.com/","port":5432}"#,
            origins: ["https://example.com", "port=5432"]),
        DestinationCase(
            template: nil, keys: ["port", "host"], config: #"{"port":5432,"host":"db.example.com","user":"u"}"#,
            origins: [#"host="db.example.com""#, "port=5432"]),
        // Text and number are not the same, nor are two keys whose values were swapped.
        DestinationCase(
            template: nil, keys: ["a", "b"], config: #"{"a":"1","b":1}"#, origins: [#"a="1""#, "b=1"]),
    ])
    func destinations(_ expected: DestinationCase) throws {
        let integration = Integration(
            id: "test", name: "Test", type: .api, category: "test", description: "", docsURL: "https://example.com",
            baseURL: try expected.template.map { try URLTemplate($0) }, destinationKeys: expected.keys, authMethods: [],
            configFields: [])
        #expect(integration.origins(config: JSONObject(.literal(expected.config)), method: "") == expected.origins)
        let isFixed = expected.keys.isEmpty && expected.template?.contains("{") != true
        #expect(integration.originsDependOnConfig == !isFixed)
    }
}
