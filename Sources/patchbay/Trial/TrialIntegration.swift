import Catalog
import Connections
import LosslessJSON

/// An integration with its provider's addresses replaced by the simulator's. Everything else that its file says of OAuth stays.
struct TrialIntegration: Sendable {
    let integration: Integration
    let method: AuthMethod
    let oauth: OAuthMethod
    /// What the file says and the simulator has no answer to.
    let notChecked: [(what: String, why: String)]

    /// - Parameter original: a method that sends people to a provider, or one with a client's own credentials.
    init(_ integration: Integration, _ original: AuthMethod, _ oauth: OAuthMethod) throws {
        var oauth = oauth
        var notChecked: [(what: String, why: String)] = []
        if !oauth.response.isStandard {
            notChecked.append(("response", "the simulator's answers have the names of RFC 6749, 5.1"))
            oauth.response = OAuthMethod.ResponsePaths()
        }
        let kept = oauth.providedKeys
        if !kept.isEmpty {
            notChecked.append(("keep", "the simulator's answers have no \(kept.joined(separator: ", "))"))
        }
        oauth.authorizeURL = try oauth.authorizeURL.map { _ in try URLTemplate("{simulator_authorize_url}") }
        oauth.tokenURL = try oauth.tokenURL.map { _ in try URLTemplate("{simulator_token_url}") }
        oauth.refreshURL = try oauth.refreshURL.map { _ in try URLTemplate("{simulator_token_url}") }
        oauth.revokeURL = try oauth.revokeURL.map { _ in try URLTemplate("{simulator_revoke_url}") }
        oauth.introspectURL = try oauth.introspectURL.map { _ in try URLTemplate("{simulator_introspect_url}") }
        oauth.issuer = try oauth.issuer.map { _ in try URLTemplate("{simulator_issuer}") }
        let method = AuthMethod(
            id: original.id, name: original.name, scheme: original.scheme, authType: original.authType,
            description: original.description, fields: original.fields.map(\.takingAnyToken),
            placements: original.placements, oauth: oauth)
        self.method = method
        self.oauth = oauth
        self.notChecked = notChecked
        // Without a base URL and an identity request, nothing but the simulator is asked.
        self.integration = Integration(
            id: integration.id, name: integration.name, type: integration.type, category: integration.category,
            description: integration.description, docsURL: integration.docsURL, baseURL: nil, destinationKeys: [],
            authMethods: [method], configFields: [])
    }

    /// What fills the addresses, with the modes that the simulator is to behave by.
    static func config(simulator: String, modes: String) -> JSONObject {
        let issuer = "\(simulator)/m/\(modes)"
        var config = JSONObject()
        config["simulator_issuer"] = JSONText(issuer)
        for endpoint in ["authorize", "token", "revoke", "introspect"] {
            config["simulator_\(endpoint)_url"] = JSONText("\(issuer)/\(endpoint)")
        }
        return config
    }
}

/// A catalog of one, which takes any config: what a person would enter there plays no part.
struct TrialCatalog: IntegrationCatalog {
    let integration: Integration

    func integration(_ id: String, in _: WorkspaceID) -> Integration? { id == integration.id ? integration : nil }

    func all(in _: WorkspaceID) -> [Integration] { [integration] }

    func problems(config _: JSONObject, of _: Integration) -> [FieldProblem] { [] }
}

extension Field {
    /// The simulator's tokens do not look like the provider's.
    fileprivate var takingAnyToken: Field {
        guard Tokens.keys.contains(key) else { return self }
        return Field(key: key, label: label, kind: .text, isRequired: isRequired, isSecure: isSecure)
    }
}

extension OAuthMethod.ResponsePaths {
    fileprivate var isStandard: Bool {
        let standard = OAuthMethod.ResponsePaths()
        return [
            accessToken == standard.accessToken, refreshToken == standard.refreshToken, tokenType == standard.tokenType,
            expiresIn == standard.expiresIn, expiresAt == standard.expiresAt,
            refreshExpiresIn == standard.refreshExpiresIn, scope == standard.scope, error == standard.error,
        ].allSatisfy(\.self)
    }
}
