/// What a list of modes comes to: each field is one thing that the provider does unlike an honest one.
struct Behaviour: Sendable {
    /// What an old refresh token meets.
    enum Reuse {
        case refused
        /// The whole family dies.
        case punished
        /// The last old one is taken again for `Family.graceSeconds`.
        case forgiven
    }

    /// Any endpoint behind the scenes answers so instead of doing anything.
    enum Outage { case html, redirect, unavailable, rateLimited }

    /// The token endpoint answers so before it looks at the grant.
    enum Refusal {
        case oauth(OAuthError.Code)
        /// The same with status 200.
        case disguised(OAuthError.Code)
        /// As Slack does.
        case notOK
    }

    /// How a resource tells that an access token is dead.
    enum DeadToken { case unauthorized, forbidden, notFound }

    enum Loss { case always, oncePerFamily }

    /// How a body comes.
    enum Delivery { case whole, padded, endless, dripping }

    var rotates = false
    var reuse = Reuse.refused
    var outage: Outage?
    var refusal: Refusal?
    var losesAnswers: Loss?
    var delivery = Delivery.whole
    var isSlow = false
    var omitsRefreshToken = false
    var omitsExpiry = false
    var narrowsScopes = false
    var misnamesIssuer = false
    var skewsClock = false
    var writesJWTs = false
    var deadToken = DeadToken.unauthorized

    init(_ modes: [SimulatorMode]) {
        for mode in modes { apply(mode) }
    }

    private mutating func apply(_ mode: SimulatorMode) {
        switch mode {
        case .honest: self = Behaviour([])
        case .rotate: (rotates, reuse) = (true, .punished)
        // Which failures come on top is drawn for each request of a token.
        case .rotateGrace, .flaky: (rotates, reuse) = (true, .forgiven)
        case .noRefreshToken: (rotates, omitsRefreshToken) = (false, true)
        case .noExpiresIn: omitsExpiry = true
        case .jwt: writesJWTs = true
        case .mismatchedScope: narrowsScopes = true
        case .wrongIssuer: misnamesIssuer = true
        case .clockSkew: skewsClock = true
        case .expiry403: deadToken = .forbidden
        case .expiry404: deadToken = .notFound
        case .invalidClient: refusal = .oauth(.invalidClient)
        case .unauthorizedClient: refusal = .oauth(.unauthorizedClient)
        case .invalidGrant: refusal = .oauth(.invalidGrant)
        case .okWithError: refusal = .notOK
        case .okWithOAuthError: refusal = .disguised(.invalidGrant)
        case .serverError: outage = .unavailable
        case .rateLimited: outage = .rateLimited
        case .html: outage = .html
        case .redirectInward: outage = .redirect
        case .slow60: isSlow = true
        case .lostAnswer: loseAnswers(.always)
        case .lostAnswerOnce: loseAnswers(.oncePerFamily)
        case .huge: delivery = .padded
        case .endless: delivery = .endless
        case .slowDrip: delivery = .dripping
        }
    }

    /// Losing an answer hurts only where it carried a new token.
    private mutating func loseAnswers(_ loss: Loss) {
        losesAnswers = loss
        if !rotates { (rotates, reuse) = (true, .punished) }
    }

    func granted(_ asked: [String]) -> [String] {
        narrowsScopes ? asked.dropLast() : asked
    }
}

extension SimulatorMode {
    /// What `flaky` draws from: half of the requests go well, and nothing here ends the grant of a client that tries
    /// again within the grace.
    private static let mixture: [SimulatorMode] = [
        .serverError, .rateLimited, .html, .redirectInward, .okWithError, .lostAnswer, .noExpiresIn, .jwt,
    ]

    /// The modes with each `flaky` replaced by what the draw says.
    static func settle(_ modes: [SimulatorMode], random: inout SplitMix64) -> [SimulatorMode] {
        guard modes.contains(.flaky) else { return modes }
        return modes.flatMap { mode -> [SimulatorMode] in
            guard mode == .flaky else { return [mode] }
            let roll = Int(random.next() % UInt64(2 * mixture.count))
            return roll < mixture.count ? [.rotateGrace, mixture[roll]] : [.rotateGrace]
        }
    }
}
