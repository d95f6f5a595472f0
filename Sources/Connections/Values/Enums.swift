/// The contract's closed lists of words, in the contract's order.
package enum IntegrationType: String, Sendable, CaseIterable {
    case connectors, mcp, tool, model, custom, storage, api
}

package enum ConnectionStatus: String, Sendable, CaseIterable {
    case active, inactive, testing, error, expired
}

package enum AuthType: String, Sendable, CaseIterable {
    case apiKey = "api_key"
    case oauthToken = "oauth_token"
    case oauthTokenRefresh = "oauth_token_refresh"
    case oauthTokenRefreshRotation = "oauth_token_refresh_rotation"
    case basicAuth = "basic_auth"
    case accessToken = "access_token"
    case accessTokenRefresh = "access_token_refresh"
    case publicKeySecret = "public_key_secret"
    case connectionString = "connection_string"
    case custom
}

package enum CredentialType: String, Sendable, CaseIterable {
    case integration, llm, storage
    case vectorStore = "vector_store"
    case authProvider = "auth_provider"
    case custom
}

/// Whether a credential or a key may be used.
package enum Availability: String, Sendable, CaseIterable {
    case active, inactive
}
