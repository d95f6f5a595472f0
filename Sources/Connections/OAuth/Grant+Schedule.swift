package import LosslessJSON

extension Grant {
    /// Takes in tokens that were obtained or entered, and schedules what comes next.
    ///
    /// - Parameter jitter: from 0 to 1, so that grants of one moment are not refreshed at one moment.
    package mutating func accept(
        _ tokens: Tokens, hasRefreshToken: Bool, method: OAuthMethod, at now: Timestamp, jitter: Double
    ) {
        state = .live
        failures = 0
        lastFailure = nil
        intent = nil
        answer = nil
        lease = nil
        accessExpiresAt = tokens.expiresAt
        self.hasRefreshToken = hasRefreshToken
        let knownEnd = refreshExpiresAt
        if tokens.refreshToken != nil || refreshExpiresAt == nil {
            refreshExpiresAt =
                hasRefreshToken
                ? tokens.refreshExpiresAt ?? method.refreshLifetime.map { now.advanced(bySeconds: Int64($0)) } : nil
        }
        // Ends are told as spans, so that one which stands moves by seconds.
        if let knownEnd, let end = refreshExpiresAt { renewsRefreshToken = end > knownEnd.advanced(bySeconds: 60) }
        if let scopes = tokens.scopes { grantedScopes = scopes }
        dueAt = nextDue(method, at: now, jitter: jitter)
        // An end that has passed already is the provider's mistake, and must not be refreshed without a pause.
        if let due = dueAt, due <= now { dueAt = now.advanced(bySeconds: 60) }
    }

    /// Tokens that somebody entered rather than a provider answered with. Whatever was under way for the ones before is void:
    /// its fence is passed.
    package mutating func enter(_ data: JSONObject, method: OAuthMethod, at now: Timestamp, jitter: Double) {
        fence += 1
        guard let tokens = Tokens(data: data) else {
            (state, accessExpiresAt, hasRefreshToken, dueAt) = (.live, nil, false, nil)
            (lease, intent, answer) = (nil, nil, nil)
            return
        }
        let isSuspended = state == .suspended
        refreshExpiresAt = nil
        accept(tokens, hasRefreshToken: tokens.refreshToken != nil, method: method, at: now, jitter: jitter)
        // What was entered may be over already, and is refreshed at once then.
        dueAt = nextDue(method, at: now, jitter: jitter)
        if kind.isSelfIssued { accessExpiresAt = now }
        // Another system may still refresh it, whatever was entered.
        if isSuspended { (state, dueAt) = (.suspended, nil) }
    }

    private func nextDue(_ method: OAuthMethod, at now: Timestamp, jitter: Double) -> Timestamp? {
        // A token that the credential alone can get again is fetched when somebody asks for it.
        if kind.isSelfIssued { return nil }
        // Nothing to refresh with: at its end the connection is told to be expired.
        guard hasRefreshToken else { return accessExpiresAt }
        let candidates = [
            accessExpiresAt.map { Self.ahead(of: $0, from: now, jitter: jitter) },
            refreshExpiresAt.map { Self.ahead(of: $0, from: now, jitter: jitter) },
            method.idleRefresh.map { now.advanced(bySeconds: Int64(Double($0) * (0.8 - 0.1 * jitter))) },
        ]
        return candidates.compactMap(\.self).min()
    }

    /// A tenth of the lifetime before the end, ten minutes at the most, and up to as much again earlier.
    private static func ahead(of end: Timestamp, from now: Timestamp, jitter: Double) -> Timestamp {
        let lifetime = Double(max(0, end.microseconds - now.microseconds))
        let margin = min(lifetime / 10, 600e6)
        return Timestamp(microseconds: end.microseconds - Int64(margin * (1 + jitter)))
    }

    /// Moved in from a system that may still refresh it: its access token is used up, and nothing is due.
    package mutating func suspend() {
        state = .suspended
        dueAt = nil
    }

    /// The other system has let go of it. What ended meanwhile is due at once.
    package mutating func activate(method: OAuthMethod, at now: Timestamp, jitter: Double) {
        state = .live
        dueAt = nextDue(method, at: now, jitter: jitter)
    }

    /// The next attempt after a failure that says nothing about the grant: from 15 seconds, doubling to half an hour.
    package mutating func postpone(_ reason: String, at now: Timestamp, jitter: Double, atLeast: Int64 = 0) {
        failures += 1
        lastFailure = reason
        lease = nil
        let seconds = min(1_800, 15 * Double(1 << min(failures - 1, 10)))
        dueAt = now.advanced(bySeconds: max(atLeast, Int64(seconds * (0.75 + 0.5 * jitter))))
    }

    /// The presented refresh token may or may not be spent. What is left of the access token is used up before anybody asks
    /// again: a provider that punishes reuse would end that, too.
    package mutating func leaveInDoubt(_ reason: String, at now: Timestamp, jitter: Double) {
        postpone(reason, at: now, jitter: jitter)
        state = .inDoubt
        if let end = accessExpiresAt, end > now { dueAt = end }
    }

    package mutating func end(_ reason: String) {
        state = .dead
        lastFailure = reason
        lease = nil
        intent = nil
        answer = nil
        dueAt = nil
    }
}
