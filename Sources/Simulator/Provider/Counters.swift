/// What became of a request to the token endpoint. Every one has exactly one.
enum Outcome: String, CaseIterable, Sendable {
    case exchanged
    case refreshed
    /// An old refresh token was taken again within the grace.
    case forgiven
    case clientCredentials = "client_credentials"
    case jwtBearer = "jwt_bearer"
    /// Tokens were spent and made, and nobody was told.
    case answerLost = "answer_lost"
    case reuseDetected = "reuse_detected"
    case invalidRequest = "invalid_request"
    case invalidClient = "invalid_client"
    case invalidGrant = "invalid_grant"
    case unauthorizedClient = "unauthorized_client"
    case unsupportedGrantType = "unsupported_grant_type"
    case okWithError = "ok_with_error"
    case html
    case redirected
    case serverError = "server_error"
    case rateLimited = "rate_limited"
}

/// What the provider saw, for tests that prove a negative: that no refresh token was presented twice, say.
struct Counters: Sendable {
    var grantsIssued = 0
    var liveGrants = 0
    /// Requests with grant_type=refresh_token, whatever became of them.
    var refreshesSeen = 0
    /// Presentations of a refresh token that had been spent.
    var replays = 0
    var familiesKilled = 0
    /// Requests to the revocation endpoint that found a live token.
    var revocations = 0
    private(set) var outcomes: [Outcome: Int] = [:]

    mutating func count(_ outcome: Outcome) { outcomes[outcome, default: 0] += 1 }
}
