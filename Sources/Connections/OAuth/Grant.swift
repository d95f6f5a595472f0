/// What is known of the tokens of one credential, without the tokens: they are sealed as the credential's data.
package struct Grant: Sendable {
    package enum State: String, Sendable, CaseIterable {
        case live
        /// A refresh token was presented and the answer never seen.
        case inDoubt = "in_doubt"
        /// One of many refusals at once, which say more of the provider or the app than of the grants.
        case held
        /// The provider says that the grant is gone.
        case dead
        /// Moved in from another system that may still refresh it.
        case suspended
    }

    package let workspaceID: WorkspaceID
    package let credentialID: CredentialID
    package let kind: OAuthMethod.Grant
    /// The app that obtained it; `nil` where none is needed or known.
    package var appID: OAuthAppID?
    /// As it was when the grant was obtained: a refresh token belongs to one client.
    package var clientID: String?
    package var state: State
    package var accessExpiresAt: Timestamp?
    package var refreshExpiresAt: Timestamp?
    /// Whether each refresh brings a refresh token that lasts longer; `nil` until one was seen to, or not to.
    package var renewsRefreshToken: Bool?
    /// When the scheduler has something to do; `nil` when never.
    package var dueAt: Timestamp?
    package var hasRefreshToken: Bool
    package var requestedScopes: [String]
    /// `nil` where the provider did not say, which by RFC 6749, 5.1 means those that were asked for.
    package var grantedScopes: [String]?
    package var account: Account?
    /// In a row, since the last success.
    package var failures: Int
    package var lastFailure: String?
    package var lease: Lease?
    /// Grows with every lease; whoever comes with an older one writes nothing.
    package var fence: Int64
    package var intent: Intent?
    /// What the provider answered last, sealed and not looked into yet.
    package var answer: [UInt8]?

    /// Who is at the other end.
    package struct Account: Sendable, Equatable {
        package let label: String
        /// Keyed, so that it says nothing to who has only the store.
        package let fingerprint: String

        package init(label: String, fingerprint: String) {
            self.label = label
            self.fingerprint = fingerprint
        }
    }

    package struct Lease: Sendable, Equatable {
        package let owner: String
        package let until: Timestamp

        package init(owner: String, until: Timestamp) {
            self.owner = owner
            self.until = until
        }
    }

    /// That the refresh token of a generation is about to be presented.
    package struct Intent: Sendable, Equatable {
        package let generation: Int64
        package let at: Timestamp
        /// The second time for the same token, after a crash.
        package let isSecondTry: Bool

        package init(generation: Int64, at: Timestamp, isSecondTry: Bool) {
            self.generation = generation
            self.at = at
            self.isSecondTry = isSecondTry
        }
    }

    package init(
        workspaceID: WorkspaceID, credentialID: CredentialID, kind: OAuthMethod.Grant, appID: OAuthAppID? = nil,
        clientID: String? = nil, state: State = .live, accessExpiresAt: Timestamp? = nil,
        refreshExpiresAt: Timestamp? = nil, renewsRefreshToken: Bool? = nil, dueAt: Timestamp? = nil,
        hasRefreshToken: Bool = false,
        requestedScopes: [String] = [], grantedScopes: [String]? = nil, account: Account? = nil, failures: Int = 0,
        lastFailure: String? = nil, lease: Lease? = nil, fence: Int64 = 0, intent: Intent? = nil,
        answer: [UInt8]? = nil
    ) {
        self.workspaceID = workspaceID
        self.credentialID = credentialID
        self.kind = kind
        self.appID = appID
        self.clientID = clientID
        self.state = state
        self.accessExpiresAt = accessExpiresAt
        self.refreshExpiresAt = refreshExpiresAt
        self.renewsRefreshToken = renewsRefreshToken
        self.dueAt = dueAt
        self.hasRefreshToken = hasRefreshToken
        self.requestedScopes = requestedScopes
        self.grantedScopes = grantedScopes
        self.account = account
        self.failures = failures
        self.lastFailure = lastFailure
        self.lease = lease
        self.fence = fence
        self.intent = intent
        self.answer = answer
    }

    /// The scopes that were asked for and not given.
    package var missingScopes: [String] {
        guard let grantedScopes else { return [] }
        let granted = Set(grantedScopes)
        return requestedScopes.filter { !granted.contains($0) }
    }

    /// Whether a new access token can be asked for at all.
    package var isRefreshable: Bool { (hasRefreshToken || kind.isSelfIssued) && state != .dead && state != .suspended }
}
