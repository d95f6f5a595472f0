import Connections
import LosslessJSON

/// What is under way for one webhook. It decides and remembers; whoever drives it reads, sends and writes. Time and jitter are
/// handed in.
///
/// Events go out side by side, so that one which is slow holds up none behind it. Each ends with a row: delivered, or pending
/// with the time of its next attempt. The position is the low-water mark of all that, written together with the rows; what lies
/// behind it after a crash is sent again.
///
/// An endpoint that fails several times in a row is left alone but for one message at a time, the next event if there is
/// one: the position stays where it is, and the backlog behind it takes no rows.
struct Lane: Sendable {
    /// An event on its way.
    struct Dispatch: Sendable {
        let eventID: EventID
        let kind: JournalEntry.Kind
        let payload: JSONText
        /// `nil` for a retry, which has a row.
        let position: Int64?
        /// Before this one.
        let attempts: Int
        /// Sent to see whether the endpoint is back.
        fileprivate(set) var isProbe = false

        var isRetry: Bool { position == nil }
    }

    enum Step {
        case send(Dispatch)
        case readEvents(after: Int64, limit: Int, Reading)
        case readDue(limit: Int, Reading)
        case write(Batch)
        /// There is nothing to start. `until` is when that may change by itself.
        case rest(until: Timestamp?)
    }

    /// Tells a reading that is still wanted from one that the endpoint's failure has overtaken.
    struct Reading: Sendable, Equatable { fileprivate let number: Int }

    /// What one unit of work writes.
    struct Batch: Sendable {
        let deliveries: [WebhookDelivery]
        let progress: WebhookProgress
        /// Why the webhook is given up; `nil` where it is not.
        let disablement: String?
        /// What was tried and not taken. What was held back was not tried.
        let failedAttempts: Int
        fileprivate let retries: Int
    }

    static let concurrency = 16
    /// So many of them at the most are retries: what failed before may fail slowly.
    static let retryConcurrency = 8
    static let pageSize = 500
    static let duePageSize = 100
    /// Below this many events in hand, more are read.
    private static let lowTide = 250
    private static let batchSize = 200
    /// Past so many results that wait to be written, nothing is sent.
    private static let maxUnwritten = 2_000
    /// How far the position moves over events of no interest before that alone is written down.
    private static let worthWriting: Int64 = 1_000
    /// In seconds, when the way to the host is shut, or crowded by ourselves.
    private static let heldPause: Int64 = 10

    let webhook: WebhookKey
    /// As it was last written, but for what `settle` has learnt of the endpoint since.
    private(set) var progress: WebhookProgress

    // Events
    private var readThrough: Int64
    private var fresh: ArraySlice<Dispatch> = []
    private var isAtEnd = false
    /// Positions of events that were sent and not settled.
    private var open: Set<Int64> = []

    // Retries
    private var retries: ArraySlice<Dispatch> = []
    /// Read and not written yet.
    private var openRetries = 0
    /// When rows are looked at next; `nil` while there are none.
    private var lookAt: Timestamp?

    // What is under way
    private(set) var underWay = 0
    private var retriesUnderWay = 0
    private var isReading = false
    private var isReadingDue = false
    private var isWriting = false
    private var reading = Reading(number: 0)
    private var results: [WebhookDelivery] = []
    private var settledRetries = 0
    private var failedAttempts = 0
    private var disablement: String?
    private var mayWrite = false
    /// Nothing more is begun.
    private(set) var isStopped = false
    /// What is remembered here does not fit the store any more: another lane is to be made for the next run.
    private(set) var isStale = false
    /// Something went wrong that only time can mend.
    private(set) var isTroubled = false
    /// What was settled cannot be written any more.
    private var isSpoiled = false

    init(_ webhook: Webhook, lookAt: Timestamp?) {
        self.webhook = webhook.key
        progress = webhook.progress
        readThrough = webhook.progress.position
        self.lookAt = lookAt
    }

    // MARK: What to do

    /// Asked again and again until it says to rest.
    mutating func next(at now: Timestamp) -> Step {
        if let batch = batch() { return .write(batch) }
        guard !isStopped, results.count < Self.maxUnwritten else { return .rest(until: nil) }
        if let resumeAt = progress.resumeAt { return probe(at: now, resumeAt) }
        if underWay < Self.concurrency {
            if retriesUnderWay < Self.retryConcurrency, let retry = retries.popFirst() { return send(retry) }
            if let event = fresh.popFirst() { return send(event) }
        }
        if !isReading, !isAtEnd, fresh.count < Self.lowTide { return readEvents(limit: Self.pageSize) }
        if isDue(at: now) { return readDue(limit: Self.duePageSize) }
        return .rest(until: openRetries == 0 ? lookAt : nil)
    }

