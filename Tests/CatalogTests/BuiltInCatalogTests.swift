import Catalog
import Connections
import Foundation
import LosslessJSON
import TestSupport
import Testing

@Suite struct BuiltInCatalogTests {
    /// What is in the binary, in the catalog's order, the default method first.
    struct Entry: CustomTestStringConvertible, Sendable {
        let id: String
        let type: IntegrationType
        let methods: [String]

        var testDescription: String { id }
    }

    static let entries: [Entry] = [
        Entry(id: "airtable", type: .connectors, methods: ["access_token", "oauth2"]),
        Entry(id: "anthropic", type: .model, methods: ["api_key"]),
        Entry(id: "apify", type: .tool, methods: ["api_token"]),
        Entry(id: "asana", type: .connectors, methods: ["personal_access_token"]),
        Entry(id: "azure-blob", type: .storage, methods: ["shared_key", "sas"]),
        Entry(id: "brave-search", type: .tool, methods: ["api_key"]),
        Entry(id: "client-credentials", type: .api, methods: ["oauth2", "oauth2_post"]),
        Entry(id: "cloudflare-r2", type: .storage, methods: ["access_key"]),
        Entry(id: "custom", type: .custom, methods: ["custom"]),
        Entry(id: "custom-http", type: .custom, methods: ["bearer", "header", "basic", "none"]),
        Entry(id: "custom-webhook", type: .custom, methods: ["signing_secret", "none"]),
        Entry(id: "discord", type: .connectors, methods: ["bot_token"]),
        Entry(id: "firecrawl", type: .tool, methods: ["api_key"]),
        Entry(id: "github", type: .connectors, methods: ["personal_access_token", "oauth2"]),
        Entry(id: "github-app", type: .connectors, methods: ["private_key"]),
        Entry(id: "github-mcp", type: .mcp, methods: ["bearer"]),
        Entry(id: "gitlab", type: .connectors, methods: ["access_token"]),
        Entry(id: "gmail", type: .connectors, methods: ["oauth2"]),
        Entry(id: "google-drive", type: .connectors, methods: ["oauth2"]),
        Entry(id: "google-service-account", type: .connectors, methods: ["private_key"]),
        Entry(id: "graphql-api", type: .api, methods: ["bearer", "header", "none"]),
        Entry(id: "groq", type: .model, methods: ["api_key"]),
        Entry(id: "hubspot", type: .connectors, methods: ["access_token", "oauth2"]),
        Entry(id: "intercom", type: .connectors, methods: ["access_token"]),
        Entry(id: "jira", type: .connectors, methods: ["oauth2"]),
        Entry(id: "linear", type: .connectors, methods: ["api_key", "oauth2"]),
        Entry(id: "linear-mcp", type: .mcp, methods: ["bearer"]),
        Entry(id: "mcp", type: .mcp, methods: ["bearer", "header", "none"]),
        Entry(id: "microsoft", type: .connectors, methods: ["oauth2"]),
        Entry(id: "minio", type: .storage, methods: ["access_key"]),
        Entry(id: "mistral", type: .model, methods: ["api_key"]),
        Entry(id: "notion", type: .connectors, methods: ["access_token", "oauth2"]),
        Entry(id: "oauth2", type: .api, methods: ["oauth2"]),
        Entry(id: "oidc", type: .api, methods: ["oauth2"]),
        Entry(id: "openai", type: .model, methods: ["api_key"]),
        Entry(id: "openai-compatible", type: .model, methods: ["api_key", "none"]),
        Entry(id: "openrouter", type: .model, methods: ["api_key"]),
        Entry(id: "postgresql", type: .storage, methods: ["connection_string", "password"]),
        Entry(id: "quickbooks", type: .connectors, methods: ["oauth2"]),
        Entry(id: "rest-api", type: .api, methods: ["api_key", "bearer", "basic"]),
        Entry(id: "s3", type: .storage, methods: ["access_key"]),
        Entry(id: "salesforce", type: .connectors, methods: ["oauth2"]),
        Entry(id: "serpapi", type: .tool, methods: ["api_key"]),
        Entry(id: "shopify", type: .connectors, methods: ["admin_access_token", "oauth2", "oauth2_permanent"]),
        Entry(id: "slack", type: .connectors, methods: ["bot_token", "oauth2", "oauth2_user"]),
        Entry(id: "stripe", type: .connectors, methods: ["api_key"]),
        Entry(id: "stripe-mcp", type: .mcp, methods: ["bearer"]),
        Entry(id: "tavily", type: .tool, methods: ["api_key"]),
        Entry(id: "trello", type: .connectors, methods: ["token"]),
        Entry(id: "two-step", type: .api, methods: ["json", "form"]),
        Entry(id: "xero", type: .connectors, methods: ["oauth2"]),
        Entry(id: "zendesk", type: .connectors, methods: ["api_token", "oauth2"]),
        Entry(
            id: "zoho", type: .connectors,
            methods: [
                "oauth2", "oauth2_eu", "oauth2_in", "oauth2_au", "oauth2_jp", "oauth2_ca", "oauth2_sa", "oauth2_uk",
                "oauth2_cn",
            ]),
    ]

    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Sources/Catalog/Integrations")

