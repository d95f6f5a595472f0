import Connections

/// Which lanes there are, which run, and which have something to do. It is pure: no time and no store of its own.
struct Roster {
    private struct Entry {
        /// `nil` while it runs, and before it has run.
        var lane: Lane?
        /// What wakes it; `nil` while that is not known, and everything does.
        var kinds: Set<JournalEntry.Kind>?
        /// There while it runs.
        var mailbox: LaneRunner.Mailbox?
        var isRunning = false
        /// Something came since it began to run.
        var hasNews = false
        var wakeAt: Timestamp?
        /// Before `wakeAt` no news are of use: its endpoint fails, or there is trouble.
        var isHeld = false
        var keys: KnownKeys?
    }

    /// Opened once for a revision, and forgotten once it is idle for a while.
    struct KnownKeys: Sendable {
        let keys: SigningKeys
        let revision: Int64
        let usedAt: Timestamp
    }

    /// What a run leaves behind.
    struct Outcome {
        /// `nil` where the next run begins from the store.
        var lane: Lane?
        /// `nil` where the webhook could not be read.
        var filter: EventFilter?
        var keys: KnownKeys?
        var wakeAt: Timestamp?
        /// Only time can help.
        var isTroubled = false
    }

    /// An idle lane that is so far behind is run, so that its position moves on over what is of no interest.
    private static let tooFarBehind: Int64 = 10_000

    private var entries: [WebhookKey: Entry] = [:]
    private var byWorkspace: [WorkspaceID: Set<WebhookKey>] = [:]
    private var waiting: Set<WebhookKey> = []
    /// What was seen of the journal; `nil` while there is nobody to follow it for.
    private(set) var followed: Int64?
    /// When a lane wakes by itself next, or earlier.
    private(set) var nextWake: Timestamp?

    var mailboxes: [LaneRunner.Mailbox] { entries.values.compactMap(\.mailbox) }

    // MARK: Following

    mutating func begin(_ webhooks: [Webhook], at position: Int64) {
        followed = position
        for webhook in webhooks { add(webhook.key) }
    }

    /// Returns what to tell the lanes that run.
    mutating func follow(_ steps: [JournalStep]) -> [(LaneRunner.Mailbox, LaneRunner.Message)] {
        var news: Set<WebhookKey> = []
        var changed: Set<WebhookKey> = []
        for step in steps {
            guard let kind = step.kind else { continue }
            if kind == .workspaceDeleted, let workspace = WorkspaceID(step.subject) {
                changed.formUnion(byWorkspace[workspace] ?? [])
            }
            guard let workspace = step.workspaceID else { continue }
            if kind.isOfWebhook, let id = WebhookID(step.subject) {
                changed.insert(WebhookKey(workspaceID: workspace, webhookID: id))
            }
            guard kind.isEvent, let keys = byWorkspace[workspace] else { continue }
            for key in keys where entries[key]?.kinds?.contains(kind) ?? true { news.insert(key) }
        }
        followed = steps.last?.position ?? followed
        for step in steps.suffix(1) {
            guard let workspace = step.workspaceID, let keys = byWorkspace[workspace] else { continue }
            news.formUnion(keys.filter { isTooFarBehind($0, step.position) })
        }
        return changed.compactMap { note($0, .drain) } + news.subtracting(changed).compactMap { note($0, .news) }
    }

    private func isTooFarBehind(_ key: WebhookKey, _ position: Int64) -> Bool {
        guard let lane = entries[key]?.lane else { return false }
        return position - lane.progress.position >= Self.tooFarBehind
    }

    private mutating func note(
        _ key: WebhookKey, _ message: LaneRunner.Message
    ) -> (LaneRunner.Mailbox, LaneRunner.Message)? {
        if case .news = message, entries[key]?.isHeld == true { return nil }
        add(key)
        guard entries[key]?.isRunning == true else { return nil }
        entries[key]?.hasNews = true
        return entries[key]?.mailbox.map { ($0, message) }
    }

    private mutating func add(_ key: WebhookKey) {
        if entries[key] == nil {
            entries[key] = Entry()
            byWorkspace[key.workspaceID, default: []].insert(key)
        }
        if entries[key]?.isRunning == false { waiting.insert(key) }
    }

    // MARK: Running

    /// The lanes that are to run now.
    mutating func start(at now: Timestamp) -> [WebhookKey] {
        if let nextWake, nextWake <= now {
            for (key, entry) in entries where !entry.isRunning && entry.wakeAt.map({ $0 <= now }) ?? false {
                waiting.insert(key)
            }
            self.nextWake = entries.values.filter { !$0.isRunning }.compactMap(\.wakeAt).filter { $0 > now }.min()
        }
        let keys = Array(waiting)
        waiting = []
        for key in keys {
            entries[key]?.isRunning = true
            entries[key]?.hasNews = false
            entries[key]?.wakeAt = nil
            entries[key]?.isHeld = false
        }
        return keys
    }

    /// What the last run left behind.
    mutating func take(_ key: WebhookKey, mailbox: LaneRunner.Mailbox) -> (lane: Lane?, keys: KnownKeys?) {
        guard var entry = entries[key] else { return (nil, nil) }
        let left = (lane: entry.lane, keys: entry.keys)
        entry.mailbox = mailbox
        entry.lane = nil
        entries[key] = entry
        return left
    }

    mutating func finish(_ key: WebhookKey, _ outcome: Outcome) {
        guard var entry = entries[key] else { return }
        entry.lane = outcome.lane
        entry.kinds = outcome.filter.map { Set($0.kinds) }
        entry.keys = outcome.keys
        entry.mailbox = nil
        entry.isRunning = false
        entry.wakeAt = outcome.wakeAt
        entry.isHeld = outcome.wakeAt != nil && (outcome.isTroubled || outcome.lane?.progress.resumeAt != nil)
        let mustGoOn = outcome.lane == nil && !outcome.isTroubled
        if mustGoOn || entry.hasNews && !entry.isHeld { waiting.insert(key) }
        if let wakeAt = outcome.wakeAt { nextWake = min(nextWake ?? wakeAt, wakeAt) }
        entries[key] = entry
    }

    mutating func forgetKeys(unusedSince moment: Timestamp) {
        for (key, entry) in entries where entry.keys.map({ $0.usedAt < moment }) ?? false {
            entries[key]?.keys = nil
        }
    }

    mutating func remove(_ key: WebhookKey) {
        // It may have been activated again meanwhile.
        guard entries[key]?.hasNews == false else { return finish(key, Outcome()) }
        entries[key] = nil
        waiting.remove(key)
        byWorkspace[key.workspaceID]?.remove(key)
        if byWorkspace[key.workspaceID]?.isEmpty == true { byWorkspace[key.workspaceID] = nil }
        // Nothing to follow it for.
        if entries.isEmpty { followed = nil }
    }
}

extension JournalEntry.Kind {
    /// Whether it tells that a webhook is not what it was.
    fileprivate var isOfWebhook: Bool {
        switch self {
        case .webhookCreated, .webhookUpdated, .webhookDeleted, .webhookDisabled, .webhookReplayed: true
        default: false
        }
    }
}