    /// One message at a time: the next event rather than one that failed before, which may be at fault itself.
    private mutating func probe(at now: Timestamp, _ resumeAt: Timestamp) -> Step {
        guard underWay == 0, !isReading, !isReadingDue else { return .rest(until: nil) }
        guard now >= resumeAt else {
            if isAtEnd, fresh.isEmpty, retries.isEmpty {
                return .rest(until: openRetries == 0 ? lookAt.map { max($0, resumeAt) } : nil)
            }
            return .rest(until: resumeAt)
        }
        if var event = fresh.popFirst() ?? retries.popFirst() {
            event.isProbe = true
            return send(event)
        }
        if !isAtEnd { return readEvents(limit: 1) }
        if isDue(at: now) { return readDue(limit: 1) }
        return .rest(until: openRetries == 0 ? lookAt : nil)
    }

    private func isDue(at now: Timestamp) -> Bool {
        guard let lookAt, lookAt <= now else { return false }
        return !isReadingDue && openRetries == 0
    }

    private mutating func send(_ dispatch: Dispatch) -> Step {
        underWay += 1
        if let position = dispatch.position { open.insert(position) } else { retriesUnderWay += 1 }
        return .send(dispatch)
    }

    private mutating func readEvents(limit: Int) -> Step {
        isReading = true
        return .readEvents(after: readThrough, limit: limit, reading)
    }

    private mutating func readDue(limit: Int) -> Step {
        isReadingDue = true
        return .readDue(limit: limit, reading)
    }

    /// Whether nothing is under way, so that nothing will come back.
    var isIdle: Bool { underWay == 0 && !isReading && !isReadingDue && !isWriting && results.isEmpty }

    /// Whether results wait that a timer should see written.
    var hasUnwritten: Bool { !results.isEmpty && !isWriting }

    // MARK: Writing

    /// Every event up to here is settled.
    private var lowWater: Int64 {
        let unsettled = [open.min(), fresh.first?.position].compactMap(\.self).min()
        return unsettled.map { $0 - 1 } ?? readThrough
    }

    /// Results gather for a moment and are written together, at once where nothing else is under way.
    private mutating func batch() -> Batch? {
        guard !isWriting, !isSpoiled, !results.isEmpty || disablement != nil,
            mayWrite || underWay == 0 || results.count >= Self.batchSize
        else { return nil }
        return takeBatch()
    }

    /// The position alone, where it moved far over events of no interest.
    mutating func closingBatch() -> Batch? {
        guard isIdle, !isStale, lowWater - progress.position >= Self.worthWriting else { return nil }
        return takeBatch()
    }

    private mutating func takeBatch() -> Batch {
        var progress = progress
        progress.position = max(progress.position, lowWater)
        defer {
            results = []
            settledRetries = 0
            failedAttempts = 0
            mayWrite = false
            isWriting = true
        }
        return Batch(
            deliveries: results, progress: progress, disablement: disablement, failedAttempts: failedAttempts,
            retries: settledRetries)
    }

    /// The timer that was set when results began to gather has run.
    mutating func gathered() { mayWrite = !results.isEmpty }

    mutating func wrote(_ batch: Batch, at now: Timestamp) {
        isWriting = false
        progress.position = batch.progress.position
        openRetries -= batch.retries
        if batch.retries > 0, openRetries == 0 { lookAt = now }
        look(at: batch.deliveries.compactMap(\.dueAt).min())
        if batch.disablement != nil {
            disablement = nil
            isStopped = true
        }
    }

    /// What was to be written was not: the webhook was changed meanwhile or is gone, or else there is trouble.
    mutating func dropped(isTrouble: Bool) {
        isWriting = false
        isSpoiled = true
        isStale = true
        isStopped = true
        isTroubled = isTrouble
        results = []
        disablement = nil
    }

    private mutating func look(at time: Timestamp?) {
        guard let time else { return }
        lookAt = min(lookAt ?? time, time)
    }

    // MARK: What comes back

    mutating func read(_ events: [Dispatch], through: Int64, isEnd: Bool, _ reading: Reading) {
        isReading = false
        guard reading == self.reading else { return }
        fresh = fresh + events[...]
        readThrough = through
        isAtEnd = isEnd
    }

    /// - Parameters:
    ///   - lost: rows whose event is not kept any more.
    ///   - next: when a row is due next, were there none now.
    mutating func readDue(
        _ due: [Dispatch], lost: [WebhookDelivery], next: Timestamp?, _ reading: Reading, at now: Timestamp
    ) {
        isReadingDue = false
        guard reading == self.reading else {
            lookAt = now
            return
        }
        retries = due[...]
        openRetries = due.count + lost.count
        settledRetries += lost.count
        results += lost.map { delivery in
            var dead = delivery
            dead.state = .dead
            dead.dueAt = nil
            dead.lastError = "event_expired"
            dead.finishedAt = now
            return dead
        }
        lookAt = openRetries == 0 ? next : nil
    }

    /// Something was committed that may concern it.
    mutating func noteNews() { isAtEnd = false }

