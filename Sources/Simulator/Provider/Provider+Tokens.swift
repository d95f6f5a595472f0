/// The token endpoint's decisions.
extension Provider {
    mutating func answer(
        _ request: TokenRequest, under behaviour: Behaviour, at now: Instant
    ) -> TokenVerdict {
        if request.isRefresh { counters.refreshesSeen += 1 }
        if let outage = behaviour.outage {
            counters.count(outage.outcome)
            return .outage(outage)
        }
        if let refusal = behaviour.refusal {
            counters.count(refusal.outcome)
            return .misbehaved(refusal)
        }
        do {
            let (issued, outcome) = try grant(request, under: behaviour, at: now)
            var tokens = issued
            if request.isRefresh, let loss = behaviour.losesAnswers, families[tokens.family].losesAnswer(loss) {
                counters.count(.answerLost)
                return .lost
            }
            if request.isRefresh, behaviour.omitsRefreshToken { tokens.refreshToken = nil }
            counters.count(outcome)
            return .tokens(tokens)
        } catch {
            counters.count(error.outcome)
            return .refused(error)
        }
    }

    private mutating func grant(
        _ request: TokenRequest, under behaviour: Behaviour, at now: Instant
    ) throws(OAuthError) -> (IssuedTokens, Outcome) {
        switch request.grant {
        case .authorizationCode(let code, let redirectURI, let digest):
            let client = try authenticate(request.credentials)
            let tokens = try exchange(
                code, client: client, redirectURI: redirectURI, digest: digest, under: behaviour, at: now)
            return (tokens, .exchanged)
        case .refreshToken(let token):
            let client = try authenticate(request.credentials)
            return try refresh(token, client: client, under: behaviour, at: now)
        case .clientCredentials:
            let client = try authenticate(request.credentials)
            guard !isPublic(client) else {
                throw OAuthError(.unauthorizedClient, "A public client has no credentials of its own")
            }
            let grant = NewGrant(
                client: client, account: client, asked: request.scopes, granted: behaviour.granted(request.scopes),
                isRefreshable: false)
            return (open(grant, at: now), .clientCredentials)
        case .jwtBearer(let assertion):
            guard let assertion else { throw OAuthError(.invalidGrant, "The assertion is not a JWT") }
            let scopes = request.scopes.isEmpty ? assertion.scopes : request.scopes
            let grant = NewGrant(
                client: assertion.issuer, account: assertion.subject, asked: scopes,
                granted: behaviour.granted(scopes), isRefreshable: false)
            return (open(grant, at: now), .jwtBearer)
        case .incomplete:
            throw OAuthError(.invalidRequest, "A parameter that this grant_type needs is missing")
        case .unsupported:
            throw OAuthError(.unsupportedGrantType, "This grant_type is not supported")
        }
    }

    // MARK: Authorization codes

    mutating func issueCode(_ code: AuthorizationCode) -> String {
        codes.append(code)
        return mint.token(.code, codes.count - 1)
    }

    private mutating func exchange(
        _ text: String, client: String, redirectURI: String?, digest: String?, under behaviour: Behaviour,
        at now: Instant
    ) throws(OAuthError) -> IssuedTokens {
        guard let number = mint.number(.code, of: text), codes.indices.contains(number) else {
            throw OAuthError(.invalidGrant, "Unknown authorization code")
        }
        let code = codes[number]
        guard code.client == client else { throw OAuthError(.invalidGrant, "The code was given to another client") }
        if let family = code.family {
            end(family: family, .codeReplay)
            throw OAuthError(.invalidGrant, "The code was used before; what it gave is revoked")
        }
        guard now < code.expires else { throw OAuthError(.invalidGrant, "The code has expired") }
        guard code.redirectURI == redirectURI else { throw OAuthError(.invalidGrant, "redirect_uri differs") }
        guard code.challenge == digest else { throw OAuthError(.invalidGrant, "code_verifier does not fit") }
        let tokens = open(
            NewGrant(
                client: client, account: code.account, asked: code.scopes, granted: behaviour.granted(code.scopes),
                nonce: code.nonce),
            at: now)
        codes[number].family = tokens.family
        return tokens
    }

    // MARK: Refresh tokens

    private mutating func refresh(
        _ text: String, client: String, under behaviour: Behaviour, at now: Instant
    ) throws(OAuthError) -> (IssuedTokens, Outcome) {
        guard let number = mint.number(.refresh, of: text), refreshTokens.indices.contains(number) else {
            throw OAuthError(.invalidGrant, "Unknown refresh token")
        }
        let family = refreshTokens[number]
        guard families[family].client == client else {
            throw OAuthError(.invalidGrant, "The refresh token was given to another client")
        }
        let replays = families[family].replays
        let standing = families[family].present(number, reuse: behaviour.reuse, at: now)
        counters.replays += families[family].replays - replays
        switch standing {
        case .current:
            return (renew(family, under: behaviour, at: now), .refreshed)
        case .forgiven(let succession):
            return (tokens(of: family, access: succession.access), .forgiven)
        case .killing:
            end(family: family, .reuse)
            throw OAuthError(
                .invalidGrant, "The refresh token was used before; the grant is revoked", outcome: .reuseDetected)
        case .refused: throw OAuthError(.invalidGrant, "The refresh token was used before")
        case .dead: throw OAuthError(.invalidGrant, "The grant was revoked")
        }
    }

    private mutating func renew(_ family: Int, under behaviour: Behaviour, at now: Instant) -> IssuedTokens {
        if behaviour.narrowsScopes { families[family].granted = behaviour.granted(families[family].asked) }
        let access = issueAccess(family, seconds: accessTokenSeconds, at: now)
        var successor: Int?
        if behaviour.rotates {
            successor = refreshTokens.count
            refreshTokens.append(family)
        }
        families[family].refreshed(successor: successor, access: access, at: now)
        return tokens(of: family, access: access)
    }
}

extension Behaviour.Outage {
    fileprivate var outcome: Outcome {
        switch self {
        case .html: .html
        case .redirect: .redirected
        case .unavailable: .serverError
        case .rateLimited: .rateLimited
        }
    }
}

extension Behaviour.Refusal {
    fileprivate var outcome: Outcome {
        switch self {
        case .oauth(let code): Outcome(rawValue: code.rawValue) ?? .invalidRequest
        case .disguised, .notOK: .okWithError
        }
    }
}
