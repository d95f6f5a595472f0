import Catalog
import Connections
import LosslessJSON
import TestSupport
import Testing

/// How each built-in integration is tested, how often, and where that may send secrets.
@Suite struct BuiltInProbeTests {
    struct Entry: CustomTestStringConvertible, Sendable {
        let id: String
        let test: String
        var interval: Int?

        init(_ id: String, _ test: String, every interval: Int? = 21_600) {
            self.id = id
            self.test = test
            self.interval = interval
        }

        var testDescription: String { id }
    }

    static let entries: [Entry] = [
        Entry("airtable", "GET /meta/whoami"),
        Entry("anthropic", "anthropic models /models"),
        Entry("apify", "GET /users/me"),
        Entry("asana", "GET /users/me"),
        Entry("azure-blob", "azure_blob"),
        Entry("brave-search", "GET /web/search?q=brave&count=1", every: nil),
        Entry("client-credentials", "config"),
        Entry("cloudflare-r2", "s3"),
        Entry("custom", "config", every: nil),
        Entry("custom-http", "config", every: nil),
        Entry("custom-webhook", "config", every: nil),
        Entry("discord", "GET /users/@me"),
        Entry("firecrawl", "GET /team/credit-usage"),
        Entry("github", "GET /user"),
        Entry("github-app", "GET /installation/repositories?per_page=1"),
        Entry("github-mcp", "mcp", every: 3_600),
        Entry("gitlab", "GET /user"),
        Entry("gmail", "GET /gmail/v1/users/me/profile"),
        Entry("google-drive", "GET /drive/v3/about?fields=user"),
        Entry("google-service-account", "config"),
        Entry("graphql-api", "POST /{path}"),
        Entry("groq", "openai models /models"),
        Entry("hubspot", "GET /account-info/2026-03/details"),
        Entry("intercom", "GET /me"),
        Entry("jira", "GET /oauth/token/accessible-resources"),
        Entry("linear", "POST /graphql"),
        Entry("linear-mcp", "mcp", every: 3_600),
        Entry("mcp", "mcp", every: 3_600),
        Entry("microsoft", "GET /me"),
        Entry("minio", "s3"),
        Entry("mistral", "mistral models /models"),
        Entry("notion", "GET /users/me"),
        Entry("oauth2", "config"),
        Entry("oidc", "config"),
        Entry("openai", "openai models /models"),
        Entry("openai-compatible", "openai models /models"),
        Entry("openrouter", "GET /key"),
        Entry("postgresql", "postgresql"),
        Entry("quickbooks", "GET /companyinfo/{realm_id}"),
        Entry("rest-api", "config"),
        Entry("s3", "s3"),
        Entry("salesforce", "GET /services/data/v60.0/"),
        Entry("serpapi", "GET /account.json"),
        Entry("shopify", "POST /admin/api/2026-07/graphql.json"),
        Entry("slack", "POST /auth.test"),
        Entry("stripe", "GET /account"),
        Entry("stripe-mcp", "mcp", every: 3_600),
        Entry("tavily", "GET /usage"),
        Entry("trello", "GET /members/me?fields=id,username"),
        Entry("two-step", "config"),
        Entry("xero", "GET /connections"),
        Entry("zendesk", "GET /users/me"),
        Entry("zoho", "GET /crm/v8/users?type=CurrentUser"),
    ]

    @Test(arguments: BuiltInProbeTests.entries)
    func summary(_ entry: Entry) throws {
        let integration = try #require(BuiltInCatalog().integration(entry.id))
        let test =
            switch integration.probe {
            case .request(let test)?: "\(test.method) \(test.url)"
            case .models(let listing)?: "\(listing.shape.rawValue) models \(listing.path)"
            case .mcp?: "mcp"
            case .s3?: "s3"
            case .azureBlob?: "azure_blob"
            case .postgresql?: "postgresql"
            case .config?: "config"
            case nil: "none"
            }
        #expect(test == entry.test)
        #expect(integration.checkInterval == entry.interval)
    }

    @Test func everyIntegrationIsListed() {
        #expect(BuiltInCatalog().all().map(\.id) == Self.entries.map(\.id))
    }

