/// What became of one event on its way to one webhook. It is known by its event, and holds no body.
package struct WebhookDelivery: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        /// It failed, or somebody wants it again; `dueAt` says when it is tried.
        case pending
        case delivered
        /// It was tried for three days, or its event is not kept any more.
        case dead
    }

    package let webhook: WebhookKey
    package let eventID: EventID
    package let kind: JournalEntry.Kind
    package var state: State
    package var attempts: Int
    /// When it is tried next; `nil` once it is finished.
    package var dueAt: Timestamp?
    /// The last HTTP status, where there was one.
    package var lastStatus: Int?
    /// What went wrong last: a word in snake case, never the other side's own.
    package var lastError: String?
    package let createdAt: Timestamp
    package var finishedAt: Timestamp?

    package init(
        webhook: WebhookKey, eventID: EventID, kind: JournalEntry.Kind, state: State, attempts: Int,
        dueAt: Timestamp? = nil, lastStatus: Int? = nil, lastError: String? = nil, createdAt: Timestamp,
        finishedAt: Timestamp? = nil
    ) {
        self.webhook = webhook
        self.eventID = eventID
        self.kind = kind
        self.state = state
        self.attempts = attempts
        self.dueAt = dueAt
        self.lastStatus = lastStatus
        self.lastError = lastError
        self.createdAt = createdAt
        self.finishedAt = finishedAt
    }

    /// As from the start.
    package mutating func requeue(at now: Timestamp) {
        state = .pending
        attempts = 0
        dueAt = now
        finishedAt = nil
    }
}

/// A delivery whose time has come, with its event; `nil` where that is not kept any more.
package struct DueDelivery: Sendable {
    package let delivery: WebhookDelivery
    package let event: Event?

    package init(delivery: WebhookDelivery, event: Event?) {
        self.delivery = delivery
        self.event = event
    }
}
