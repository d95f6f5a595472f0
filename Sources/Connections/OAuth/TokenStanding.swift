/// What has to hold for an access token to be handed out, and the versions of the rows that it was opened from: while they
/// stand, it is the same token.
package struct TokenStanding: Sendable {
    package struct Versions: Sendable, Equatable {
        package let connection: Int64
        package let credential: Int64
        /// Of the sealed data.
        package let generation: Int64
        /// Of the OAuth app that obtained the grant; `nil` where the store has none.
        package let app: Int64?

        package init(connection: Int64, credential: Int64, generation: Int64, app: Int64?) {
            self.connection = connection
            self.credential = credential
            self.generation = generation
            self.app = app
        }
    }

    package let versions: Versions
    package let connectionStatus: ConnectionStatus
    package let needsRebind: Bool
    package let credentialStatus: Availability
    package let grantState: Grant.State
    package let accessExpiresAt: Timestamp?

    package init(
        versions: Versions, connectionStatus: ConnectionStatus, needsRebind: Bool, credentialStatus: Availability,
        grantState: Grant.State, accessExpiresAt: Timestamp?
    ) {
        self.versions = versions
        self.connectionStatus = connectionStatus
        self.needsRebind = needsRebind
        self.credentialStatus = credentialStatus
        self.grantState = grantState
        self.accessExpiresAt = accessExpiresAt
    }

    /// Whether nothing stands against using the credential.
    package var isUsable: Bool {
        connectionStatus != .inactive && !needsRebind && credentialStatus == .active && grantState != .dead
    }
}