    /// Below the base URL each of them: no secret goes where it did not go before there were tests.
    @Test(arguments: BuiltInProbeTests.entries)
    func noTestGoesElsewhere(_ entry: Entry) throws {
        let integration = try #require(BuiltInCatalog().integration(entry.id))
        switch integration.probe {
        case .request(let test)?:
            #expect(test.url.hasPrefix("/"))
            #expect(integration.baseURL != nil)
        case .models(let listing)?:
            #expect(listing.path.hasPrefix("/"))
            #expect(integration.baseURL != nil)
        default: break
        }
        // Whatever says where a secret goes is said by the file, too, or by its own field.
        let declared = integration.configFields.map(\.key)
        for key in integration.probe?.destinationKeys ?? [] { #expect(declared.contains(key), "\(key)") }
    }

    /// A body goes with a method that has one, and an answer is looked at.
    @Test(arguments: BuiltInProbeTests.entries)
    func requestsAreWhole(_ entry: Entry) throws {
        let integration = try #require(BuiltInCatalog().integration(entry.id))
        guard case .request(let test)? = integration.probe else { return }
        #expect(test.errorWhen == nil || test.errorCode != nil)
        // Lists that may be empty.
        #expect(test.expects != nil || ["jira", "xero"].contains(entry.id))
    }

    struct MeaningCase: CustomTestStringConvertible, Sendable {
        let id: String
        let code: String
        let meaning: TestRequest.Meaning?

        init(_ id: String, _ code: String, _ meaning: TestRequest.Meaning?) {
            self.id = id
            self.code = code
            self.meaning = meaning
        }

        var testDescription: String { "\(id) \(code)" }
    }

    @Test(arguments: [
        MeaningCase("slack", "invalid_auth", .auth), MeaningCase("slack", "token_revoked", .grant),
        MeaningCase("slack", "account_inactive", .grant), MeaningCase("slack", "missing_scope", .scope),
        MeaningCase("slack", "ratelimited", .transient), MeaningCase("slack", "channel_not_found", nil),
        MeaningCase("linear", "AUTHENTICATION_ERROR", .auth), MeaningCase("linear", "RATELIMITED", .transient),
        MeaningCase("hubspot", "MISSING_SCOPES", .scope), MeaningCase("quickbooks", "3200", .auth),
        MeaningCase("salesforce", "REQUEST_LIMIT_EXCEEDED", .transient), MeaningCase("zoho", "INVALID_TOKEN", .auth),
        MeaningCase("brave-search", "SUBSCRIPTION_TOKEN_INVALID", .auth),
        // What a good connection may lack says nothing against it.
        MeaningCase("gmail", "insufficientPermissions", .transient), MeaningCase("stripe", "403", .transient),
        MeaningCase("zoho", "OAUTH_SCOPE_MISMATCH", .transient), MeaningCase("github", "403", .transient),
        MeaningCase("gitlab", "insufficient_scope", .transient),
    ])
    func meanings(_ expected: MeaningCase) throws {
        guard case .request(let test)? = try #require(BuiltInCatalog().integration(expected.id)).probe else {
            Issue.record("is no request")
            return
        }
        #expect(test.meanings[expected.code] == expected.meaning)
    }

    struct OriginCase: CustomTestStringConvertible, Sendable {
        let id: String
        let method: String
        let config: String
        let origins: [String]

        init(_ id: String, _ method: String, _ config: String, _ origins: [String]) {
            self.id = id
            self.method = method
            self.config = config
            self.origins = origins
        }

        var testDescription: String { "\(id) \(config)" }
    }

    /// What secrets were bound to before there were tests, and what a test adds where the config names one.
    @Test(arguments: [
        OriginCase("slack", "bot_token", "{}", ["https://slack.com"]),
        OriginCase("github", "personal_access_token", "{}", ["https://api.github.com"]),
        OriginCase("anthropic", "api_key", "{}", ["https://api.anthropic.com"]),
        OriginCase("custom", "custom", "{}", []),
        OriginCase("custom", "custom", #"{"anything":["else"]}"#, []),
        OriginCase("custom", "custom", #"{"test_url":"https://Api.test/a?b"}"#, ["https://api.test"]),
        OriginCase("rest-api", "bearer", #"{"base_url":"https://api.test/v1"}"#, ["https://api.test"]),
        OriginCase(
            "rest-api", "bearer", #"{"base_url":"https://api.test/v1","test_url":"https://api.test/me"}"#,
            ["https://api.test"]),
        OriginCase(
            "rest-api", "bearer", #"{"base_url":"https://api.test/v1","test_url":"https://b.test/me"}"#,
            ["https://api.test", "https://b.test"]),
        OriginCase(
            "s3", "access_key", #"{"bucket":"b","region":"r","force_path_style":true}"#,
            [#"bucket="b""#, #"region="r""#]),
        OriginCase("postgresql", "password", #"{"host":"h","port":5432}"#, [#"host="h""#, "port=5432"]),
        OriginCase(
            "azure-blob", "sas", #"{"account":"a","container":"c","endpoint":"https://a.test"}"#,
            [#"account="a""#, #"endpoint="https://a.test""#]),
    ])
    func origins(_ expected: OriginCase) throws {
        let integration = try #require(BuiltInCatalog().integration(expected.id))
        let config = JSONObject(.literal(expected.config))
        #expect(integration.origins(config: config, method: expected.method) == expected.origins)
    }
}
