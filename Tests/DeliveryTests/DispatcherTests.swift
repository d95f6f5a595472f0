import Connections
import LosslessJSON
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// The whole of it over a real store, with the other side in memory.
@Suite(.timeLimit(.minutes(2))) struct DispatcherTests {
    // MARK: Delivering

    @Test func `every event that is wanted arrives once and leaves a row`() async throws {
        try await Station.run { station in
            try await station.happen(3)
            let webhook = try await station.webhook()
            let wanted = try await station.happen(1_200)
            try await station.happen(5, .appFailing)
            try await station.happen(5, .connectionUpdated, in: Station.other)
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            #expect(Set(station.endpoint.ids) == Set(wanted))
            #expect(station.endpoint.ids.count == 1_200)
            let rows = try await station.deliveries(webhook)
            #expect(rows.count == 1_200)
            #expect(rows.allSatisfy { $0.state == .delivered && $0.attempts == 1 && $0.lastStatus == 204 })
            #expect(dispatcher.meter.delivered == 1_200)
            #expect(dispatcher.meter.failed == 0)
            // Nothing is sent again, by this one or by the next.
            await dispatcher.settle()
            await station.dispatcher().settle()
            #expect(station.endpoint.ids.count == 1_200)
        }
    }

    @Test func `what comes later is followed, for every webhook that wants it`() async throws {
        try await Station.run { station in
            let first = try await station.webhook()
            let second = try await station.webhook(in: Station.other, url: "https://other.test/")
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            let own = try await station.happen(2)
            let others = try await station.happen(1, .tested, in: Station.other)
            await dispatcher.settle()
            #expect(Set(station.endpoint.ids) == Set(own + others))
            #expect(try await station.deliveries(first).count == 2)
            #expect(try await station.deliveries(second).map(\.kind) == [.tested])
            #expect(
                Set(station.endpoint.messages.map(\.url)) == ["https://app.test/hook", "https://other.test/"])
        }
    }

    @Test func `a webhook that is made, changed or deleted is noticed`() async throws {
        try await Station.run { station in
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            let webhook = try await station.webhook()
            try await station.happen()
            await dispatcher.settle()
            #expect(station.endpoint.ids.count == 1)
            func change(_ status: Availability?, _ url: String?) async throws {
                _ = try await station.webhooks.update(
                    webhook.id, in: Station.workspace,
                    to: WebhookService.Change(
                        url: url.map { .value($0) } ?? .absent, label: .absent, filter: .absent,
                        status: status.map { .value($0) } ?? .absent), if: .none, cause: station.cause)
                await dispatcher.settle()
            }
            try await change(nil, "https://new.test/")
            try await station.happen()
            await dispatcher.settle()
            #expect(station.endpoint.messages.last?.url == "https://new.test/")
            try await change(.inactive, nil)
            try await station.happen()
            await dispatcher.settle()
            #expect(station.endpoint.ids.count == 2)
            // What it missed is sent once it is active again.
            try await change(.active, nil)
            #expect(station.endpoint.ids.count == 3)
            try await station.webhooks.delete(
                webhook.id, in: Station.workspace, if: .none, cause: station.cause)
            try await station.happen()
            await dispatcher.settle()
            #expect(station.endpoint.ids.count == 3)
        }
    }

    @Test func `a message is signed with every key that is valid`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            let dispatcher = station.dispatcher()
            func keys() async throws -> Int? {
                try await station.happen()
                await dispatcher.settle()
                return station.endpoint.messages.last?.keys.count
            }
            #expect(try await keys() == 1)
            let rotated = try await station.webhooks.rotateSecret(
                of: webhook.id, in: Station.workspace, overlap: 3_600, if: .none, cause: station.cause)
            #expect(try await keys() == 2)
            let newest = station.endpoint.messages.last?.keys.first?.text.withBytes { Array($0) }
            #expect(newest == rotated.secret.withBytes { Array($0) })
            station.clock.advance(seconds: 3_601)
            #expect(try await keys() == 1)
        }
    }

    // MARK: No head-of-line blocking

    @Test func `one that hangs holds up nobody, and is sent again after a crash`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            let ids = try await station.happen(600)
            let slow = ids[5]
            let latch = Latch()
            station.endpoint.answer { message in
                if message.id == slow { await latch.wait() }
                return .status(200)
            }
            async let settled: Void = station.dispatcher().settle()
            await station.endpoint.waitFor(600)
            // The rows of all others are there, and the position stands before the one that hangs.
            while try await station.deliveries(webhook, .delivered).count < 599 {
                try await Task.sleep(for: .milliseconds(5))
            }
            let position = try await station.row(webhook).progress.position
            let place = try #require(await station.store.position(of: slow, in: Station.workspace))
            #expect(position == place - 1)
            latch.open()
            await settled
            #expect(try await station.row(webhook).progress.position >= place)
            #expect(try await station.deliveries(webhook, .delivered).count == 600)
        }
    }

    @Test func `what was under way when the process ended is sent again`() async throws {
        try await Station.run { station in
            try await station.webhook()
            let ids = try await station.happen(300)
            let cut = Set(ids[100..<116])
            // The process ends while these are under way.
            station.endpoint.answer { message in cut.contains(message.id) ? .cancelled : .status(200) }
            await station.dispatcher().settle()
            #expect(Set(station.endpoint.ids) != Set(ids))
            station.endpoint.answer(.status(200))
            await station.dispatcher().settle()
            station.clock.advance(seconds: 60)
            await station.dispatcher().settle()
            #expect(Set(station.endpoint.ids) == Set(ids))
            for id in cut.intersection(station.endpoint.ids.prefix(116)) {
                #expect(station.endpoint.ids.count { $0 == id } >= 2)
            }
        }
    }

    @Test func `one endpoint has so many messages under way, all together so many`() async throws {
        try await Station.run { station in
            for number in 0..<12 { try await station.webhook(url: "https://app\(number).test/") }
            try await station.happen(40)
            let byURL = Mutex<[String: (inside: Int, most: Int)]>([:])
            station.endpoint.answer { message in
                byURL.withLock { byURL in
                    var own = byURL[message.url] ?? (0, 0)
                    own.inside += 1
                    own.most = max(own.most, own.inside)
                    byURL[message.url] = own
                }
                try? await Task.sleep(for: .milliseconds(3))
                byURL.withLock { $0[message.url]?.inside -= 1 }
                return .status(200)
            }
            await station.dispatcher().settle()
            #expect(station.endpoint.ids.count == 480)
            #expect(byURL.withLock { $0.values.allSatisfy { $0.most <= Lane.concurrency } })
            #expect(station.endpoint.mostAtOnce <= 128)
            #expect(station.endpoint.mostAtOnce > Lane.concurrency)
        }
    }

    // MARK: Failing

    @Test func `a failing event is tried again until it is taken, and the others pass it by`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            let ids = try await station.happen(50)
            station.endpoint.answer { $0.id == ids[0] ? .status(500) : .status(200) }
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            #expect(try await station.deliveries(webhook, .delivered).count == 49)
            let pending = try await station.deliveries(webhook, .pending)
            #expect(pending.map(\.eventID) == [ids[0]])
            let due = try #require(pending.first?.dueAt)
            // Not before its time.
            station.clock.move(to: due.advanced(bySeconds: -1))
            await dispatcher.settle()
            #expect(station.endpoint.ids.count == 50)
            try await station.settleNextDue(webhook, with: dispatcher)
            #expect(station.endpoint.ids.count == 51)
            station.endpoint.answer(.status(200))
            // By another process as well: all it needs is in the store.
            try await station.settleNextDue(webhook, with: station.dispatcher())
            let row = try #require(await station.deliveries(webhook).last)
            #expect(row.state == .delivered)
            #expect(row.attempts == 3)
            #expect(try await station.deliveries(webhook, .pending).isEmpty)
        }
    }

    @Test func `after three days it is dead, and can be replayed`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            let ids = try await station.happen()
            station.endpoint.answer(.status(500))
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            for _ in 1...12 { try await station.settleNextDue(webhook, with: dispatcher) }
            let dead = try #require(await station.deliveries(webhook).first)
            #expect(dead.state == .dead)
            #expect(dead.attempts == 13)
            #expect(dead.dueAt == nil)
            #expect(dead.finishedAt == station.clock.now)
            #expect(dispatcher.meter.dead == 1)
            #expect(dispatcher.meter.failed == 13)
            let days = (station.clock.now.microseconds - Timestamp.t0.microseconds) / 86_400_000_000
            #expect((2...3).contains(days))
            #expect(try await station.store.nextDueDelivery(of: webhook.key) == nil)

            station.endpoint.answer(.status(200))
            let count = try await station.webhooks.replayDead(
                of: webhook.id, in: Station.workspace, cause: station.cause)
            #expect(count == 1)
            station.clock.advance(seconds: 3_600)
            await dispatcher.settle()
            let row = try #require(await station.deliveries(webhook).first)
            #expect(row.state == .delivered)
            #expect(row.attempts == 1)
            #expect(Set(station.endpoint.ids) == Set(ids))
        }
    }

    @Test func `an endpoint that is down costs a few attempts, and gets everything when it is back`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            let ids = try await station.happen(2_000)
            station.endpoint.answer(.unreachable)
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            // Each failure made room for another until there were enough of them.
            #expect(station.endpoint.ids.count < Lane.concurrency + ProbeSchedule.failuresToHold)
            // A day of it.
            for _ in 0..<2_000 {
                guard let resumeAt = try await station.row(webhook).progress.resumeAt,
                    resumeAt < .t0.advanced(bySeconds: 86_400)
                else { break }
                let before = station.endpoint.ids.count
                station.clock.move(to: resumeAt)
                // News do not hurry it.
                try await station.happen()
                await dispatcher.settle()
                #expect(station.endpoint.ids.count == before + 1)
            }
            let attempts = station.endpoint.ids.count
            #expect(attempts < 250)
            #expect(try await station.deliveries(webhook).count <= attempts)
            #expect(try await station.row(webhook).status == .active)
            #expect(try await station.row(webhook).progress.failures == attempts)

            station.endpoint.answer(.status(200))
            station.endpoint.forget()
            station.clock.advance(seconds: 1_000)
            // A process that begins now knows of it, too.
            let next = station.dispatcher()
            await next.settle()
            station.clock.advance(seconds: 86_400)
            await next.settle()
            #expect(Set(station.endpoint.ids).isSuperset(of: ids))
            #expect(try await station.deliveries(webhook, .pending).isEmpty)
            let row = try await station.row(webhook)
            #expect(row.progress.failures == 0)
            #expect(row.progress.failingSince == nil)
            #expect(row.progress.resumeAt == nil)
        }
    }

    @Test func `Retry-After is heeded`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            try await station.happen()
            station.endpoint.answer(.status(503, retryAfter: 300))
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            try await station.happen(10)
            station.clock.advance(seconds: 299)
            await dispatcher.settle()
            #expect(station.endpoint.ids.count == 1)
            station.endpoint.answer(.status(200))
            station.clock.advance(seconds: 1)
            await dispatcher.settle()
            #expect(Set(station.endpoint.ids).count == 11)
            #expect(try await station.deliveries(webhook, .delivered).count == 11)
        }
    }

    // MARK: Giving up

    @Test func `410 disables the webhook, which is an event`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            let watcher = try await station.webhook(
                url: "https://watcher.test/", EventFilter(stored: ["webhook.disabled"]))
            let ids = try await station.happen(3)
            station.endpoint.answer { $0.url == webhook.url ? .status(410) : .status(200) }
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            let row = try await station.row(webhook)
            #expect(row.status == .inactive)
            #expect(row.disablement?.reason == "gone")
            #expect(row.revision == 2)
            let told = try #require(station.endpoint.messages.last)
            #expect(told.url == watcher.url)
            #expect(told.data("webhook_id") == webhook.id.description)
            #expect(told.data("reason_code") == "gone")
            // Nothing more is sent there, however long.
            let count = station.endpoint.ids.count
            try await station.happen()
            station.clock.advance(seconds: 86_400)
            await dispatcher.settle()
            #expect(station.endpoint.ids.count == count)
            // Until somebody activates it again: nothing is lost.
            station.endpoint.answer(.status(200))
            station.endpoint.forget()
            _ = try await station.webhooks.update(
                webhook.id, in: Station.workspace,
                to: WebhookService.Change(url: .absent, label: .absent, filter: .absent, status: .value(.active)),
                if: .none, cause: station.cause)
            await dispatcher.settle()
            #expect(Set(station.endpoint.ids).isSuperset(of: ids))
            #expect(try await station.row(webhook).disablement == nil)
        }
    }

    @Test func `five days of failing disable it`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            try await station.happen(20)
            station.endpoint.answer(.status(500))
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            #expect(try await station.row(webhook).progress.failingSince == .t0)
            station.clock.advance(seconds: 5 * 86_400 - 60)
            await dispatcher.settle()
            #expect(try await station.row(webhook).status == .active)
            station.clock.advance(seconds: 3_600)
            await dispatcher.settle()
            let row = try await station.row(webhook)
            #expect(row.status == .inactive)
            #expect(row.disablement?.reason == "failing")
            #expect(try await station.kinds().count { $0 == .webhookDisabled } == 1)
        }
    }

    // MARK: Replaying

    @Test func `all from an event on is delivered again`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            let ids = try await station.happen(10)
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            station.endpoint.forget()
            try await station.webhooks.replay(
                from: ids[6], to: webhook.id, in: Station.workspace, cause: station.cause)
            await dispatcher.settle()
            #expect(Set(station.endpoint.ids) == Set(ids[6...]))
            #expect(station.endpoint.ids.count == 4)
        }
    }

    @Test func `one event is delivered again`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            let ids = try await station.happen(3)
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            station.endpoint.forget()
            let row = try await station.webhooks.replay(
                ids[1], to: webhook.id, in: Station.workspace, cause: station.cause)
            #expect(row.state == .pending)
            await dispatcher.settle()
            #expect(station.endpoint.ids == [ids[1]])
            await #expect(throws: DomainError.notFound(.delivery)) {
                try await station.webhooks.replay(
                    .numbered(99), to: webhook.id, in: Station.workspace, cause: station.cause)
            }
        }
    }

    /// Moving back while a lane is under way must not be undone by what that lane writes.
    @Test func `a replay during a delivery stands`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            let ids = try await station.happen(40)
            let latch = Latch()
            station.endpoint.answer { _ in
                await latch.wait()
                return .status(200)
            }
            let dispatcher = station.dispatcher()
            async let settled: Void = dispatcher.settle()
            await station.endpoint.waitFor(Lane.concurrency)
            try await station.webhooks.replay(
                from: ids[0], to: webhook.id, in: Station.workspace, cause: station.cause)
            latch.open()
            await settled
            await dispatcher.settle()
            #expect(Set(station.endpoint.ids) == Set(ids))
            for id in ids.prefix(Lane.concurrency) { #expect(station.endpoint.ids.count { $0 == id } == 2) }
            #expect(try await station.deliveries(webhook, .delivered).count == 40)
        }
    }

    // MARK: What is taken away meanwhile

    @Test func `a webhook that is deleted during a delivery leaves nothing`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            try await station.happen(40)
            let latch = Latch()
            station.endpoint.answer { _ in
                await latch.wait()
                return .status(200)
            }
            let dispatcher = station.dispatcher()
            async let settled: Void = dispatcher.settle()
            await station.endpoint.waitFor(Lane.concurrency)
            try await station.webhooks.delete(
                webhook.id, in: Station.workspace, if: .none, cause: station.cause)
            latch.open()
            await settled
            #expect(try await station.store.countPendingDeliveries() == 0)
            #expect(try await station.deliveries(webhook).isEmpty)
            await dispatcher.settle()
        }
    }

    @Test func `a workspace that is deleted takes its lanes along`() async throws {
        try await Station.run { station in
            let webhook = try await station.webhook()
            try await station.webhook(in: Station.other)
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            let cause = station.cause
            let id = station.ambient.id(EventID.self)
            try await station.store.write { tx in
                try tx.delete(workspace: Station.workspace)
                try tx.append(
                    JournalEntry(.workspaceDeleted, in: nil, subject: Station.workspace.description), id: id,
                    cause: cause)
            }
            await dispatcher.settle()
            try await station.happen(1, in: Station.other)
            await dispatcher.settle()
            #expect(station.endpoint.ids.count == 1)
            #expect(try await station.deliveries(webhook).isEmpty)
        }
    }

    // MARK: Pausing

    @Test func `a paused instance sends nothing until it is resumed`() async throws {
        try await Station.run(isPaused: true) { station in
            let webhook = try await station.webhook()
            let ids = try await station.happen(3)
            let dispatcher = station.dispatcher()
            await dispatcher.settle()
            #expect(station.endpoint.ids.isEmpty)
            let refusal = await #expect(throws: DomainError.self) {
                try await station.webhooks.test(webhook.id, in: Station.workspace, cause: station.cause)
            }
            if case .refused(let code, let message)? = refusal {
                #expect(code == "instance_paused")
                #expect(message.hasSuffix("run 'patchbay resume' here"))
            } else {
                Issue.record("\(String(describing: refusal))")
            }
            station.pause.resume()
            await dispatcher.settle()
            #expect(Set(station.endpoint.ids) == Set(ids))
        }
    }

    @Test func `the service delivers by itself and ends when it is told to`() async throws {
        try await Station.run { station in
            try await station.webhook()
            let dispatcher = station.dispatcher()
            let running = Task { try await dispatcher.run() }
            let ids = try await station.happen(20)
            await station.endpoint.waitFor(20)
            running.cancel()
            try await running.value
            #expect(Set(station.endpoint.ids) == Set(ids))
        }
    }
}
