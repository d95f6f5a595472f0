package import Connections
import Synchronization

/// The integrations that are compiled into the binary. Each file is read when it is first asked for, so that the
/// start does not wait for YAML.
package final class BuiltInCatalog: IntegrationCatalog {
    /// Every file of `Integrations/`; a test compares it with the folder.
    package static let files: [(id: String, text: [UInt8])] = [
        ("airtable", PackageResources.airtable_yaml),
        ("anthropic", PackageResources.anthropic_yaml),
        ("apify", PackageResources.apify_yaml),
        ("asana", PackageResources.asana_yaml),
        ("azure-blob", PackageResources.azure_blob_yaml),
        ("brave-search", PackageResources.brave_search_yaml),
        ("client-credentials", PackageResources.client_credentials_yaml),
        ("cloudflare-r2", PackageResources.cloudflare_r2_yaml),
        ("custom", PackageResources.custom_yaml),
        ("custom-http", PackageResources.custom_http_yaml),
        ("custom-webhook", PackageResources.custom_webhook_yaml),
        ("discord", PackageResources.discord_yaml),
        ("firecrawl", PackageResources.firecrawl_yaml),
        ("github", PackageResources.github_yaml),
        ("github-app", PackageResources.github_app_yaml),
        ("github-mcp", PackageResources.github_mcp_yaml),
        ("gitlab", PackageResources.gitlab_yaml),
        ("gmail", PackageResources.gmail_yaml),
        ("google-drive", PackageResources.google_drive_yaml),
        ("google-service-account", PackageResources.google_service_account_yaml),
        ("graphql-api", PackageResources.graphql_api_yaml),
        ("groq", PackageResources.groq_yaml),
        ("hubspot", PackageResources.hubspot_yaml),
        ("intercom", PackageResources.intercom_yaml),
        ("jira", PackageResources.jira_yaml),
        ("linear", PackageResources.linear_yaml),
        ("linear-mcp", PackageResources.linear_mcp_yaml),
        ("mcp", PackageResources.mcp_yaml),
        ("microsoft", PackageResources.microsoft_yaml),
        ("minio", PackageResources.minio_yaml),
        ("mistral", PackageResources.mistral_yaml),
        ("notion", PackageResources.notion_yaml),
        ("oauth2", PackageResources.oauth2_yaml),
        ("oidc", PackageResources.oidc_yaml),
        ("openai", PackageResources.openai_yaml),
        ("openai-compatible", PackageResources.openai_compatible_yaml),
        ("openrouter", PackageResources.openrouter_yaml),
        ("postgresql", PackageResources.postgresql_yaml),
        ("quickbooks", PackageResources.quickbooks_yaml),
        ("rest-api", PackageResources.rest_api_yaml),
        ("s3", PackageResources.s3_yaml),
        ("salesforce", PackageResources.salesforce_yaml),
        ("serpapi", PackageResources.serpapi_yaml),
        ("shopify", PackageResources.shopify_yaml),
        ("slack", PackageResources.slack_yaml),
        ("stripe", PackageResources.stripe_yaml),
        ("stripe-mcp", PackageResources.stripe_mcp_yaml),
        ("tavily", PackageResources.tavily_yaml),
        ("trello", PackageResources.trello_yaml),
        ("two-step", PackageResources.two_step_yaml),
        ("xero", PackageResources.xero_yaml),
        ("zendesk", PackageResources.zendesk_yaml),
        ("zoho", PackageResources.zoho_yaml),
    ]

    private static let texts = Dictionary(uniqueKeysWithValues: files.map { ($0.id, $0.text) })

    private let parsed = Mutex<[String: Integration]>([:])

    package init() {}

    package func integration(_ id: String) -> Integration? {
        if let known = parsed.withLock({ $0[id] }) { return known }
        // A file that does not parse cannot be released: a test parses them all.
        guard let text = Self.texts[id],
            let integration = try? CatalogFile.parse(String(decoding: text, as: UTF8.self), file: "\(id).yaml")
        else { return nil }
        parsed.withLock { $0[id] = integration }
        return integration
    }

    package func integration(_ id: String, in _: WorkspaceID) -> Integration? { integration(id) }

    package func all(in _: WorkspaceID) -> [Integration] { all() }

    package func all() -> [Integration] {
        Self.files.compactMap { integration($0.id) }
    }
}