    @Test func everyFileOfTheFolderIsInTheBinary() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(names.sorted() == BuiltInCatalog.files.map { "\($0.id).yaml" }.sorted())
    }

    @Test(arguments: BuiltInCatalogTests.entries)
    func parses(_ entry: Entry) throws {
        let text = try #require(BuiltInCatalog.files.first { $0.id == entry.id }?.text)
        #expect(try Data(contentsOf: Self.folder.appendingPathComponent("\(entry.id).yaml")) == Data(text))
        let parsed = try CatalogFile.parse(String(decoding: text, as: UTF8.self), file: "\(entry.id).yaml")
        #expect(parsed.id == entry.id)

        let integration = try #require(BuiltInCatalog().integration(entry.id))
        #expect(integration.id == entry.id)
        #expect(integration.type == entry.type)
        #expect(integration.authMethods.map(\.id) == entry.methods)
        #expect(integration.authMethod(nil)?.id == entry.methods.first)
        for method in entry.methods { #expect(integration.authMethod(method)?.id == method) }
        #expect(integration.authMethod("no-such-method")?.id == nil)
    }

    @Test func allOfThem() {
        let all = BuiltInCatalog().all()
        #expect(all.map(\.id) == Self.entries.map(\.id))
        #expect(all.map(\.id) == all.map(\.id).sorted())
        #expect(all.allSatisfy { !$0.isWorkspaceDefined })
        #expect(Set(all.map(\.type)) == Set(IntegrationType.allCases))
    }

    @Test func thereAreManyOfThem() {
        let all = BuiltInCatalog().all()
        #expect(all.count >= 40)
        for type in IntegrationType.allCases { #expect(all.filter { $0.type == type }.count >= 3, "\(type.rawValue)") }
    }

    @Test(arguments: BuiltInCatalogTests.entries)
    func hasATestAndAnIdentity(_ entry: Entry) throws {
        let integration = try #require(BuiltInCatalog().integration(entry.id))
        #expect(integration.probe != nil)
        #expect(integration.identity != nil)
    }

    @Test func whatIsNotInItIsOnlyTakenAsCustom() {
        let catalog = BuiltInCatalog()
        for name in ["", "Slack", "slack ", "slack.yaml", "../slack", "unheard-of"] {
            #expect(catalog.integration(name)?.id == nil)
            #expect(catalog.integration(name, type: .connectors, in: .numbered(1))?.id == nil)
            #expect(catalog.integration(name, type: .custom, in: .numbered(1))?.id == name)
            #expect(catalog.integration(name, type: .custom, in: .numbered(1))?.authMethod(nil)?.isFreeForm == true)
            #expect(catalog.integration(name, type: .custom, in: .numbered(1))?.probe != nil)
        }
        // A known name stays what it is, so that the service can refuse another type.
        #expect(catalog.integration("slack", type: .custom, in: .numbered(1))?.type == .connectors)
    }

    /// With nothing entered, every required field is told of, by its label, and nothing else.
    @Test(arguments: BuiltInCatalogTests.entries)
    func requiredFields(_ entry: Entry) throws {
        let catalog = BuiltInCatalog()
        let integration = try #require(catalog.integration(entry.id))
        for method in integration.authMethods {
            let required = method.fields.filter { $0.isRequired && $0.defaultValue == nil }
            let problems = catalog.problems(credentials: JSONObject(), method: method)
            #expect(problems.map(\.message) == Self.complaints(required))
        }
        let required = integration.configFields.filter { $0.isRequired && $0.defaultValue == nil }
        let problems = catalog.problems(config: JSONObject(), of: integration)
        #expect(problems.map(\.message) == Self.complaints(required))
    }

    private static func complaints(_ required: [Field]) -> [String] {
        required.map { "Field '\($0.label)' is required" }
    }

    /// A default that the field itself would refuse could never be used.
    @Test(arguments: BuiltInCatalogTests.entries)
    func defaultsFitTheirFields(_ entry: Entry) throws {
        let catalog = BuiltInCatalog()
        let integration = try #require(catalog.integration(entry.id))
        for method in integration.authMethods {
            for field in method.fields {
                guard let text = field.defaultValue else { continue }
                var data = JSONObject()
                data[field.key] = try JSONSlice(parsing: Array(text.utf8)).canonical
                let problems = catalog.problems(credentials: data, method: method)
                #expect(!problems.contains { $0.key == field.key }, "\(method.id).\(field.key)")
            }
        }
    }

    @Test func secretsAreSecretUnlessTheFileSaysOtherwise() throws {
        let slack = try #require(BuiltInCatalog().integration("slack"))
        #expect(slack.secureConfigKeys == ["signing_secret"])
        #expect(slack.authMethod("oauth2")?.fields.filter { !$0.isSecure }.map(\.key) == ["token_type", "expires_at"])
        let postgresql = try #require(BuiltInCatalog().integration("postgresql"))
        #expect(postgresql.destinationKeys == ["host", "port"])
        #expect(postgresql.secureConfigKeys.isEmpty)
    }
}
