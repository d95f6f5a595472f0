/// What a client shows for itself.
struct ClientCredentials: Sendable {
    let id: String
    let secret: String?
}

/// A request to the token endpoint, read and not yet judged.
struct TokenRequest: Sendable {
    enum Grant: Sendable {
        case authorizationCode(code: String, redirectURI: String?, verifierDigest: String?)
        case refreshToken(String)
        case clientCredentials
        /// Whose it is, by the assertion's claims; `nil` when it is no JWT.
        case jwtBearer(Assertion?)
        /// A parameter is missing.
        case incomplete
        case unsupported
    }

    struct Assertion: Sendable {
        let issuer: String
        let subject: String
        let scopes: [String]
    }

    let grant: Grant
    let credentials: ClientCredentials?
    let scopes: [String]

    var isRefresh: Bool {
        if case .refreshToken = grant { true } else { false }
    }
}

/// What becomes of one.
enum TokenVerdict: Sendable {
    /// Everything went as it should, as far as the provider's books go.
    case tokens(IssuedTokens)
    /// So it did, but the answer must not arrive.
    case lost
    case refused(OAuthError)
    case misbehaved(Behaviour.Refusal)
    case outage(Behaviour.Outage)
}
