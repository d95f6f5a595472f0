import Connections

/// Where tokens came from, for what is told of them once that is gone.
struct TokenOrigin: Sendable {
    let workspace: WorkspaceID
    /// The id of the connection, of the credential where it went by itself, or of the flow where there was no connection yet.
    let subject: String
    /// What held them. Another credential with the same account is another connection's.
    let credential: CredentialID?
    let integration: String
    /// The account's fingerprint, where the account is known.
    let account: String?

    init(workspace: WorkspaceID, subject: String, credential: CredentialID?, integration: String, account: String?) {
        self.workspace = workspace
        self.subject = subject
        self.credential = credential
        self.integration = integration
        self.account = account
    }

    init(_ situation: GrantSituation) {
        self.init(
            workspace: situation.connection.workspaceID, subject: situation.connection.id.description,
            credential: situation.grant.credentialID, integration: situation.connection.integration,
            account: situation.grant.account?.fingerprint)
    }
}

/// Tokens that nobody holds any more and that are good at the provider still.
struct LooseTokens: Sendable {
    /// Whose tokens a revocation must not take along.
    enum Spared: Sendable {
        /// Those of connections that the store knows to be of the same account.
        case otherConnections
        /// Anybody's: whose account it is was not expected, and others may use it where this store does not look.
        case everybody
    }

    let tokens: Tokens
    let method: OAuthMethod
    let endpoints: Endpoints
    let client: OAuthClient?
    let origin: TokenOrigin
    var spares = Spared.otherConnections
}
