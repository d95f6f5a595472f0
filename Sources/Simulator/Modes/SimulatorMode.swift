/// One way in which a provider behaves. Several can be combined, as `rotate_grace+lost_answer_once`.
package enum SimulatorMode: String, CaseIterable, Sendable {
    case honest
    case rotate
    case rotateGrace = "rotate_grace"
    case noRefreshToken = "no_refresh_token"
    case noExpiresIn = "no_expires_in"
    case jwt
    case mismatchedScope = "mismatched_scope"
    case wrongIssuer = "wrong_iss"
    case clockSkew = "clock_skew"
    case expiry403 = "expiry_403"
    case expiry404 = "expiry_404"
    case invalidClient = "invalid_client"
    case unauthorizedClient = "unauthorized_client"
    case invalidGrant = "invalid_grant"
    case okWithError = "ok_with_error"
    case okWithOAuthError = "ok_with_oauth_error"
    case serverError = "server_error"
    case rateLimited = "rate_limited"
    case html
    case redirectInward = "redirect_inward"
    case slow60 = "slow_60"
    case lostAnswer = "lost_answer"
    case lostAnswerOnce = "lost_answer_once"
    case huge
    case endless
    case slowDrip = "slow_drip"
    case flaky

    /// The names joined by `+`; `nil` where one of them is unknown, or there is none.
    package static func list(_ text: some StringProtocol) -> [SimulatorMode]? {
        var modes: [SimulatorMode] = []
        for name in text.split(separator: "+", omittingEmptySubsequences: false) {
            guard let mode = SimulatorMode(rawValue: String(name)) else { return nil }
            modes.append(mode)
        }
        return modes
    }

    /// One sentence for `patchbay simulate --list`.
    package var summary: String {
        switch self {
        case .honest: "Answers as RFC 6749 says; a refresh token stays the same."
        case .rotate: "Every refresh gives a new refresh token; presenting an old one kills the whole grant."
        case .rotateGrace: "Rotates too, but takes the last old token again for 30 s and answers the same successors."
        case .noRefreshToken: "A refresh answers no refresh_token, and the old one stays good."
        case .noExpiresIn: "Does not say when the access token expires, though it does."
        case .jwt: "Access tokens are JWTs with an exp."
        case .mismatchedScope: "Grants one scope fewer than was asked for."
        case .wrongIssuer: "The authorization response and the ID token name another issuer."
        case .clockSkew: "Date, exp and expires_at are off by two hours."
        case .expiry403: "A resource tells a dead access token by 403."
        case .expiry404: "A resource tells a dead access token by 404."
        case .invalidClient: "The token endpoint says that it does not know the client."
        case .unauthorizedClient: "The token endpoint says that the client may not do this."
        case .invalidGrant: "The token endpoint says that the grant is no good, whatever it is."
        case .okWithError: "The token endpoint answers 200 with {\"ok\":false,\"error\":\"internal_error\"}."
        case .okWithOAuthError: "The token endpoint answers 200 with an RFC 6749 error, invalid_grant."
        case .serverError: "Everything behind the scenes answers 503 with Retry-After."
        case .rateLimited: "Everything behind the scenes answers 429 with Retry-After."
        case .html: "Everything behind the scenes answers 200 with an HTML page."
        case .redirectInward: "Everything behind the scenes redirects to the cloud's metadata address."
        case .slow60: "The token endpoint acts at once and answers a minute later."
        case .lostAnswer: "A refresh spends the token, then the connection closes without an answer."
        case .lostAnswerOnce: "As lost_answer, but only the first time for each grant."
        case .huge: "An answer of 64 MiB, correct apart from its size."
        case .endless: "An answer that never ends."
        case .slowDrip: "A correct answer, one byte at a time."
        case .flaky: "Rotates with grace, and by the seed fails now and then in ways that pass."
        }
    }
}
