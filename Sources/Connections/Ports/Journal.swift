package import LosslessJSON

/// One thing that happened: event, audit trail and outbox in one row, committed with the change that it tells of.
package struct JournalEntry: Sendable {
    package enum Kind: String, Sendable {
        case connectionCreated = "connection.created"
        case connectionUpdated = "connection.updated"
        case connectionStatusChanged = "connection.status_changed"
        case connectionDeleted = "connection.deleted"
        case credentialCreated = "credential.created"
        case credentialUpdated = "credential.updated"
        case credentialDeleted = "credential.deleted"
        case apiKeyCreated = "api_key.created"
        case apiKeyUpdated = "api_key.updated"
        case apiKeyDeleted = "api_key.deleted"
        case workspaceCreated = "workspace.created"
        case workspaceUpdated = "workspace.updated"
        case workspaceDeleted = "workspace.deleted"
        case oauthAppCreated = "oauth_app.created"
        case oauthAppUpdated = "oauth_app.updated"
        case oauthAppDeleted = "oauth_app.deleted"
        /// The provider refuses the app itself; no connection of it is touched.
        case appFailing = "app.failing"
        case appRecovered = "app.recovered"
        case connectionReconnected = "connection.reconnected"
        case connectionIdentityChanged = "connection.identity_changed"
        /// A refresh token is about to be presented.
        case refreshStarted = "credential.refresh_started"
        case refreshed = "credential.refreshed"
        case refreshFailed = "credential.refresh_failed"
        case tokenRead = "credential.token_read"
        case revoked = "credential.revoked"
        case revocationFailed = "credential.revocation_failed"
        /// Tokens moved in from another system, to be spent by nobody here yet.
        case grantImported = "credential.imported"
        /// From here on this instance refreshes them.
        case grantActivated = "credential.activated"
        case integrationCreated = "integration.created"
        case integrationUpdated = "integration.updated"
        case integrationDeleted = "integration.deleted"
        case instanceRestored = "instance.restored"
        case instanceResumed = "instance.resumed"
    }

    package let kind: Kind
    /// `nil` for what concerns the whole instance.
    package let workspaceID: WorkspaceID?
    /// The id of the row that it is about.
    package let subject: String
    /// Never a secret, never a value that a user entered: names of fields, words of enums, ids.
    package let data: JSONText

    package init(_ kind: Kind, in workspaceID: WorkspaceID?, subject: String, data: JSONText = .emptyObject) {
        self.kind = kind
        self.workspaceID = workspaceID
        self.subject = subject
        self.data = data
    }
}

/// Who asked for a change, and when: the same for every entry that the change makes.
package struct Cause: Sendable {
    package let principal: Principal
    package let requestID: String
    package let at: Timestamp

    package init(principal: Principal, requestID: String, at: Timestamp) {
        self.principal = principal
        self.requestID = requestID
        self.at = at
    }
}
