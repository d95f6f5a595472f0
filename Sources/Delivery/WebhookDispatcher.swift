package import Connections
package import Logging
import ServiceLifecycle
import Synchronization

/// Follows the journal and delivers what webhooks want of it.
///
/// It reads the journal once for all of them and wakes the lanes that something concerns; one that nothing concerns costs
/// nothing. What is changed of webhooks stands in the journal too, and is learnt there.
package final class WebhookDispatcher: Service, CustomStringConvertible, Sendable {
    private let store: any Store
    private let vault: any SecretVault
    private let ambient: Ambient
    private let signal: JournalSignal
    private let pause: InstancePause
    private let runner: LaneRunner
    private let logger: Logger
    package let meter: DeliveryMeter
    private let roster = Mutex(Roster())
    private let isEnding = Atomic<Bool>(false)

    /// Messages under way at once, to all endpoints.
    private static let concurrency = 128
    private static let stepsAtOnce = 5_000
    /// Other processes may write without telling.
    private static let poll = Duration.seconds(2)
    /// However much is committed, it is not looked more often than so.
    private static let breath = Duration.milliseconds(20)
    private static let tidyInterval = Duration.seconds(15)
    /// In seconds, after something that only time can mend.
    private static let shortPause: Int64 = 5
    private static let troublePause: Int64 = 60
    /// How long a lane may be idle before what it signs with is forgotten.
    private static let keyLifetime: Int64 = 60

    package init(
        store: any Store, vault: any SecretVault, ambient: Ambient, signal: JournalSignal, outlet: any WebhookOutlet,
        pause: InstancePause, logger: Logger
    ) {
        self.store = store
        self.vault = vault
        self.ambient = ambient
        self.signal = signal
        self.pause = pause
        self.logger = logger
        meter = DeliveryMeter()
        runner = LaneRunner(
            store: store, ambient: ambient, outlet: outlet, turnstile: Turnstile(capacity: Self.concurrency),
            meter: meter, logger: logger)
    }

    package var description: String { "WebhookDispatcher" }

    // MARK: Running

    package func run() async throws {
        await withDiscardingTaskGroup { group in
            await withGracefulShutdownHandler {
                await serve(in: &group)
            } onGracefulShutdown: { [self] in
                isEnding.store(true, ordering: .releasing)
                signal.notify()
            }
            // The group waits for what is under way.
            for mailbox in roster.withLock({ $0.mailboxes }) { mailbox.yield(.end) }
        }
    }

    private func serve(in group: inout DiscardingTaskGroup) async {
        var tidied: ContinuousClock.Instant?
        while !isEnding.load(ordering: .acquiring), !Task.isCancelled {
            let seen = signal.commits
            for key in await ready() { group.addTask { await self.run(key) } }
            if tidied.map({ $0.duration(to: .now) >= Self.tidyInterval }) ?? true {
                tidied = .now
                await tidy()
            }
            await signal.wait(past: seen, atMost: patience())
            try? await Task.sleep(for: Self.breath)
        }
    }

    /// Delivers everything that can be delivered now, and returns once nothing is under way.
    package func settle() async {
        while true {
            let keys = await ready()
            if keys.isEmpty { return }
            await withDiscardingTaskGroup { group in
                for key in keys { group.addTask { await self.run(key) } }
            }
        }
    }

    private func patience() -> Duration {
        guard let next = roster.withLock({ $0.nextWake }) else { return Self.poll }
        return min(Self.poll, max(Self.breath, .microseconds(next.microseconds - ambient.now().microseconds)))
    }

    private func tidy() async {
        let moment = ambient.now().advanced(bySeconds: -Self.keyLifetime)
        roster.withLock { $0.forgetKeys(unusedSince: moment) }
        guard let count = try? await store.countPendingDeliveries() else { return }
        meter.note(pending: count)
    }

    // MARK: Following

    /// The lanes that have something to do. They count as running from here on.
    private func ready() async -> [WebhookKey] {
        guard !pause.isPaused else { return [] }
        do {
            try await follow()
        } catch {
            logger.warning("webhooks do not follow the journal", metadata: ["error.reason": "\(error)"])
        }
        let now = ambient.now()
        return roster.withLock { $0.start(at: now) }
    }

    private func follow() async throws {
        guard var position = roster.withLock({ $0.followed }) else { return try await load() }
        while true {
            let steps = try await store.journalSteps(after: position, limit: Self.stepsAtOnce)
            guard let last = steps.last else { return }
            position = last.position
            let told = roster.withLock { $0.follow(steps) }
            for (mailbox, message) in told { mailbox.yield(message) }
            if steps.count < Self.stepsAtOnce { return }
        }
    }

    /// Where there is no webhook, nothing has to be followed.
    private func load() async throws {
        let position = try await store.newestPosition()
        let webhooks = try await store.activeWebhooks()
        guard !webhooks.isEmpty else { return }
        roster.withLock { $0.begin(webhooks, at: position) }
    }

    // MARK: One lane

    private func run(_ key: WebhookKey) async {
        let (messages, mailbox) = AsyncStream.makeStream(of: LaneRunner.Message.self)
        let left = roster.withLock { $0.take(key, mailbox: mailbox) }
        // Whoever comes to a mailbox later is told that it ends; this one may have come too late for that.
        if isEnding.load(ordering: .acquiring) { return }
        let outcome: Roster.Outcome
        do {
            guard let webhook = try await store.webhook(key.webhookID, in: key.workspaceID), webhook.status == .active
            else { return roster.withLock { $0.remove(key) } }
            let keys = try await self.keys(of: webhook, known: left.keys)
            let lookAt = try await store.nextDueDelivery(of: key)
            var lane = Lane(webhook, lookAt: lookAt)
            if let known = left.lane, known.fits(webhook) {
                lane = known
                lane.resume(lookAt: lookAt)
            }
            let wakeAt = await runner.run(
                &lane, url: webhook.url, filter: webhook.filter, keys: keys, messages: messages, mailbox: mailbox)
            let now = ambient.now()
            outcome = Roster.Outcome(
                lane: lane.isStale ? nil : lane, filter: webhook.filter,
                keys: Roster.KnownKeys(keys: keys, revision: webhook.revision, usedAt: now),
                wakeAt: lane.isTroubled ? now.advanced(bySeconds: Self.shortPause) : wakeAt,
                isTroubled: lane.isTroubled)
        } catch {
            logger.error(
                "webhook cannot be delivered to",
                metadata: ["webhook.id": "\(key.webhookID)", "error.reason": "\(error)"])
            outcome = Roster.Outcome(
                wakeAt: ambient.now().advanced(bySeconds: Self.troublePause), isTroubled: true)
        }
        roster.withLock { $0.finish(key, outcome) }
    }

    private func keys(of webhook: Webhook, known: Roster.KnownKeys?) async throws -> SigningKeys {
        if let known, known.revision == webhook.revision { return known.keys }
        return try await store.read { [vault] tx in
            try SigningKeys(
                of: webhook, keeper: SecretKeeper(vault: vault, tx: tx, workspace: webhook.workspaceID))
        }
    }
}

extension Lane {
    /// Whether what it remembers is of this row.
    fileprivate func fits(_ webhook: Webhook) -> Bool {
        progress.epoch == webhook.progress.epoch && progress.position == webhook.progress.position
    }
}
