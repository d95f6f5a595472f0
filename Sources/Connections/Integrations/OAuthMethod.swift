/// How tokens are obtained, refreshed and revoked at one provider, as data: there is no code for any provider.
package struct OAuthMethod: Sendable {
    /// How the first token comes about (RFC 6749, 1.3; RFC 7523).
    package enum Grant: String, Sendable, CaseIterable {
        case authorizationCode = "authorization_code"
        case clientCredentials = "client_credentials"
        /// A signed assertion that stands for the credential.
        case jwtBearer = "jwt_bearer"
        /// A request of the provider's own making that answers with a token.
        case tokenRequest = "token_request"

        /// Whether a new access token can be had from the credential alone, at any time and without anybody's consent.
        package var isSelfIssued: Bool { self != .authorizationCode }
    }

    /// How the client shows who it is at the token endpoint (RFC 6749, 2.3).
    package enum ClientAuthentication: String, Sendable, CaseIterable {
        case basic = "client_secret_basic"
        case post = "client_secret_post"
        case none
    }

    package enum BodyFormat: String, Sendable, CaseIterable { case form, json }

    /// What to do after a crash that may have spent the refresh token.
    package enum Reuse: String, Sendable, CaseIterable {
        /// Present it once more.
        case retry
        /// The provider revokes everything on a second use, even after long: ask the user instead.
        case punish
    }

    /// Where a token answer has its members, as dotted paths.
    package struct ResponsePaths: Sendable {
        package var accessToken = "access_token"
        package var refreshToken = "refresh_token"
        package var tokenType = "token_type"
        package var expiresIn = "expires_in"
        /// A moment instead of a lifetime: RFC 3339 or seconds since 1970.
        package var expiresAt = "expires_at"
        package var refreshExpiresIn = "refresh_token_expires_in"
        package var scope = "scope"
        package var error = "error"

        package init() {}
    }

    /// A success by HTTP that says in its body that it is none.
    package struct ErrorCondition: Sendable {
        package let path: String
        /// As it is written in JSON, without quotes.
        package let equals: String

        package init(path: String, equals: String) {
            self.path = path
            self.equals = equals
        }
    }

    package struct Revocation: Sendable {
        package enum Token: String, Sendable, CaseIterable {
            case refreshToken = "refresh_token"
            case accessToken = "access_token"
        }
        package enum Authentication: String, Sendable, CaseIterable { case client, bearer, none }

        package var token: Token = .refreshToken
        package var authentication: Authentication = .client
        package var method = "POST"
        package var format: BodyFormat = .form
        package var parameter = "token"

        package init() {}
    }

    /// What a revocation takes with it.
    package enum RevocationReach: String, Sendable, CaseIterable {
        /// The token that is named, and what was made from it.
        case token
        /// Everything that the client was given for the account, another connection's tokens too.
        case grant
    }

    /// A signed statement that is exchanged for a token.
    package struct Assertion: Sendable {
        package enum Algorithm: String, Sendable, CaseIterable {
            case rs256 = "RS256"
            case es256 = "ES256"
            case hs256 = "HS256"
        }
        package enum Use: String, Sendable, CaseIterable {
            /// In the body, by RFC 7523.
            case assertion
            /// In the Authorization header of the token request.
            case bearer
        }

        package let algorithm: Algorithm
        /// Templates over the credential's fields and the config.
        package let key: String
        package let keyID: String?
        package let issuer: String
        package let subject: String?
        package let audience: String?
        package let claims: [(name: String, value: String)]
        /// Seconds.
        package let lifetime: Int
        package let use: Use

        package init(
            algorithm: Algorithm, key: String, keyID: String?, issuer: String, subject: String?, audience: String?,
            claims: [(name: String, value: String)], lifetime: Int, use: Use
        ) {
            self.algorithm = algorithm
            self.key = key
            self.keyID = keyID
            self.issuer = issuer
            self.subject = subject
            self.audience = audience
            self.claims = claims
            self.lifetime = lifetime
            self.use = use
        }
    }

    /// The body and the headers of a token request of the provider's own making, as templates.
    package struct RequestTemplate: Sendable {
        package let method: String
        package let format: BodyFormat
        package let headers: [(name: String, value: String)]
        package let body: [(name: String, value: String)]

        package init(
            method: String, format: BodyFormat, headers: [(name: String, value: String)],
            body: [(name: String, value: String)]
        ) {
            self.method = method
            self.format = format
            self.headers = headers
            self.body = body
        }
    }

    package var grant = Grant.authorizationCode
    /// Where the endpoints are looked up (RFC 8414, OpenID Connect Discovery) unless they are given here.
    package var issuer: URLTemplate?
    package var authorizeURL: URLTemplate?
    package var tokenURL: URLTemplate?
    /// Where it differs from the token URL.
    package var refreshURL: URLTemplate?
    package var revokeURL: URLTemplate?
    package var introspectURL: URLTemplate?
    package var scopes: [String] = []
    package var scopeSeparator = " "
    package var scopeParameter = "scope"
    package var clientAuthentication = ClientAuthentication.post
    /// Off only where the provider breaks on it.
    package var usesPKCE = true
    package var tokenFormat = BodyFormat.form
    package var authorizeParameters: [(name: String, value: String)] = []
    package var tokenParameters: [(name: String, value: String)] = []
    package var tokenHeaders: [(name: String, value: String)] = []
    package var response = ResponsePaths()
    package var errorCondition: ErrorCondition?
    /// The provider's own codes and what RFC 6749 calls them.
    package var errorCodes: [(code: String, means: String)] = []
    /// A refusal that means a dead grant although its code says otherwise, by a part of a member's text.
    package var goneWhen: (path: String, contains: String)?
    /// Seconds that an access token lives when the answer does not say; `nil` where it does not expire.
    package var lifetime: Int?
    /// Seconds that a refresh token lives when the answer does not say.
    package var refreshLifetime: Int?
    /// Seconds after which an unused grant ends at the provider, so that it is refreshed at least that often.
    package var idleRefresh: Int?
    package var reuse = Reuse.retry
    /// Config values that the token answer gives, by config key: paths.
    package var keep: [(key: String, path: String)] = []
    /// Config values that the callback's query gives, by config key: parameter names.
    package var callbackKeep: [(key: String, parameter: String)] = []
    package var revocation = Revocation()
    package var revocationEnds = RevocationReach.grant
    /// Registrable domains, beside the issuer's own, that endpoints found by discovery may be of.
    package var endpointDomains: [String] = []
    package var assertion: Assertion?
    package var request: RequestTemplate?

    package init() {}

    /// Config that nobody enters, since the provider gives it.
    package var providedKeys: [String] { keep.map(\.key) + callbackKeep.map(\.key) }

    /// Every place that the grant's secrets go to.
    package var endpoints: [URLTemplate] { requiredEndpoints + optionalEndpoints }

    /// Config that is a whole endpoint. Where a client's secret goes there, only the client's owner may say it.
    package var wholeURLKeys: [String] {
        (endpoints + [authorizeURL].compactMap(\.self)).filter(\.isWholeURL).flatMap(\.variables)
    }

    package var requiredEndpoints: [URLTemplate] { [issuer, tokenURL].compactMap(\.self) }

    /// Those that a config may leave out.
    package var optionalEndpoints: [URLTemplate] { [refreshURL, revokeURL, introspectURL].compactMap(\.self) }
}

