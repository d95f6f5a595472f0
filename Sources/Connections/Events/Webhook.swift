/// An endpoint of a customer's that is told what happens in a workspace.
package struct Webhook: Sendable {
    package let id: WebhookID
    package let workspaceID: WorkspaceID
    package var url: String
    package var label: String?
    package var filter: EventFilter
    package var status: Availability
    /// Why the service gave it up; `nil` where it did not.
    package var disablement: Disablement?
    package var secret: SealedSigningSecret
    /// What it was signed with before a rotation, while both are sent.
    package var previousSecret: SealedSigningSecret?
    package var previousSecretExpiresAt: Timestamp?
    package var progress: WebhookProgress
    package let createdBy: String
    package let createdAt: Timestamp
    package var updatedAt: Timestamp
    package var revision: Int64

    package struct Disablement: Sendable, Equatable {
        /// A word in snake case.
        package let reason: String
        package let at: Timestamp

        package init(reason: String, at: Timestamp) {
            self.reason = reason
            self.at = at
        }
    }

    package init(
        id: WebhookID, workspaceID: WorkspaceID, url: String, label: String?, filter: EventFilter,
        status: Availability = .active, disablement: Disablement? = nil, secret: SealedSigningSecret,
        previousSecret: SealedSigningSecret? = nil, previousSecretExpiresAt: Timestamp? = nil,
        progress: WebhookProgress, createdBy: String, createdAt: Timestamp, updatedAt: Timestamp, revision: Int64 = 1
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.url = url
        self.label = label
        self.filter = filter
        self.status = status
        self.disablement = disablement
        self.secret = secret
        self.previousSecret = previousSecret
        self.previousSecretExpiresAt = previousSecretExpiresAt
        self.progress = progress
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.revision = revision
    }

    package var key: WebhookKey { WebhookKey(workspaceID: workspaceID, webhookID: id) }

    /// The service gives it up: nothing is sent until somebody activates it again.
    package mutating func disable(reason: String, at now: Timestamp) {
        status = .inactive
        disablement = Disablement(reason: reason, at: now)
        updatedAt = max(now, updatedAt)
        revision += 1
    }
}

package struct WebhookKey: Sendable, Hashable {
    package let workspaceID: WorkspaceID
    package let webhookID: WebhookID

    package init(workspaceID: WorkspaceID, webhookID: WebhookID) {
        self.workspaceID = workspaceID
        self.webhookID = webhookID
    }
}

/// How far a webhook is, and how its endpoint does. It moves without a new revision.
package struct WebhookProgress: Sendable, Equatable {
    /// Every event up to here was delivered or has a row of its own.
    package var position: Int64
    /// Counts what sets the position from outside, so that who delivers meanwhile does not undo it.
    package var epoch: Int64
    /// Attempts that failed since one succeeded.
    package var failures: Int
    /// When the first of them was.
    package var failingSince: Timestamp?
    /// Nothing is sent before; `nil` while the endpoint does well.
    package var resumeAt: Timestamp?

    package init(
        position: Int64, epoch: Int64 = 0, failures: Int = 0, failingSince: Timestamp? = nil, resumeAt: Timestamp? = nil
    ) {
        self.position = position
        self.epoch = epoch
        self.failures = failures
        self.failingSince = failingSince
        self.resumeAt = resumeAt
    }

    /// The endpoint is given another chance at once.
    package mutating func forgive() {
        epoch += 1
        failures = 0
        failingSince = nil
        resumeAt = nil
    }

    /// All from `position` on is sent again.
    package mutating func rewind(to position: Int64) {
        epoch += 1
        self.position = min(self.position, position)
    }
}

/// The secret that a webhook's messages are signed with, bound to the webhook.
package struct SealedSigningSecret: Sendable, Equatable {
    package let bytes: [UInt8]
    /// Counts the secrets that the webhook has had.
    package let generation: Int64

    package init(bytes: [UInt8], generation: Int64) {
        self.bytes = bytes
        self.generation = generation
    }
}
