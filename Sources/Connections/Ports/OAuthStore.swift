/// What is read of grants outside a unit of work.
package protocol OAuthStore: Sendable {
    func oauthApp(_ id: OAuthAppID, in workspace: WorkspaceID) async throws -> OAuthApp?
    func oauthApps(_ query: OAuthAppQuery) async throws -> Page<OAuthApp, OAuthAppID>
    func grant(of credential: CredentialID, in workspace: WorkspaceID) async throws -> Grant?
    /// Connections of the same account, newest first, `except` left out.
    func connections(
        ofAccount fingerprint: String, integration: String, in workspace: WorkspaceID, except: ConnectionID?
    ) async throws -> [ConnectionID]
    func authorizationFlow(state: TokenDigest) async throws -> AuthorizationFlow?
    func revocations(in workspace: WorkspaceID, page: PageRequest<RevocationID>) async throws
        -> Page<Revocation, RevocationID>

    // Work of the instance, over all workspaces, found by an index.
    /// Oldest first, `except` for those of apps that have enough under way.
    func dueGrants(at: Timestamp, except: Set<OAuthAppID>, limit: Int) async throws -> [DueGrant]
    func dueRevocations(at: Timestamp, limit: Int) async throws -> [Revocation]
    /// When something is due next.
    func nextDue() async throws -> Timestamp?
    /// Grants with a refresh token, for the operator who decides what a copy may spend.
    func grantsAtRisk(limit: Int) async throws -> (total: Int, keys: [GrantKey])
    /// Those that moved in and wait to be activated, in the order of their credentials.
    func suspendedGrants(in workspace: WorkspaceID, after: CredentialID?, limit: Int) async throws -> [GrantKey]
}

package struct GrantKey: Sendable, Hashable {
    package let workspaceID: WorkspaceID
    package let credentialID: CredentialID

    package init(workspaceID: WorkspaceID, credentialID: CredentialID) {
        self.workspaceID = workspaceID
        self.credentialID = credentialID
    }
}

/// A grant whose turn it is, with the app by which refreshes are bounded.
package struct DueGrant: Sendable {
    package let key: GrantKey
    package let app: OAuthAppID?

    package init(key: GrantKey, app: OAuthAppID?) {
        self.key = key
        self.app = app
    }
}

package struct OAuthAppQuery: Sendable {
    package let workspace: WorkspaceID
    package var integration: String?
    package var page: PageRequest<OAuthAppID>

    package init(workspace: WorkspaceID, page: PageRequest<OAuthAppID>) {
        self.workspace = workspace
        self.page = page
    }
}

/// What a unit of work may do with grants.
package protocol OAuthTransaction {
    func oauthApp(_ id: OAuthAppID, in workspace: WorkspaceID) throws -> OAuthApp?
    /// Newest first.
    func oauthApps(integration: String, method: String, in workspace: WorkspaceID) throws -> [OAuthApp]
    func insert(_ app: OAuthApp, in workspace: WorkspaceID) throws
    func update(_ app: OAuthApp, in workspace: WorkspaceID) throws
    func delete(oauthApp id: OAuthAppID, in workspace: WorkspaceID) throws
    func countGrants(of app: OAuthAppID, in workspace: WorkspaceID) throws -> Int

    func insert(_ flow: AuthorizationFlow) throws
    func authorizationFlow(state: TokenDigest) throws -> AuthorizationFlow?
    func authorizationFlow(connect: TokenDigest) throws -> AuthorizationFlow?
    func authorizationFlow(ticket: TokenDigest, in workspace: WorkspaceID) throws -> AuthorizationFlow?
    func update(_ flow: AuthorizationFlow) throws
    /// Those that expired before, some at a time. Returns what was deleted.
    func deleteFlows(expiredBefore: Timestamp, limit: Int) throws -> [AuthorizationFlow]

    func grant(of credential: CredentialID, in workspace: WorkspaceID) throws -> Grant?
    /// In one look; `nil` where there is no connection, or none with a grant.
    func tokenStanding(of connection: ConnectionID, in workspace: WorkspaceID) throws -> TokenStanding?
    /// Writes down what the provider answered to the lease with this fence. Returns whether it is still the newest.
    func keep(answer: [UInt8], of credential: CredentialID, in workspace: WorkspaceID, fence: Int64) throws -> Bool
    /// Inserts or replaces.
    func put(_ grant: Grant) throws
    func grants(of app: OAuthAppID, state: Grant.State, in workspace: WorkspaceID) throws -> [GrantKey]
    /// Whether another credential has a grant of the same account that is not over.
    func hasGrant(
        ofAccount fingerprint: String, in workspace: WorkspaceID, except credential: CredentialID?
    ) throws -> Bool

    func insert(_ revocation: Revocation) throws
    func update(_ revocation: Revocation) throws
    func delete(revocation id: RevocationID, in workspace: WorkspaceID) throws
}
