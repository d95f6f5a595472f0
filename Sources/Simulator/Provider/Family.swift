/// A grant: everything that came of one consent. Its refresh tokens are a line of which only the last is good.
struct Family: Sendable {
    enum End: String, Sendable {
        /// An old refresh token was presented.
        case reuse
        /// The user took the consent back.
        case user
        /// The client revoked it.
        case revoked
        /// The authorization code was presented again (RFC 6749, 4.1.2).
        case codeReplay = "code_replay"
    }

    /// What a presented refresh token is worth.
    enum Standing {
        case current
        /// Take it again, and answer as this refresh did.
        case forgiven(Succession)
        case refused
        case killing
        case dead
    }

    /// One refresh: the token that it spent, and what it gave.
    struct Succession {
        let spent: Int
        let at: Instant
        let access: Int
    }

    static let graceSeconds = 30

    let client: String
    let account: String
    let asked: [String]
    var granted: [String]
    /// The number of the refresh token that is good; `nil` where the grant never had one.
    var refresh: Int?
    private(set) var lastSuccession: Succession?
    private(set) var refreshes = 0
    /// How often an old refresh token was presented.
    private(set) var replays = 0
    private(set) var lostAnswers = 0
    private(set) var end: End?

    init(client: String, account: String, asked: [String], granted: [String], refresh: Int?) {
        self.client = client
        self.account = account
        self.asked = asked
        self.granted = granted
        self.refresh = refresh
    }

    /// Judges a presented refresh token and remembers that it was; killing the family is left to the caller.
    mutating func present(_ token: Int, reuse: Behaviour.Reuse, at now: Instant) -> Standing {
        if token == refresh { return end == nil ? .current : .dead }
        replays += 1
        guard end == nil else { return .dead }
        switch reuse {
        case .refused: return .refused
        case .punished: return .killing
        case .forgiven:
            guard let last = lastSuccession, last.spent == token,
                now <= last.at.advanced(bySeconds: Self.graceSeconds)
            else { return .killing }
            return .forgiven(last)
        }
    }

    /// Notes a refresh. Without a `successor` the token that was presented stays good.
    mutating func refreshed(successor: Int?, access: Int, at now: Instant) {
        refreshes += 1
        guard let successor, let spent = refresh else { return }
        lastSuccession = Succession(spent: spent, at: now, access: access)
        refresh = successor
    }

    /// Whether this answer is to be lost, which counts it as lost.
    mutating func losesAnswer(_ loss: Behaviour.Loss) -> Bool {
        if loss == .oncePerFamily, lostAnswers > 0 { return false }
        lostAnswers += 1
        return true
    }

    mutating func end(_ reason: End) -> Bool {
        guard end == nil else { return false }
        end = reason
        return true
    }
}
