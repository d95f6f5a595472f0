package import LosslessJSON

/// One thing that happened: event, audit trail and outbox in one row, committed with the change that it tells of.
package struct JournalEntry: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case connectionCreated = "connection.created"
        case connectionUpdated = "connection.updated"
        case connectionStatusChanged = "connection.status_changed"
        case connectionDeleted = "connection.deleted"
        /// It works again after an error.
        case connectionRecovered = "connection.recovered"
        /// Its grant is gone: somebody has to go through the consent again.
        case connectionNeedsReauthorization = "connection.needs_reauthorization"
        case testStarted = "connection.test_started"
        case tested = "connection.tested"
        /// Something that it lives on ends soon.
        case connectionExpiring = "connection.expiring"
        case credentialCreated = "credential.created"
        case credentialUpdated = "credential.updated"
        case credentialDeleted = "credential.deleted"
        case apiKeyCreated = "api_key.created"
        case apiKeyUpdated = "api_key.updated"
        case apiKeyDeleted = "api_key.deleted"
        case apiKeyExpiring = "api_key.expiring"
        case workspaceCreated = "workspace.created"
        case workspaceUpdated = "workspace.updated"
        case workspaceDeleted = "workspace.deleted"
        case oauthAppCreated = "oauth_app.created"
        case oauthAppUpdated = "oauth_app.updated"
        case oauthAppDeleted = "oauth_app.deleted"
        /// The provider refuses the app itself; no connection of it is touched.
        case appFailing = "app.failing"
        case appRecovered = "app.recovered"
        case appExpiring = "app.expiring"
        case connectionReconnected = "connection.reconnected"
        case connectionIdentityChanged = "connection.identity_changed"
        /// A refresh token is about to be presented.
        case refreshStarted = "credential.refresh_started"
        case refreshed = "credential.refreshed"
        case refreshFailed = "credential.refresh_failed"
        case tokenRead = "credential.token_read"
        case revoked = "credential.revoked"
        case revocationFailed = "credential.revocation_failed"
        case credentialExpiring = "credential.expiring"
        /// Tokens moved in from another system, to be spent by nobody here yet.
        case grantImported = "credential.imported"
        /// From here on this instance refreshes them.
        case grantActivated = "credential.activated"
        case integrationCreated = "integration.created"
        case integrationUpdated = "integration.updated"
        case integrationDeleted = "integration.deleted"
        /// Nothing answers at a host that connections go to; none of them is touched. The subject is its origin.
        case hostUnreachable = "host.unreachable"
        case hostRecovered = "host.recovered"
        case webhookCreated = "webhook.created"
        case webhookUpdated = "webhook.updated"
        case webhookDeleted = "webhook.deleted"
        /// The service gave its endpoint up.
        case webhookDisabled = "webhook.disabled"
        /// Sent to try an endpoint, and never written down.
        case webhookTest = "webhook.test"
        /// Somebody asked for deliveries to be made again.
        case webhookReplayed = "webhook.replayed"
        case instanceRestored = "instance.restored"
        case instanceResumed = "instance.resumed"
    }

    package let kind: Kind
    /// `nil` for what concerns the whole instance.
    package let workspaceID: WorkspaceID?
    /// The id of the row that it is about.
    package let subject: String
    /// Never a secret, and of what a user entered only what says where: an event of a host has its origin, which may come
    /// from a config, and `connection.created` the name of its integration, which may be the workspace's own. Else names of
    /// fields, words of enums, numbers, ids.
    package let data: JSONText
    /// Which of a connection's entries it is, from 1; `nil` where it is about something else.
    package let subjectSequence: Int64?

    package init(
        _ kind: Kind, in workspaceID: WorkspaceID?, subject: String, sequence: Int64? = nil,
        data: JSONText = .emptyObject
    ) {
        subjectSequence = sequence
        self.kind = kind
        self.workspaceID = workspaceID
        self.subject = subject
        self.data = data
    }
}

extension JournalEntry.Kind {
    /// Whether it tells of a connection's status or of its grant, and so belongs to the story that a timeline shows. What is
    /// written often and tells little of it stays out, since an index holds these.
    package var isInTimeline: Bool {
        switch self {
        case .connectionCreated, .connectionStatusChanged, .connectionDeleted, .connectionRecovered,
            .connectionNeedsReauthorization, .testStarted, .tested, .connectionReconnected, .connectionIdentityChanged,
            .credentialUpdated, .refreshed, .refreshFailed, .revoked, .revocationFailed, .grantImported,
            .grantActivated, .connectionExpiring, .credentialExpiring:
            true
        default: false
        }
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

/// An entry as the journal keeps it.
package struct JournalRecord: Sendable {
    package let id: EventID
    package let kind: JournalEntry.Kind
    package let workspaceID: WorkspaceID?
    package let subject: String
    package let subjectSequence: Int64?
    /// An API key's id, a user's `sub`, `console` or `system`.
    package let actor: String
    package let requestID: String
    package let at: Timestamp
    package let data: JSONText

    package init(
        id: EventID, kind: JournalEntry.Kind, workspaceID: WorkspaceID?, subject: String, subjectSequence: Int64?,
        actor: String, requestID: String, at: Timestamp, data: JSONText
    ) {
        self.id = id
        self.kind = kind
        self.workspaceID = workspaceID
        self.subject = subject
        self.subjectSequence = subjectSequence
        self.actor = actor
        self.requestID = requestID
        self.at = at
        self.data = data
    }
}
