/// What an access token stands for.
struct Session: Sendable {
    let client: String
    let account: String
    let scopes: [String]
    let issued: Instant
    let expires: Instant
    /// Neither expired nor revoked, and its grant stands.
    let isLive: Bool
}

/// Looking up, and taking back.
extension Provider {
    /// `nil` for a token that was never given.
    func session(_ token: String, at now: Instant) -> Session? {
        accessNumber(token).map { number in
            let access = accessTokens[number]
            let family = families[access.family]
            return Session(
                client: family.client, account: family.account, scopes: family.granted, issued: access.issued,
                expires: access.expires, isLive: now < access.expires && !access.isRevoked && family.end == nil)
        }
    }

    /// RFC 7009: a refresh token takes its whole grant with it, an access token goes alone, an unknown one is no error.
    mutating func revoke(_ token: String) {
        if let family = family(ofRefreshToken: token) {
            if end(family: family, .revoked) { counters.revocations += 1 }
        } else if let number = accessNumber(token), !accessTokens[number].isRevoked {
            accessTokens[number].isRevoked = true
            counters.revocations += 1
        }
    }

    /// Lets a grant's access tokens expire now.
    mutating func expire(family: Int, at now: Instant) {
        for number in accessTokens.indices
        where accessTokens[number].family == family && now < accessTokens[number].expires {
            accessTokens[number].expires = now
        }
    }

    /// Whether a refresh would succeed with it.
    func isCurrent(refreshToken token: String) -> Bool {
        guard let number = mint.number(.refresh, of: token), let family = family(ofRefreshToken: token) else {
            return false
        }
        return families[family].refresh == number && families[family].end == nil
    }

    private func accessNumber(_ token: String) -> Int? {
        mint.number(.access, of: token).flatMap { accessTokens.indices.contains($0) ? $0 : nil }
    }
}
