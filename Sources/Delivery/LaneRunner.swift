import Connections
import Logging
import LosslessJSON

/// Drives a lane: reads, sends and writes for it, until there is nothing more to do for now.
struct LaneRunner: Sendable {
    /// What a running lane is told: by the dispatcher, and by the work that it has begun.
    enum Message: Sendable {
        /// Something was committed that may concern it.
        case news
        /// The webhook was changed: nothing more is to be begun.
        case drain
        /// The service ends: what is under way is waited for a moment only.
        case end
        case sent(Lane.Dispatch, WebhookReceipt)
        case events(EventPage, [Lane.Dispatch], Lane.Reading)
        case eventsFailed
        case due([DueDelivery], [Lane.Dispatch], next: Timestamp?, Lane.Reading)
        case dueFailed
        case wrote(Lane.Batch, Written)
        case gathered
        /// It is time to look again.
        case wake
        /// What is under way is not waited for any longer.
        case cut
    }

    enum Written: Sendable {
        case whole
        /// The webhook is not what it was when the lane began.
        case superseded
        case failed
    }

    typealias Mailbox = AsyncStream<Message>.Continuation

    let store: any Store
    let ambient: Ambient
    let outlet: any WebhookOutlet
    let turnstile: Turnstile
    let meter: DeliveryMeter
    let logger: Logger

    /// How long results gather before they are written.
    fileprivate static let gathering = Duration.milliseconds(25)
    /// How long what is under way may take once the lane was stopped.
    fileprivate static let patience = Duration.seconds(4)
    private static let storePause = Duration.seconds(1)
    /// How many entries of a workspace are looked through for one page.
    fileprivate static let reach = 5_000

    /// Returns when there may be something to do again; `nil` where only news can tell.
    func run(
        _ lane: inout Lane, url: String, filter: EventFilter, keys: SigningKeys, messages: AsyncStream<Message>,
        mailbox: Mailbox
    ) async -> Timestamp? {
        await withDiscardingTaskGroup { group in
            var run = Run(runner: self, url: url, filter: filter, keys: keys, mailbox: mailbox)
            var iterator = messages.makeAsyncIterator()
            while true {
                let until = run.start(&lane, in: &group)
                if lane.isIdle {
                    group.cancelAll()
                    return until
                }
                guard let message = await iterator.next() else { return nil }
                run.take(message, &lane, in: &group)
            }
        }
    }
}

/// What one run remembers beside the lane.
private struct Run {
    private let runner: LaneRunner
    private let url: String
    private let filter: EventFilter
    private let keys: SigningKeys
    private let mailbox: LaneRunner.Mailbox
    private var isGathering = false
    private var isEnding = false
    private var wakeAt: Timestamp?

    init(
        runner: LaneRunner, url: String, filter: EventFilter, keys: SigningKeys, mailbox: LaneRunner.Mailbox
    ) {
        self.runner = runner
        self.url = url
        self.filter = filter
        self.keys = keys
        self.mailbox = mailbox
    }

    /// Begins all that the lane wants, and returns when it may want more.
    mutating func start(_ lane: inout Lane, in group: inout DiscardingTaskGroup) -> Timestamp? {
        while true {
            switch lane.next(at: runner.ambient.now()) {
            case .send(let dispatch): send(dispatch, in: &group)
            case .readEvents(let after, let limit, let reading):
                readEvents(of: lane.webhook.workspaceID, after: after, limit: limit, reading, in: &group)
            case .readDue(let limit, let reading): readDue(of: lane.webhook, limit: limit, reading, in: &group)
            case .write(let batch): write(batch, of: lane.webhook, in: &group)
            case .rest(let until):
                if let batch = lane.closingBatch() {
                    write(batch, of: lane.webhook, in: &group)
                    return nil
                }
                setTimers(lane, until: until, in: &group)
                return until
            }
        }
    }

    mutating func take(_ message: LaneRunner.Message, _ lane: inout Lane, in group: inout DiscardingTaskGroup) {
        let now = runner.ambient.now()
        switch message {
        case .news: lane.noteNews()
        case .sent(let dispatch, let receipt):
            lane.settle(dispatch, receipt, at: now, jitter: runner.ambient.jitter())
        case .events(let page, let dispatches, let reading):
            lane.read(dispatches, through: page.through, isEnd: page.isEnd, reading)
        case .due(let due, let dispatches, let next, let reading):
            let lost = due.filter { $0.event == nil }.map(\.delivery)
            lane.readDue(dispatches, lost: lost, next: next, reading, at: now)
        case .eventsFailed: lane.failedToReadEvents()
        case .dueFailed: lane.failedToReadDue()
        case .wrote(let batch, .whole): lane.wrote(batch, at: now)
        case .wrote(_, .superseded): lane.dropped(isTrouble: false)
        case .wrote(_, .failed): lane.dropped(isTrouble: true)
        case .gathered:
            isGathering = false
            lane.gathered()
        case .wake: wakeAt = nil
        case .drain: lane.stop()
        case .end:
            lane.stop()
            guard !isEnding else { return }
            isEnding = true
            sendSelf(.cut, after: LaneRunner.patience, in: &group)
        case .cut: group.cancelAll()
        }
    }

    // MARK: Timers

