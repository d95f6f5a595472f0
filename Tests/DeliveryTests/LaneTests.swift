import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import Delivery

/// The decisions alone: no store, no sockets, and time is handed in.
@Suite struct LaneTests {
    private static let webhook = Webhook(
        id: .numbered(1), workspaceID: .numbered(1), url: "https://app.test/", label: nil, filter: .all,
        secret: SealedSigningSecret(bytes: [], generation: 1), progress: WebhookProgress(position: 100),
        createdBy: "test", createdAt: .t0, updatedAt: .t0)

    private static func lane(_ progress: WebhookProgress = WebhookProgress(position: 100)) -> Lane {
        var webhook = webhook
        webhook.progress = progress
        return Lane(webhook, lookAt: nil)
    }

    /// An event at each of these positions.
    private static func events(_ positions: ClosedRange<Int64>) -> [Lane.Dispatch] {
        positions.map { position in
            Lane.Dispatch(
                eventID: .numbered(UInt64(position)), kind: .connectionUpdated, payload: .emptyObject,
                position: position, attempts: 0)
        }
    }

    private static func retries(_ count: Int) -> [Lane.Dispatch] {
        (0..<count).map { number in
            Lane.Dispatch(
                eventID: .numbered(UInt64(number)), kind: .connectionUpdated, payload: .emptyObject, position: nil,
                attempts: 1)
        }
    }

    /// What a lane wanted until it rested.
    private struct Wants {
        var sent: [Lane.Dispatch] = []
        var batch: Lane.Batch?
        var readEvents: (after: Int64, limit: Int, reading: Lane.Reading)?
        var readDue: (limit: Int, reading: Lane.Reading)?
        var until: Timestamp?
    }

    private static func wants(_ lane: inout Lane, at now: Timestamp = .t0) -> Wants {
        var wants = Wants()
        while true {
            switch lane.next(at: now) {
            case .send(let dispatch): wants.sent.append(dispatch)
            case .readEvents(let after, let limit, let reading): wants.readEvents = (after, limit, reading)
            case .readDue(let limit, let reading): wants.readDue = (limit, reading)
            case .write(let batch): wants.batch = batch
            case .rest(let until):
                wants.until = until
                return wants
            }
        }
    }

    /// A lane with these events in hand, and those that it sends first.
    private static func loaded(_ positions: ClosedRange<Int64>) throws -> (lane: Lane, sent: [Lane.Dispatch]) {
        var lane = lane()
        let read = try #require(wants(&lane).readEvents)
        #expect(read.after == 100)
        lane.read(events(positions), through: positions.upperBound, isEnd: true, read.reading)
        let sent = wants(&lane).sent
        return (lane, sent)
    }

    // MARK: Sending

    @Test func `so many are sent side by side, and each that comes back makes room`() throws {
        var (lane, sent) = try Self.loaded(101...140)
        #expect(sent.map(\.position) == (101...116).map { Int64($0) })
        lane.settle(sent[3], .status(200), at: .t0, jitter: 0)
        #expect(Self.wants(&lane).sent.map(\.position) == [117])
    }

