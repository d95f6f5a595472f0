package import Connections
package import Logging
import ServiceLifecycle

/// Looks at connections on their own clock. What is due is found by an index; what is under way is bounded in all, by host and
/// by workspace; and a host where nothing answers is left alone but for one look now and then.
package actor Sweeper: Service, CustomStringConvertible {
    private let tester: ConnectionTester
    private let store: any Store
    private let ledger: HostLedger
    private let pause: InstancePause
    private let pressure: RequestPressure
    private let ambient: Ambient
    private let logger: Logger
    private var plan: SweepPlan
    private var scan = Scan()
    private var isPrepared = false
    private var tendedAt: Timestamp?
    /// Nothing is begun before this.
    private var restUntil: Timestamp?

    /// How far the reading of what is due has come.
    private struct Scan {
        var place: DueCheck?
        var isOver = false
        /// Since it began at the beginning.
        var ticks = 0
    }

    private static let tick = Duration.seconds(1)
    /// In ticks: what became due behind the place where reading goes on is found then at the latest.
    private static let lap = 30
    /// In seconds, between two looks for tests that nobody ended.
    private static let tendInterval: Int64 = 60
    /// Pages that are read before somebody gets a turn.
    private static let pagesAtOnce = 16
    /// In seconds, after the store did not take what was found.
    private static let rest: Int64 = 5
    /// In seconds: a connection that could not be looked at at all is put off.
    private static let postponement: Int64 = 600

    package init(
        tester: ConnectionTester, store: any Store, pause: InstancePause, pressure: RequestPressure = .none,
        ambient: Ambient, logger: Logger, limits: SweepLimits = SweepLimits()
    ) {
        self.tester = tester
        self.store = store
        self.pause = pause
        self.pressure = pressure
        self.ambient = ambient
        self.logger = logger
        ledger = HostLedger(store: store, ambient: ambient)
        plan = SweepPlan(limits: limits)
    }

    package nonisolated var description: String { "Sweeper" }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.round()
                try? await Task.sleep(for: Self.tick)
            }
        }
    }

    /// Looks at what is due, and returns when nothing more is.
    package func round() async {
        guard !pause.isPaused else { return }
        scan = Scan()
        await attend()
        await withTaskGroup(of: Happening.self) { group in
            start(in: &group)
            guard plan.isRunning else { return }
            group.addTask { await Self.nextTick() }
            while plan.isRunning, let happening = await group.next() {
                switch happening {
                case .tick:
                    // Once it is to stop, only what is under way is waited for.
                    guard !Task.isCancelled else { continue }
                    await attend()
                    group.addTask { await Self.nextTick() }
                case .end(let look, let ending): await settle(look, ending)
                }
                guard !Task.isCancelled else { continue }
                await refill()
                start(in: &group)
            }
            group.cancelAll()
        }
    }

    // MARK: Looking

    private enum Happening: Sendable {
        case tick
        case end(SweepPlan.Look, Ending)
    }

    private enum Ending: Sendable {
        case looked(ProbeReport)
        /// It is not looked at any more, or was put off.
        case nothing
        /// No connection goes to the host.
        case deserted
        case storeUnavailable
    }

    private static func nextTick() async -> Happening {
        try? await Task.sleep(for: tick)
        return .tick
    }

    private func start(in group: inout TaskGroup<Happening>) {
        guard !Task.isCancelled, !pause.isPaused, restUntil.map({ $0 <= ambient.now() }) ?? true else { return }
        restUntil = nil
        let besideRequests = pressure.isHigh(at: ambient.now())
        while let look = plan.next(besideRequests: besideRequests) {
            group.addTask { await .end(look, self.perform(look)) }
        }
    }

    private nonisolated func perform(_ look: SweepPlan.Look) async -> Ending {
        let cause = Cause(
            principal: .system, requestID: ambient.id(EventID.self).description, at: ambient.now())
        var key = look.key
        do {
            if key == nil { key = try await store.nextCheck(of: look.host) }
            guard let key else { return .deserted }
            return try await tester.recheck(key, cause: cause).map { .looked($0.report) } ?? .nothing
        } catch is CancellationError {
            return .nothing
        } catch DomainError.notFound {
            return .nothing
        } catch StoreError.unavailable {
            return .storeUnavailable
        } catch {
            return await putOff(key, because: error)
        }
    }

    /// A row that cannot be read, say, is not to be met again and again.
    private nonisolated func putOff(_ key: ConnectionKey?, because error: any Error) async -> Ending {
        guard let key else { return .storeUnavailable }
        logger.warning(
            "connection could not be checked",
            metadata: ["connection.id": "\(key.connectionID)", "error.reason": "\(error)"])
        let time = ambient.now().advanced(bySeconds: Self.postponement)
        do {
            try await store.write { tx in
                guard var check = try tx.check(of: key.connectionID, in: key.workspaceID) else { return }
                check.dueAt = time
                try tx.put(check)
            }
            return .nothing
        } catch {
            return .storeUnavailable
        }
    }

    // MARK: What was found

    private func settle(_ look: SweepPlan.Look, _ ending: Ending) async {
        let now = ambient.now()
        var evidence = HostEvidence.none
        switch ending {
        case .looked(let report): evidence = report.hostEvidence
        case .nothing: break
        case .deserted:
            _ = plan.end(look, .none, at: now, jitter: 0)
            plan.forget(look.host)
            await attempt { try await self.ledger.forget(look.host) }
            return
        case .storeUnavailable: restUntil = now.advanced(bySeconds: Self.rest)
        }
        let turn = plan.end(look, evidence, at: now, jitter: ambient.jitter())
        let cause = Cause(principal: .system, requestID: ambient.id(EventID.self).description, at: now)
        switch turn {
        case .same: break
        case .lost(let host, let reason):
            let isTold = await attempt { try await self.ledger.lose(host, because: reason, cause: cause) }
            if !isTold { plan.doubt(host.host) }
        case .stillLost(let host): await attempt { try await self.ledger.put(host) }
        case .found(let host):
            let isTold = await attempt { try await self.ledger.find(host, cause: cause) }
            if !isTold { plan.lose(again: host, at: now, jitter: ambient.jitter()) }
        }
    }

    @discardableResult
    private func attempt(_ work: () async throws -> Void) async -> Bool {
        do {
            try await work()
            return true
        } catch is CancellationError {
            return false
        } catch {
            logger.warning("sweep stopped short", metadata: ["error.reason": "\(error)"])
            restUntil = ambient.now().advanced(bySeconds: Self.rest)
            return false
        }
    }

    // MARK: What is due

    /// Once a tick.
    private func attend() async {
        await attempt {
            try await prepare()
            let now = ambient.now()
            if tendedAt.map({ $0.advanced(bySeconds: Self.tendInterval) <= now }) ?? true {
                try await undoTests(startedBefore: now.advanced(bySeconds: -ConnectionTester.longest))
                tendedAt = now
            }
            plan.tick(at: now)
            if scan.isOver {
                scan.ticks += 1
                if plan.isEmpty || scan.ticks >= Self.lap { scan = Scan() } else { scan.isOver = false }
            }
            try await read(at: now)
        }
    }

    /// Once, when nobody but this process can have begun anything.
    private func prepare() async throws {
        guard !isPrepared else { return }
        try await undoTests(startedBefore: ambient.now())
        plan.remember(try await ledger.hosts())
        isPrepared = true
    }

    private func undoTests(startedBefore time: Timestamp) async throws {
        let cause = Cause(
            principal: .system, requestID: ambient.id(EventID.self).description, at: ambient.now())
        let undone = try await tester.undoUnfinished(startedBefore: time, cause: cause)
        if undone > 0 {
            logger.notice("tests that did not end were undone", metadata: ["tests.count": "\(undone)"])
        }
    }

    /// Reads on where it stopped, as long as there is room.
    private func read(at now: Timestamp) async throws {
        let page = plan.limits.page
        for _ in 0..<Self.pagesAtOnce where !scan.isOver && plan.hasRoom {
            let due = try await store.dueChecks(at: now, after: scan.place, limit: page)
            let lost = plan.take(due)
            for host in lost { try await ledger.postpone(host, at: now) }
            scan.place = due.last ?? scan.place
            scan.isOver = due.count < page
        }
    }

    private func refill() async {
        await attempt {
            let now = ambient.now()
            let limit = plan.limits.waitingPerHost
            for host in plan.short {
                let due = try await store.dueChecks(of: host, at: now, limit: limit)
                plan.refill(host, with: due, isAll: due.count < limit)
            }
            if !scan.isOver, plan.hasRoom { try await read(at: now) }
        }
    }
}
