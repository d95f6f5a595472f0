/// An error answer of RFC 6749, 5.2.
struct OAuthError: Error, Sendable {
    enum Code: String {
        case invalidRequest = "invalid_request"
        case invalidClient = "invalid_client"
        case invalidGrant = "invalid_grant"
        case unauthorizedClient = "unauthorized_client"
        case unsupportedGrantType = "unsupported_grant_type"
        case unsupportedResponseType = "unsupported_response_type"
        case accessDenied = "access_denied"
    }

    let code: Code
    let detail: String
    /// How it is counted.
    let outcome: Outcome

    init(_ code: Code, _ detail: String, outcome: Outcome? = nil) {
        self.code = code
        self.detail = detail
        self.outcome = outcome ?? Outcome(rawValue: code.rawValue) ?? .invalidRequest
    }
}