    @Test func `the position waits for the slowest, the rows do not`() throws {
        var (lane, sent) = try Self.loaded(101...104)
        for dispatch in sent where dispatch.position != 102 {
            lane.settle(dispatch, .status(200), at: .t0, jitter: 0)
        }
        #expect(Self.wants(&lane).batch == nil)
        lane.gathered()
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.deliveries.map(\.state) == [.delivered, .delivered, .delivered])
        #expect(batch.progress.position == 101)
        lane.wrote(batch, at: .t0)
        lane.settle(sent[1], .status(200), at: .t0, jitter: 0)
        // Nothing else is under way: this is written at once.
        let last = try #require(Self.wants(&lane).batch)
        #expect(last.progress.position == 104)
        lane.wrote(last, at: .t0)
        #expect(lane.isIdle)
        #expect(lane.progress.position == 104)
    }

    @Test func `one write is under way at a time, and takes all that came meanwhile`() throws {
        var (lane, sent) = try Self.loaded(101...103)
        lane.settle(sent[0], .status(200), at: .t0, jitter: 0)
        lane.gathered()
        let first = try #require(Self.wants(&lane).batch)
        lane.settle(sent[1], .status(200), at: .t0, jitter: 0)
        lane.settle(sent[2], .status(200), at: .t0, jitter: 0)
        #expect(Self.wants(&lane).batch == nil)
        #expect(!lane.isIdle)
        lane.wrote(first, at: .t0)
        #expect(Self.wants(&lane).batch?.deliveries.count == 2)
    }

    @Test func `events of no interest move the position, which is not worth a write for a few`() throws {
        for (through, isWritten) in [(Int64(500), false), (5_000, true)] {
            var lane = Self.lane()
            let read = try #require(Self.wants(&lane).readEvents)
            lane.read([], through: through, isEnd: true, read.reading)
            #expect(Self.wants(&lane).batch == nil)
            #expect(lane.closingBatch()?.progress.position == (isWritten ? through : nil))
        }
    }

    @Test func `more is read before all is sent`() throws {
        var lane = Self.lane()
        let read = try #require(Self.wants(&lane).readEvents)
        #expect(read.limit == Lane.pageSize)
        lane.read(Self.events(101...300), through: 300, isEnd: false, read.reading)
        #expect(Self.wants(&lane).readEvents?.after == 300)
    }

    // MARK: Failing

    @Test func `a failure becomes a row and stops nothing`() throws {
        var (lane, sent) = try Self.loaded(101...103)
        lane.settle(sent[0], .status(500), at: .t0, jitter: 0.5)
        for dispatch in sent.dropFirst() { lane.settle(dispatch, .status(200), at: .t0, jitter: 0) }
        let batch = try #require(Self.wants(&lane).batch)
        let failed = try #require(batch.deliveries.first)
        #expect(failed.state == .pending)
        #expect(failed.attempts == 1)
        #expect(failed.dueAt == .t0.advanced(bySeconds: 5))
        #expect(failed.lastStatus == 500)
        #expect(failed.lastError == "http_500")
        #expect(batch.progress.position == 103)
        #expect(batch.progress.failures == 0)
        lane.wrote(batch, at: .t0)
        #expect(Self.wants(&lane).until == failed.dueAt)
        let later = Timestamp.t0.advanced(bySeconds: 5)
        #expect(Self.wants(&lane, at: later).readDue != nil)
    }

    /// Sends everything and lets it fail, until the lane holds.
    private static func failing(_ positions: ClosedRange<Int64>) throws -> Lane {
        var (lane, sent) = try loaded(positions)
        for dispatch in sent { lane.settle(dispatch, .status(500), at: .t0, jitter: 0.5) }
        let batch = try #require(wants(&lane).batch)
        lane.wrote(batch, at: .t0)
        return lane
    }

    @Test func `an endpoint that fails keeps its backlog, and is tried with one event at a time`() throws {
        var lane = try Self.failing(101...400)
        // Those that were under way have rows, and the others have none.
        #expect(lane.progress.position == 116)
        #expect(lane.progress.failures == 16)
        let resumeAt = try #require(lane.progress.resumeAt)
        #expect(resumeAt == .t0.advanced(bySeconds: 5))
        let resting = Self.wants(&lane)
        #expect(resting.sent.isEmpty)
        #expect(resting.readEvents == nil)
        #expect(resting.until == resumeAt)

        let read = try #require(Self.wants(&lane, at: resumeAt).readEvents)
        #expect(read.limit == 1)
        #expect(read.after == 116)
        lane.read(Self.events(117...117), through: 117, isEnd: false, read.reading)
        let probe = Self.wants(&lane, at: resumeAt).sent
        #expect(probe.map(\.position) == [117])
        #expect(Self.wants(&lane, at: resumeAt).sent.isEmpty)

        lane.settle(probe[0], .status(500), at: resumeAt, jitter: 0.5)
        let batch = try #require(Self.wants(&lane, at: resumeAt).batch)
        // The next probe is another event: this one may be at fault itself.
        #expect(batch.progress.position == 117)
        #expect(try #require(batch.progress.resumeAt) > resumeAt)
    }

    @Test func `one success brings all of it back`() throws {
        var lane = try Self.failing(101...400)
        let now = try #require(lane.progress.resumeAt)
        let read = try #require(Self.wants(&lane, at: now).readEvents)
        lane.read(Self.events(117...117), through: 117, isEnd: false, read.reading)
        let probe = try #require(Self.wants(&lane, at: now).sent.first)
        lane.settle(probe, .status(200), at: now, jitter: 0.5)
        #expect(lane.progress.resumeAt == nil)
        #expect(lane.progress.failures == 0)
        #expect(lane.progress.failingSince == nil)
        #expect(Self.wants(&lane, at: now).readEvents?.limit == Lane.pageSize)
    }

    @Test func `what was under way before the failure does not bring it back`() throws {
        var (lane, sent) = try Self.loaded(101...116)
        for dispatch in sent.dropLast() { lane.settle(dispatch, .unreachable, at: .t0, jitter: 0.5) }
        lane.settle(sent[15], .status(200), at: .t0, jitter: 0.5)
        #expect(lane.progress.resumeAt != nil)
        #expect(lane.progress.failures == 0)
    }

    @Test func `a page that was asked for before the failure is not taken`() throws {
        var lane = Self.lane()
        let first = try #require(Self.wants(&lane).readEvents)
        lane.read(Self.events(101...110), through: 110, isEnd: false, first.reading)
        let wants = Self.wants(&lane)
        let second = try #require(wants.readEvents)
        for dispatch in wants.sent { lane.settle(dispatch, .unreachable, at: .t0, jitter: 0.5) }
        lane.read(Self.events(111...300), through: 300, isEnd: true, second.reading)
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.progress.position == 110)
        lane.wrote(batch, at: .t0)
        let resumeAt = try #require(lane.progress.resumeAt)
        #expect(Self.wants(&lane, at: resumeAt).readEvents?.after == 110)
    }

    @Test func `Retry-After holds back all of it`() throws {
        var (lane, sent) = try Self.loaded(101...101)
        lane.settle(sent[0], .status(429, retryAfter: 90), at: .t0, jitter: 0.5)
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.deliveries.first?.dueAt == .t0.advanced(bySeconds: 90))
        #expect(batch.progress.resumeAt == .t0.advanced(bySeconds: 90))
    }

    @Test func `a way that is shut is no attempt`() throws {
        var (lane, sent) = try Self.loaded(101...101)
        lane.settle(sent[0], .held, at: .t0, jitter: 0.5)
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.deliveries.first?.attempts == 0)
        #expect(batch.deliveries.first?.state == .pending)
        #expect(batch.deliveries.first?.lastError == "host_failing")
        #expect(batch.failedAttempts == 0)
    }

    @Test func `where we crowd the host ourselves, the endpoint is not to blame`() throws {
        let since = Timestamp.t0.advanced(bySeconds: -6 * 86_400)
        var lane = Self.lane(
            WebhookProgress(position: 100, failures: 20, failingSince: since, resumeAt: .t0))
        let read = try #require(Self.wants(&lane).readEvents)
        lane.read(Self.events(101...101), through: 101, isEnd: true, read.reading)
        let probe = try #require(Self.wants(&lane).sent.first)
        lane.settle(probe, .busy, at: .t0, jitter: 0.5)
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.disablement == nil)
        #expect(batch.progress.failures == 20)
        #expect(batch.progress.failingSince == since)
        #expect(batch.failedAttempts == 0)
        #expect(batch.deliveries.map(\.attempts) == [0])
        #expect(batch.deliveries.map(\.lastError) == ["host_busy"])
        #expect(batch.deliveries.first?.dueAt == .t0.advanced(bySeconds: 10))
    }

    @Test func `where we crowd the host ourselves, the backlog waits without rows`() throws {
        var (lane, sent) = try Self.loaded(101...140)
        for dispatch in sent { lane.settle(dispatch, .busy, at: .t0, jitter: 0.5) }
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.deliveries.count == sent.count)
        #expect(batch.progress.position == 116)
        #expect(batch.progress.failures == 0)
        lane.wrote(batch, at: .t0)
        let resting = Self.wants(&lane)
        #expect(resting.sent.isEmpty)
        #expect(resting.until == .t0.advanced(bySeconds: 10))
    }

    @Test func `what was tried and not taken is counted as a failure, and nothing else is`() throws {
        var (lane, sent) = try Self.loaded(101...104)
        let receipts: [WebhookReceipt] = [.status(200), .status(500), .held, .busy]
        for (dispatch, receipt) in zip(sent, receipts) {
            lane.settle(dispatch, receipt, at: .t0, jitter: 0.5)
        }
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.deliveries.count == 4)
        #expect(batch.failedAttempts == 1)
        let meter = DeliveryMeter()
        meter.count(batch)
        #expect(meter.delivered == 1)
        #expect(meter.failed == 1)
        #expect(meter.dead == 0)
    }

    // MARK: Giving up

    @Test func `410 gives the webhook up at once`() throws {
        var (lane, sent) = try Self.loaded(101...140)
        lane.settle(sent[0], .status(410), at: .t0, jitter: 0.5)
        #expect(Self.wants(&lane).sent.isEmpty)
        for dispatch in sent.dropFirst() { lane.settle(dispatch, .status(200), at: .t0, jitter: 0.5) }
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.disablement == "gone")
        #expect(batch.progress.position == 116)
        // It is delivered when somebody activates the webhook again.
        #expect(batch.deliveries.first?.state == .pending)
        lane.wrote(batch, at: .t0)
        #expect(lane.isStopped)
        #expect(lane.isIdle)
    }

    static let endings: [(days: Int64, failures: Int, isDisabled: Bool)] = [
        (6, 20, true), (6, 5, false), (4, 200, false), (5, 9, true),
    ]

    @Test(arguments: endings)
    func `what fails for days is given up`(_ days: Int64, _ failures: Int, _ isDisabled: Bool) throws {
        var lane = Self.lane(
            WebhookProgress(position: 100, failures: failures, failingSince: .t0, resumeAt: .t0))
        let now = Timestamp.t0.advanced(bySeconds: days * 86_400)
        let read = try #require(Self.wants(&lane, at: now).readEvents)
        lane.read(Self.events(101...101), through: 101, isEnd: true, read.reading)
        let probe = try #require(Self.wants(&lane, at: now).sent.first)
        lane.settle(probe, .unreachable, at: now, jitter: 0.5)
        #expect(Self.wants(&lane, at: now).batch?.disablement == (isDisabled ? "failing" : nil))
    }

    // MARK: Retries

    @Test func `retries take half of the room`() throws {
        var lane = Lane(Self.webhook, lookAt: .t0)
        let wants = Self.wants(&lane)
        let due = try #require(wants.readDue)
        let read = try #require(wants.readEvents)
        lane.readDue(Self.retries(20), lost: [], next: nil, due.reading, at: .t0)
        lane.read(Self.events(101...140), through: 140, isEnd: true, read.reading)
        let sent = Self.wants(&lane).sent
        #expect(sent.count == Lane.concurrency)
        #expect(sent.count { $0.isRetry } == Lane.retryConcurrency)
    }

    @Test func `rows are looked at again once those in hand are written`() throws {
        var lane = Lane(Self.webhook, lookAt: .t0)
        let wants = Self.wants(&lane)
        let due = try #require(wants.readDue)
        lane.read([], through: 100, isEnd: true, try #require(wants.readEvents).reading)
        lane.readDue(Self.retries(2), lost: [], next: nil, due.reading, at: .t0)
        let sent = Self.wants(&lane).sent
        #expect(sent.count == 2)
        #expect(Self.wants(&lane).readDue == nil)
        lane.settle(sent[0], .status(200), at: .t0, jitter: 0.5)
        lane.settle(sent[1], .status(500), at: .t0, jitter: 0.5)
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.deliveries.map(\.attempts) == [2, 2])
        #expect(batch.progress.position == 100)
        lane.wrote(batch, at: .t0)
        let again = try #require(Self.wants(&lane).readDue)
        lane.readDue([], lost: [], next: .t0.advanced(bySeconds: 30), again.reading, at: .t0)
        #expect(Self.wants(&lane).until == .t0.advanced(bySeconds: 30))
        #expect(lane.isIdle)
    }

    @Test func `a row without its event is dead`() throws {
        var lane = Lane(Self.webhook, lookAt: .t0)
        let wants = Self.wants(&lane)
        lane.read([], through: 100, isEnd: true, try #require(wants.readEvents).reading)
        let lost = WebhookDelivery(
            webhook: Self.webhook.key, eventID: .numbered(9), kind: .connectionUpdated, state: .pending, attempts: 3,
            dueAt: .t0, createdAt: .t0)
        lane.readDue([], lost: [lost], next: nil, try #require(wants.readDue).reading, at: .t0)
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.deliveries.map(\.state) == [.dead])
        #expect(batch.deliveries.first?.lastError == "event_expired")
        #expect(batch.failedAttempts == 0)
        #expect(batch.deliveries.first?.dueAt == nil)
        lane.wrote(batch, at: .t0)
        #expect(Self.wants(&lane).readDue != nil)
    }

    @Test func `while the endpoint fails and nothing new is there, one row is the probe`() throws {
        var lane = Lane(
            {
                var webhook = Self.webhook
                webhook.progress.failures = 7
                webhook.progress.failingSince = .t0
                webhook.progress.resumeAt = .t0
                return webhook
            }(), lookAt: .t0)
        let read = try #require(Self.wants(&lane).readEvents)
        lane.read([], through: 100, isEnd: true, read.reading)
        let due = try #require(Self.wants(&lane).readDue)
        #expect(due.limit == 1)
        lane.readDue(Self.retries(1), lost: [], next: nil, due.reading, at: .t0)
        let probe = try #require(Self.wants(&lane).sent.first)
        lane.settle(probe, .status(200), at: .t0, jitter: 0.5)
        #expect(lane.progress.resumeAt == nil)
    }

    // MARK: Ends

    @Test func `what was cut off is not settled`() throws {
        var (lane, sent) = try Self.loaded(101...103)
        lane.settle(sent[0], .status(200), at: .t0, jitter: 0.5)
        lane.settle(sent[1], .cancelled, at: .t0, jitter: 0.5)
        lane.settle(sent[2], .status(200), at: .t0, jitter: 0.5)
        let batch = try #require(Self.wants(&lane).batch)
        #expect(batch.deliveries.count == 2)
        #expect(batch.progress.position == 101)
        lane.wrote(batch, at: .t0)
        #expect(lane.isStale)
        #expect(lane.isIdle)
    }

    @Test func `a stopped lane writes what comes back and begins nothing`() throws {
        var (lane, sent) = try Self.loaded(101...140)
        lane.stop()
        for dispatch in sent { lane.settle(dispatch, .status(200), at: .t0, jitter: 0.5) }
        let wants = Self.wants(&lane)
        #expect(wants.sent.isEmpty)
        #expect(wants.batch?.progress.position == 116)
        lane.wrote(try #require(wants.batch), at: .t0)
        #expect(lane.isIdle)
        lane.resume(lookAt: nil)
        #expect(Self.wants(&lane).readEvents?.after == 116)
    }

    @Test func `what could not be written leads to nothing being written`() throws {
        var (lane, sent) = try Self.loaded(101...103)
        lane.settle(sent[0], .status(200), at: .t0, jitter: 0.5)
        lane.gathered()
        _ = try #require(Self.wants(&lane).batch)
        lane.settle(sent[1], .status(200), at: .t0, jitter: 0.5)
        lane.dropped(isTrouble: true)
        lane.settle(sent[2], .status(200), at: .t0, jitter: 0.5)
        #expect(Self.wants(&lane).batch == nil)
        #expect(lane.isIdle)
        #expect(lane.isStale)
        #expect(lane.isTroubled)
        #expect(lane.closingBatch() == nil)
    }
}
