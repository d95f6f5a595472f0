/// A kind of thing one can connect to, as data.
package struct Integration: Sendable {
    package let id: String
    package let name: String
    package let type: IntegrationType
    package let category: String
    package let description: String
    package let docsURL: String
    package let baseURL: URLTemplate?
    /// Config keys that say where secrets go, besides the base URL's own.
    package let destinationKeys: [String]
    /// The first is the default. Never empty.
    package let authMethods: [AuthMethod]
    package let configFields: [Field]
    /// How to learn whose account it is; `nil` where the provider does not tell.
    package let identity: IdentityRequest?
    /// How a connection is tested; `nil` where there is nothing to test against.
    package let probe: IntegrationProbe?
    /// In seconds, how often a connection is looked at again; `nil` for never. A connection may say otherwise.
    package let checkInterval: Int?
    /// Written by a workspace rather than built in: then a secret is bound to how it is sent, too.
    package let isWorkspaceDefined: Bool

    package init(
        id: String, name: String, type: IntegrationType, category: String, description: String, docsURL: String,
        baseURL: URLTemplate?, destinationKeys: [String], authMethods: [AuthMethod], configFields: [Field],
        identity: IdentityRequest? = nil, probe: IntegrationProbe? = nil, checkInterval: Int? = nil,
        isWorkspaceDefined: Bool = false
    ) {
        self.id = id
        self.name = name
        self.type = type
        self.category = category
        self.description = description
        self.docsURL = docsURL
        self.baseURL = baseURL
        self.destinationKeys = destinationKeys
        self.authMethods = authMethods
        self.configFields = configFields
        self.identity = identity
        self.probe = probe
        self.checkInterval = checkInterval
        self.isWorkspaceDefined = isWorkspaceDefined
        secureConfigKeys = configFields.filter(\.isSecure).map(\.key)
    }

    /// Config keys whose values are sealed.
    package let secureConfigKeys: [String]

    package func authMethod(_ id: String?) -> AuthMethod? {
        guard let id else { return authMethods.first }
        return authMethods.first { $0.id == id }
    }
}

/// One way to authenticate to an integration.
package struct AuthMethod: Sendable {
    /// How the secret is used, as requirements show it.
    package enum Scheme: String, Sendable, CaseIterable {
        case bearer, basic, oauth2, none, custom
        case apiKey = "api_key"
        case accessKey = "access_key"
        case connectionString = "connection_string"
    }

    package let id: String
    package let name: String
    package let scheme: Scheme
    package let authType: AuthType
    package let description: String
    package let fields: [Field]
    /// How the credential goes into a request.
    package let placements: [SecretPlacement]
    /// How its tokens are obtained, where it has any.
    package let oauth: OAuthMethod?

    package init(
        id: String, name: String, scheme: Scheme, authType: AuthType, description: String, fields: [Field],
        placements: [SecretPlacement] = [], oauth: OAuthMethod? = nil
    ) {
        self.id = id
        self.name = name
        self.scheme = scheme
        self.authType = authType
        self.description = description
        self.fields = fields
        self.placements = placements
        self.oauth = oauth
    }

    /// Takes any keys, all of them secret.
    package var isFreeForm: Bool { scheme == .custom }

    /// Whether a credential for it can hold anything.
    package var takesCredentials: Bool { isFreeForm || !fields.isEmpty }
}

/// One value that a person fills in.
package struct Field: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case text, password, email, url, number, integer, boolean, select
    }

    package let key: String
    package let label: String
    package let kind: Kind
    package let isRequired: Bool
    package let isSecure: Bool
    package let help: String?
    package let placeholder: String?
    /// As JSON text.
    package let defaultValue: String?
    package let minLength: Int?
    package let maxLength: Int?
    /// The whole value must match.
    package let pattern: String?
    package let options: [String]

    package init(
        key: String, label: String, kind: Kind, isRequired: Bool = false, isSecure: Bool, help: String? = nil,
        placeholder: String? = nil, defaultValue: String? = nil, minLength: Int? = nil, maxLength: Int? = nil,
        pattern: String? = nil, options: [String] = []
    ) {
        self.key = key
        self.label = label
        self.kind = kind
        self.isRequired = isRequired
        self.isSecure = isSecure
        self.help = help
        self.placeholder = placeholder
        self.defaultValue = defaultValue
        self.minLength = minLength
        self.maxLength = maxLength
        self.pattern = pattern
        self.options = options
    }
}