/// How a credential goes into a request. Values are templates over the credential's fields.
package enum SecretPlacement: Sendable {
    case header(name: String, value: String)
    case query(name: String, value: String)
    case basic(username: String, password: String)
}

/// How to learn whose account a credential belongs to.
package struct IdentityRequest: Sendable {
    package enum Source: String, Sendable, CaseIterable {
        /// A request of its own.
        case request
        /// The claims of the ID token that came with the tokens (OpenID Connect).
        case idToken = "id_token"
        case tokenResponse = "token_response"
        /// What a test finds out beside its verdict: an answer's members where the test is a request, else what the protocol
        /// tells. There is none before the first test.
        case probe = "test"
    }

    package let source: Source
    /// A path under the base URL, or a whole https URL.
    package let url: String?
    package let method: String
    package let headers: [(name: String, value: String)]
    package let body: String?
    /// Dotted paths. Several are joined, since a subject may be unique within a team only. Empty only with a test that tells by
    /// itself, or not at all.
    package let id: [String]
    package let label: String?

    package init(
        source: Source, url: String?, method: String, headers: [(name: String, value: String)], body: String?,
        id: [String], label: String?
    ) {
        self.source = source
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
        self.id = id
        self.label = label
    }
}

/// Fills `{name}` in a text from values; `nil` while one is missing. Values go in as they are: whoever sends the result
/// escapes it for the place that it goes to.
package func fillTemplate(_ template: String, from value: (String) -> String?) -> String? {
    var filled = ""
    var rest = template[...]
    while let open = rest.firstIndex(of: "{") {
        guard let close = rest[open...].firstIndex(of: "}") else { break }
        filled += rest[..<open]
        guard let found = value(String(rest[rest.index(after: open)..<close])) else { return nil }
        filled += found
        rest = rest[rest.index(after: close)...]
    }
    return filled + rest
}
