/// Everything that the provider remembers. A pure value: the time comes with each call and randomness from the seed, so
/// the same calls give the same tokens, and every rule can be tried without a socket.
struct Provider: Sendable {
    struct AuthorizationCode: Sendable {
        let client: String
        let account: String
        let redirectURI: String
        /// S256 of the verifier (RFC 7636); `nil` where the client sent none.
        let challenge: String?
        let scopes: [String]
        let nonce: String?
        let expires: Instant
        /// Set by the exchange, which may happen once.
        var family: Int?
    }

    struct AccessToken: Sendable {
        let family: Int
        let issued: Instant
        var expires: Instant
        var isRevoked = false
    }

    static let codeSeconds = 600

    /// In force where a request names none.
    var modes: [SimulatorMode]
    var counters = Counters()
    let mint: TokenMint
    let accessTokenSeconds: Int
    var random: SplitMix64
    private var secrets: [String: [String]]
    var families: [Family] = []
    var codes: [AuthorizationCode] = []
    /// Each one's family.
    var refreshTokens: [Int] = []
    var accessTokens: [AccessToken] = []

    init(_ options: SimulatorOptions) {
        modes = options.modes
        mint = TokenMint(seed: options.seed)
        accessTokenSeconds = options.accessTokenSeconds
        random = SplitMix64(seed: options.seed)
        secrets = Dictionary(options.clients.map { ($0.id, $0.secrets) }, uniquingKeysWith: { $1 })
    }

    // MARK: Clients

    /// Adds a client, or changes its secrets.
    mutating func register(_ client: SimulatorClient) { secrets[client.id] = client.secrets }

    /// Whether the id is known, under its own name or with modes after it.
    func knows(client: String) -> Bool { secretsOf(client) != nil }

    func isPublic(_ client: String) -> Bool { secretsOf(client)?.isEmpty == true }

    func authenticate(_ credentials: ClientCredentials?) throws(OAuthError) -> String {
        guard let credentials, let known = secretsOf(credentials.id) else {
            throw OAuthError(.invalidClient, "Unknown client")
        }
        guard known.isEmpty || credentials.secret.map(known.contains) == true else {
            throw OAuthError(.invalidClient, "Wrong client secret")
        }
        return credentials.id
    }

    private func secretsOf(_ client: String) -> [String]? {
        secrets[client] ?? ClientName(client).flatMap { secrets[$0.base] }
    }

    // MARK: Modes

    /// A request's path speaks before its client's name, and that before the provider's own setting.
    func modes(path: [SimulatorMode]?, client: String?) -> [SimulatorMode] {
        path ?? client.flatMap { ClientName($0)?.modes } ?? modes
    }

    // MARK: Grants

    /// Opens a grant with its first tokens.
    mutating func open(_ grant: NewGrant, at now: Instant) -> IssuedTokens {
        let family = families.count
        var refresh: Int?
        if grant.isRefreshable {
            refresh = refreshTokens.count
            refreshTokens.append(family)
            counters.grantsIssued += 1
            counters.liveGrants += 1
        }
        families.append(
            Family(
                client: grant.client, account: grant.account, asked: grant.asked, granted: grant.granted,
                refresh: refresh))
        let access = issueAccess(family, seconds: grant.accessTokenSeconds ?? accessTokenSeconds, at: now)
        return tokens(of: family, access: access, nonce: grant.nonce)
    }

    mutating func issueAccess(_ family: Int, seconds: Int, at now: Instant) -> Int {
        accessTokens.append(AccessToken(family: family, issued: now, expires: now.advanced(bySeconds: seconds)))
        return accessTokens.count - 1
    }

    func tokens(of family: Int, access: Int, nonce: String? = nil) -> IssuedTokens {
        let grant = families[family]
        return IssuedTokens(
            family: family, client: grant.client, account: grant.account, asked: grant.asked, scopes: grant.granted,
            accessToken: mint.token(.access, access), refreshToken: grant.refresh.map { mint.token(.refresh, $0) },
            issued: accessTokens[access].issued, expires: accessTokens[access].expires, nonce: nonce)
    }

    /// Ends a grant with all its tokens; `false` when it had ended before.
    @discardableResult
    mutating func end(family: Int, _ reason: Family.End) -> Bool {
        guard families[family].end(reason) else { return false }
        counters.familiesKilled += 1
        if families[family].refresh != nil { counters.liveGrants -= 1 }
        return true
    }

    func family(ofRefreshToken token: String) -> Int? {
        mint.number(.refresh, of: token).flatMap { refreshTokens.indices.contains($0) ? refreshTokens[$0] : nil }
    }
}

/// What a grant begins with.
struct NewGrant: Sendable {
    let client: String
    let account: String
    let asked: [String]
    let granted: [String]
    var isRefreshable = true
    /// Of the first access token only; `nil` for the provider's usual.
    var accessTokenSeconds: Int?
    var nonce: String?
}

/// Tokens on their way to a client.
struct IssuedTokens: Sendable {
    let family: Int
    let client: String
    let account: String
    let asked: [String]
    let scopes: [String]
    let accessToken: String
    var refreshToken: String?
    let issued: Instant
    let expires: Instant
    let nonce: String?
}

/// A client_id that says how its provider is to behave: `simulator--rotate_grace+no_expires_in`.
struct ClientName {
    let base: String
    let modes: [SimulatorMode]

    init?(_ id: String) {
        // Nearly no client has a suffix, and every request passes here.
        guard id.utf8.contains(UInt8(ascii: "-")), let separator = id.ranges(of: "--").last,
            let modes = SimulatorMode.list(id[separator.upperBound...])
        else { return nil }
        base = String(id[..<separator.lowerBound])
        self.modes = modes
    }
}
