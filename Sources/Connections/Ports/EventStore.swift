/// What is read of events and of webhooks outside a unit of work.
///
/// Events stand in the order of their commits, and a position that was passed is passed for good: no entry may ever become
/// visible below one that somebody could see already, or a cursor would skip it. With SQLite the one writer hands out
/// positions within its transaction, so that the order of commits is the order of positions. A driver with several writers has
/// to see to it itself: in PostgreSQL by a lock that a unit of work takes before its first entry and holds until its commit.
package protocol EventStore: Sendable {
    func events(_ query: EventQuery) async throws -> EventPage
    /// Where an entry of the workspace stands, of whatever kind; `nil` where it has none of that id.
    func position(of entry: EventID, in workspace: WorkspaceID) async throws -> Int64?
    /// Where the newest event stood that `prune` deleted of the workspace; 0 where it deleted none. Who goes on from a place
    /// before it would miss something.
    func trimmedPosition(in workspace: WorkspaceID) async throws -> Int64
    /// The newest entry's, over all workspaces; 0 in an empty journal.
    func newestPosition() async throws -> Int64
    /// A position that everything of the workspace lies behind which happened at this instant or later.
    func position(before instant: Timestamp, in workspace: WorkspaceID) async throws -> Int64

    func webhook(_ id: WebhookID, in workspace: WorkspaceID) async throws -> Webhook?
    func webhooks(in workspace: WorkspaceID, page: PageRequest<WebhookID>) async throws -> Page<Webhook, WebhookID>
    func deliveries(_ query: DeliveryQuery) async throws -> Page<WebhookDelivery, EventID>

    // Work of the instance, over all workspaces.
    func activeWebhooks() async throws -> [Webhook]
    func allWebhookKeys() async throws -> [WebhookKey]
    /// What was committed after a position, in order.
    func journalSteps(after position: Int64, limit: Int) async throws -> [JournalStep]
    /// Oldest first, found by an index.
    func dueDeliveries(of webhook: WebhookKey, at: Timestamp, limit: Int) async throws -> [DueDelivery]
    /// When one is due next.
    func nextDueDelivery(of webhook: WebhookKey) async throws -> Timestamp?
    func countPendingDeliveries() async throws -> Int
}

package protocol EventTransaction {
    func newestPosition() throws -> Int64
    func position(of entry: EventID, in workspace: WorkspaceID) throws -> Int64?
    /// As the store's.
    func trimmedPosition(in workspace: WorkspaceID) throws -> Int64

    func webhook(_ id: WebhookID, in workspace: WorkspaceID) throws -> Webhook?
    func countWebhooks(in workspace: WorkspaceID) throws -> Int
    func insert(_ webhook: Webhook) throws
    /// All of it, its progress included.
    func update(_ webhook: Webhook) throws
    /// Only its progress, and only while its epoch is the given one's. Returns whether it was.
    func advance(_ webhook: WebhookKey, to progress: WebhookProgress) throws -> Bool
    /// With its deliveries.
    func delete(webhook id: WebhookID, in workspace: WorkspaceID) throws

    func delivery(of event: EventID, to webhook: WebhookKey) throws -> WebhookDelivery?
    /// Inserts or replaces; what is there keeps when it was created.
    func put(_ delivery: WebhookDelivery) throws
    /// Makes dead ones pending, and returns how many.
    func requeueDead(of webhook: WebhookKey, at now: Timestamp, limit: Int) throws -> Int

    /// Deletes old entries among the next few of the journal, and remembers how far events of each workspace went.
    func prune(_ pruning: JournalPruning) throws -> JournalPruning.Step
    /// Deletes finished deliveries, and returns how many.
    func pruneDeliveries(of webhook: WebhookKey, finishedBefore: Timestamp, limit: Int) throws -> Int
}

package struct EventQuery: Sendable {
    package let workspace: WorkspaceID
    package var kinds: [JournalEntry.Kind] = JournalEntry.Kind.events
    /// Only those about one of these.
    package var subjects: [String]?
    /// Nothing that happened before.
    package var since: Timestamp?
    /// Events behind this position.
    package var after: Int64
    package var limit: Int
    /// How many entries of the workspace are looked through at the most, so that a filter that matches little costs no more
    /// than one that matches all.
    package var reach: Int

    package init(workspace: WorkspaceID, after: Int64, limit: Int, reach: Int = 20_000) {
        self.workspace = workspace
        self.after = after
        self.limit = limit
        self.reach = reach
    }
}

package struct EventPage: Sendable {
    /// In the order of commits.
    package let events: [Event]
    /// What was looked through.
    package let through: Int64
    /// The entry there, of whatever kind; `nil` where there was nothing to look through.
    package let last: EventID?
    /// Nothing stands behind it.
    package let isEnd: Bool

    package init(events: [Event], through: Int64, last: EventID?, isEnd: Bool) {
        self.events = events
        self.through = through
        self.last = last
        self.isEnd = isEnd
    }
}

/// That something was committed, without what.
package struct JournalStep: Sendable, Equatable {
    package let position: Int64
    package let workspaceID: WorkspaceID?
    /// `nil` for a kind that this program does not know.
    package let kind: JournalEntry.Kind?
    package let subject: String

    package init(position: Int64, workspaceID: WorkspaceID?, kind: JournalEntry.Kind?, subject: String) {
        self.position = position
        self.workspaceID = workspaceID
        self.kind = kind
        self.subject = subject
    }
}

package struct DeliveryQuery: Sendable {
    package let webhook: WebhookKey
    package var state: WebhookDelivery.State?
    package var page: PageRequest<EventID>

    package init(webhook: WebhookKey, state: WebhookDelivery.State? = nil, page: PageRequest<EventID>) {
        self.webhook = webhook
        self.state = state
        self.page = page
    }
}

/// What of the journal may go.
///
/// These stay whatever their age: the newest entry of a workspace, where those who poll stand; and of a connection that
/// exists, the newest entry that says what its status is.
package struct JournalPruning: Sendable {
    package let after: Int64
    /// How many entries are looked at.
    package let limit: Int
    /// Older entries go, unless a webhook of their workspace has not come to them yet, or has one of them to send still.
    package let before: Timestamp
    /// Still older ones go even then.
    package let evenUndelivered: Timestamp

    package init(after: Int64, limit: Int, before: Timestamp, evenUndelivered: Timestamp) {
        self.after = after
        self.limit = limit
        self.before = before
        self.evenUndelivered = evenUndelivered
    }

    package struct Step: Sendable, Equatable {
        package let through: Int64
        package let deleted: Int
        /// All that comes behind is too young.
        package let isEnd: Bool

        package init(through: Int64, deleted: Int, isEnd: Bool) {
            self.through = through
            self.deleted = deleted
            self.isEnd = isEnd
        }
    }
}