    private mutating func setTimers(_ lane: Lane, until: Timestamp?, in group: inout DiscardingTaskGroup) {
        if lane.hasUnwritten, !isGathering {
            isGathering = true
            sendSelf(.gathered, after: LaneRunner.gathering, in: &group)
        }
        let now = runner.ambient.now()
        guard let until, until > now, !lane.isIdle, wakeAt.map({ until < $0 }) ?? true else { return }
        wakeAt = until
        sendSelf(.wake, after: .microseconds(until.microseconds - now.microseconds), in: &group)
    }

    private func sendSelf(
        _ message: LaneRunner.Message, after pause: Duration, in group: inout DiscardingTaskGroup
    ) {
        group.addTask { [mailbox] in
            try? await Task.sleep(for: pause)
            mailbox.yield(message)
        }
    }

    // MARK: Work

    private func send(_ dispatch: Lane.Dispatch, in group: inout DiscardingTaskGroup) {
        group.addTask { [runner, url, keys, mailbox] in
            guard await runner.turnstile.enter() else {
                mailbox.yield(.sent(dispatch, WebhookReceipt(fault: .cancelled)))
                return
            }
            let receipt = await runner.outlet.send(
                WebhookMessage(
                    url: url, id: dispatch.eventID, payload: dispatch.payload,
                    keys: keys.valid(at: runner.ambient.now())))
            runner.turnstile.leave()
            mailbox.yield(.sent(dispatch, receipt))
        }
    }

    private func readEvents(
        of workspace: WorkspaceID, after: Int64, limit: Int, _ reading: Lane.Reading,
        in group: inout DiscardingTaskGroup
    ) {
        var query = EventQuery(workspace: workspace, after: after, limit: limit, reach: LaneRunner.reach)
        query.kinds = filter.kinds
        group.addTask { [runner, mailbox, query] in
            do {
                let page = try await runner.store.events(query)
                mailbox.yield(.events(page, page.events.map { Lane.Dispatch($0) }, reading))
            } catch {
                runner.note(error)
                mailbox.yield(.eventsFailed)
            }
        }
    }

    private func readDue(
        of webhook: WebhookKey, limit: Int, _ reading: Lane.Reading, in group: inout DiscardingTaskGroup
    ) {
        group.addTask { [runner, mailbox] in
            do {
                let due = try await runner.store.dueDeliveries(
                    of: webhook, at: runner.ambient.now(), limit: limit)
                let next = due.isEmpty ? try await runner.store.nextDueDelivery(of: webhook) : nil
                mailbox.yield(.due(due, due.compactMap { Lane.Dispatch($0) }, next: next, reading))
            } catch {
                runner.note(error)
                mailbox.yield(.dueFailed)
            }
        }
    }

    private func write(_ batch: Lane.Batch, of webhook: WebhookKey, in group: inout DiscardingTaskGroup) {
        group.addTask { [runner, mailbox] in
            mailbox.yield(.wrote(batch, await runner.write(batch, of: webhook)))
        }
    }
}

extension LaneRunner {
    /// A store that takes no writes now is asked again and again.
    fileprivate func write(_ batch: Lane.Batch, of webhook: WebhookKey) async -> Written {
        while true {
            do {
                guard try await store.write({ tx in try write(batch, of: webhook, tx: tx) }) else {
                    return .superseded
                }
                meter.count(batch)
                return .whole
            } catch {
                note(error)
                guard case StoreError.unavailable = error,
                    (try? await Task.sleep(for: Self.storePause)) != nil
                else { return .failed }
            }
        }
    }

    private func write(_ batch: Lane.Batch, of webhook: WebhookKey, tx: any StoreTransaction) throws -> Bool {
        guard var row = try tx.webhook(webhook.webhookID, in: webhook.workspaceID) else { return false }
        for delivery in batch.deliveries { try tx.put(delivery) }
        guard try tx.advance(webhook, to: batch.progress) else { return false }
        guard let reason = batch.disablement, row.status == .active else { return true }
        let now = ambient.now()
        row.progress = batch.progress
        row.disable(reason: reason, at: now)
        try tx.update(row)
        try tx.append(
            JournalEntry(
                .webhookDisabled, in: row.workspaceID, subject: row.id.description,
                data: .disabled(reason, batch.progress)),
            id: ambient.id(), cause: Cause(principal: .system, requestID: row.id.description, at: now))
        return true
    }

    fileprivate func note(_ error: any Error) {
        logger.warning("webhook delivery stopped short", metadata: ["error.reason": "\(error)"])
    }
}

extension Lane.Dispatch {
    fileprivate init(_ event: Event) {
        self.init(
            eventID: event.id, kind: event.record.kind, payload: .event(event), position: event.position, attempts: 0)
    }

    fileprivate init?(_ due: DueDelivery) {
        guard let event = due.event else { return nil }
        self.init(
            eventID: event.id, kind: event.record.kind, payload: .event(event), position: nil,
            attempts: due.delivery.attempts)
    }
}

extension JSONText {
    fileprivate static func event(_ event: Event) -> JSONText {
        var json = JSONWriter(capacity: 512)
        json.event(event)
        return json.text
    }

    fileprivate static func disabled(_ reason: String, _ progress: WebhookProgress) -> JSONText {
        var json = JSONWriter(capacity: 128)
        json.object { json in
            json.key("reason_code")
            json.value(reason)
            json.key("failures")
            json.value(progress.failures)
            json.key("failing_since")
            json.value(progress.failingSince?.rfc3339)
        }
        return json.text
    }
}
