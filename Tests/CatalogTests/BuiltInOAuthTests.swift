import Catalog
import Connections
import LosslessJSON
import Testing

/// How each built-in integration gets its tokens.
@Suite struct BuiltInOAuthTests {
    struct Entry: CustomTestStringConvertible, Sendable {
        let id: String
        let method: String
        let grant: OAuthMethod.Grant
        /// As the files have them: of issuer, authorization, token, refresh, revocation and introspection, each once.
        let hosts: [String]
        let authType: AuthType

        init(
            _ id: String, method: String = "oauth2", grant: OAuthMethod.Grant = .authorizationCode, _ hosts: [String],
            _ authType: AuthType
        ) {
            self.id = id
            self.method = method
            self.grant = grant
            self.hosts = hosts
            self.authType = authType
        }

        var testDescription: String { "\(id) \(method)" }
    }

    @Test(arguments: BuiltInOAuthTests.entries)
    func summary(_ entry: Entry) throws {
        let integration = try #require(BuiltInCatalog().integration(entry.id))
        let method = try #require(integration.authMethod(entry.method))
        let oauth = try #require(method.oauth)
        #expect(oauth.grant == entry.grant)
        #expect(method.authType == entry.authType)
        let urls = [
            oauth.issuer, oauth.authorizeURL, oauth.tokenURL, oauth.refreshURL, oauth.revokeURL, oauth.introspectURL,
        ]
        var hosts: [String] = []
        for url in urls.compactMap(\.self) {
            let host = String(url.text.trimmingPrefix("https://").prefix { $0 != "/" })
            if !hosts.contains(host) { hosts.append(host) }
        }
        #expect(hosts == entry.hosts)
        // Without this the token would be got and never sent.
        #expect(!method.placements.isEmpty)
        // Only grants that somebody consents to can rotate.
        #expect(!oauth.grant.isSelfIssued || method.authType != .oauthTokenRefreshRotation)
    }

    /// No other method has one.
    @Test func everyMethodIsListed() {
        let all = BuiltInCatalog().all().flatMap { integration in
            integration.authMethods.filter { $0.oauth != nil }.map { "\(integration.id) \($0.id)" }
        }
        #expect(all == Self.entries.map(\.testDescription))
    }

    /// A method says how its credential is sent, unless each request is signed or the protocol is another one.
    @Test func everyCredentialIsSentSomewhere() {
        let unsent = BuiltInCatalog().all().flatMap { integration in
            integration.authMethods.filter(\.placements.isEmpty).map { "\(integration.id) \($0.id)" }
        }
        #expect(
            unsent == [
                "azure-blob shared_key", "azure-blob sas", "cloudflare-r2 access_key", "custom custom",
                "custom-http none",
                "custom-webhook signing_secret", "custom-webhook none", "graphql-api none", "mcp none",
                "minio access_key", "openai-compatible none", "postgresql connection_string", "postgresql password",
                "s3 access_key",
            ])
    }

    struct CodeCase: CustomTestStringConvertible, Sendable {
        let id: String
        let method: String
        let codes: [String]

        var testDescription: String { "\(id) \(method)" }
    }

    private static let slackCodes = [
        "invalid_refresh_token=invalid_grant", "token_revoked=invalid_grant", "token_expired=invalid_grant",
        "bad_client_secret=invalid_client", "invalid_client_id=invalid_client",
    ]

    @Test(arguments: [
        CodeCase(id: "slack", method: "oauth2", codes: BuiltInOAuthTests.slackCodes),
        CodeCase(id: "slack", method: "oauth2_user", codes: BuiltInOAuthTests.slackCodes),
        CodeCase(
            id: "github", method: "oauth2",
            codes: ["bad_refresh_token=invalid_grant", "incorrect_client_credentials=invalid_client"]),
        CodeCase(id: "zoho", method: "oauth2", codes: ["invalid_code=invalid_grant"]),
        CodeCase(id: "zoho", method: "oauth2_cn", codes: ["invalid_code=invalid_grant"]),
        CodeCase(id: "airtable", method: "oauth2", codes: []),
    ])
    func codes(_ expected: CodeCase) throws {
        let method = try #require(BuiltInCatalog().integration(expected.id)?.authMethod(expected.method)?.oauth)
        #expect(method.errorCodes.map { "\($0.code)=\($0.means)" } == expected.codes)
    }

    @Test func jiraTellsADeadGrantInWords() throws {
        let method = try #require(BuiltInCatalog().integration("jira")?.authMethod("oauth2")?.oauth)
        #expect(method.goneWhen?.path == "error_description")
        #expect(method.goneWhen?.contains == "refresh_token is invalid")
    }

    struct ProvidedCase: CustomTestStringConvertible, Sendable {
        let id: String
        let keys: [String]

        var testDescription: String { id }
    }

    /// Config that comes with the tokens, so that nobody is asked for it.
    @Test(arguments: [
        ProvidedCase(id: "salesforce", keys: ["instance_url"]), ProvidedCase(id: "quickbooks", keys: ["realm_id"]),
        ProvidedCase(id: "zoho", keys: ["api_domain"]), ProvidedCase(id: "shopify", keys: []),
    ])
    func provided(_ expected: ProvidedCase) throws {
        let method = try #require(BuiltInCatalog().integration(expected.id)?.authMethod("oauth2")?.oauth)
        #expect(method.providedKeys == expected.keys)
    }

    struct IdentityCase: CustomTestStringConvertible, Sendable {
        let id: String
        /// `nil` where there is no request of its own.
        let request: String?
        let source: IdentityRequest.Source
        let paths: [String]

        init(_ id: String, _ request: String?, _ paths: [String], _ source: IdentityRequest.Source = .request) {
            self.id = id
            self.request = request
            self.paths = paths
            self.source = source
        }

        var testDescription: String { id }
    }

    @Test(arguments: BuiltInOAuthTests.identities)
    func identity(_ expected: IdentityCase) throws {
        let identity = try #require(BuiltInCatalog().integration(expected.id)?.identity)
        #expect(identity.source == expected.source)
        #expect(identity.url.map { "\(identity.method) \($0)" } == expected.request)
        #expect(identity.id == expected.paths)
        #expect(identity.label != nil)
    }

    @Test func theOthersAreToldByTheTest() {
        let told = BuiltInCatalog().all().filter { $0.identity?.source == .probe }
        #expect(told.map(\.id) == Self.toldByTheTest.keys.sorted())
        for integration in told { #expect(integration.identity?.id == Self.toldByTheTest[integration.id]) }
        let others = BuiltInCatalog().all().filter { $0.identity?.source != .probe }.map(\.id)
        #expect(others == Self.identities.map(\.id))
    }
}