    /// Nothing more is begun; what is under way comes back.
    mutating func stop() { isStopped = true }

    /// What could not be read is asked for again with the next run.
    mutating func failedToReadEvents() {
        isReading = false
        isStopped = true
        isTroubled = true
    }

    mutating func failedToReadDue() {
        isReadingDue = false
        isStopped = true
        isTroubled = true
    }

    /// Begins another run, after one that has ended. What was read and not sent is read again.
    /// - Parameter lookAt: when a row is due next.
    mutating func resume(lookAt: Timestamp?) {
        isStopped = false
        isTroubled = false
        isAtEnd = false
        rewind()
        openRetries = 0
        self.lookAt = lookAt
    }

    // MARK: Settling

    mutating func settle(_ dispatch: Dispatch, _ receipt: WebhookReceipt, at now: Timestamp, jitter: Double) {
        underWay -= 1
        if dispatch.isRetry { retriesUnderWay -= 1 }
        guard receipt.fault != .cancelled else {
            // Its position stays open, so that the next lane sends it again.
            if dispatch.isRetry { openRetries -= 1 }
            isStopped = true
            isStale = true
            isTroubled = true
            return
        }
        if let position = dispatch.position { open.remove(position) } else { settledRetries += 1 }
        switch receipt.fault {
        case .none: succeed(dispatch)
        case .busy: wait(at: now)
        case .endpoint, .held, .cancelled: fail(dispatch, receipt, at: now, jitter: jitter)
        }
        if receipt.fault == .endpoint { failedAttempts += 1 }
        if !isSpoiled { results.append(delivery(dispatch, receipt, at: now, jitter: jitter)) }
    }

    private func delivery(
        _ dispatch: Dispatch, _ receipt: WebhookReceipt, at now: Timestamp, jitter: Double
    ) -> WebhookDelivery {
        let wasTried = receipt.fault != .held && receipt.fault != .busy
        var delivery = WebhookDelivery(
            webhook: webhook, eventID: dispatch.eventID, kind: dispatch.kind, state: .delivered,
            attempts: dispatch.attempts + (wasTried ? 1 : 0), lastStatus: receipt.status, lastError: receipt.error,
            createdAt: now)
        let pause: Int64? =
            switch receipt.fault {
            case .none: nil
            case .held, .busy: Self.heldPause
            case .endpoint, .cancelled:
                RetrySchedule.pause(after: delivery.attempts, jitter: jitter, retryAfter: receipt.retryAfter)
            }
        if let pause {
            delivery.state = .pending
            delivery.dueAt = now.advanced(bySeconds: pause)
        } else {
            delivery.state = receipt.isDelivered ? .delivered : .dead
            delivery.finishedAt = now
        }
        return delivery
    }

    /// One that was sent before the endpoint failed says nothing of it now.
    private mutating func succeed(_ dispatch: Dispatch) {
        progress.failures = 0
        progress.failingSince = nil
        if dispatch.isProbe { progress.resumeAt = nil }
    }

    /// The host has its fill from here, of which the endpoint is not to blame: nothing is counted, and the backlog stays
    /// where it is rather than become rows that find no room either.
    private mutating func wait(at now: Timestamp) {
        progress.resumeAt = max(progress.resumeAt ?? now, now.advanced(bySeconds: Self.heldPause))
        rewind()
    }

    private mutating func fail(
        _ dispatch: Dispatch, _ receipt: WebhookReceipt, at now: Timestamp, jitter: Double
    ) {
        progress.failures += 1
        let since = progress.failingSince ?? now
        progress.failingSince = since
        if receipt.status == 410 {
            disablement = "gone"
            isStopped = true
        } else if progress.failures >= ProbeSchedule.failuresToDisable,
            since.advanced(bySeconds: ProbeSchedule.secondsToDisable) <= now
        {
            disablement = "failing"
            isStopped = true
        }
        guard dispatch.isProbe || progress.failures >= ProbeSchedule.failuresToHold || receipt.retryAfter != nil
        else { return }
        let pause = ProbeSchedule.pause(
            failingFor: Double(now.microseconds - since.microseconds) / 1e6, jitter: jitter,
            retryAfter: receipt.retryAfter)
        progress.resumeAt = max(progress.resumeAt ?? now, now.advanced(bySeconds: pause))
        rewind()
    }

    /// Lets go of what was not sent.
    private mutating func rewind() {
        reading = Reading(number: reading.number + 1)
        if let first = fresh.first?.position {
            readThrough = first - 1
            isAtEnd = false
        }
        fresh = []
        guard !retries.isEmpty else { return }
        openRetries -= retries.count
        retries = []
        // They are due still. Rows that are being written set this themselves.
        if openRetries == 0 { lookAt = .distantPast }
    }
}

extension Timestamp {
    fileprivate static let distantPast = Timestamp(microseconds: 0)
}
