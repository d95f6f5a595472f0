import Connections
import LosslessJSON
import Storage
import Synchronization
import TestSupport

/// A made-up story of one connection: what users, tests, refreshes, reconnections and crashes do to it, and what its status was
/// after each of them.
final class StatusHistory: Sendable {
    enum Step: CaseIterable, Sendable {
        case put, test, look, crash, restart, refresh, refusedRefresh, reconnect, nothing
    }

    struct Point: Sendable {
        let at: Timestamp
        let moment: StatusMoment
    }

    private struct State {
        var random: SplitMix64
        var tester: ConnectionTester
        var points: [Point] = []
        var steps: [Step] = []
    }

    let room: CheckRoom
    let id: ConnectionID
    private let credential: CredentialID
    private let state: Mutex<State>

    init(seed: UInt64, over store: TestStore) async throws {
        let clock = TestClock()
        room = try CheckRoom(store.running(on: clock))
        id = try await room.connect()[0]
        guard let row = try await room.connection(id) else { throw DomainError.notFound(.connection) }
        credential = row.credentialID
        state = Mutex(State(random: SplitMix64(seed: seed), tester: room.tester))
        try await note()
    }

    /// What its status was, in the order of time; of equal times the last counts.
    var points: [Point] { state.withLock { $0.points } }
    /// For the one who reads of a failure.
    var steps: [Step] { state.withLock { $0.steps } }

    private var tester: ConnectionTester { state.withLock { $0.tester } }

    private func number(_ range: ClosedRange<Int>) -> Int {
        state.withLock { Int.random(in: range, using: &$0.random) }
    }

    private func any<Item>(_ items: [Item]) -> Item { items[number(0...items.count - 1)] }

    /// Time may stand between one thing and the next.
    private func passTime() { room.clock.advance(seconds: Int64(any([0, 0, 1, 60, 4_000]))) }

    private func note() async throws {
        guard let row = try await room.connection(id) else { return }
        let moment = StatusMoment(status: row.status, reason: row.statusReason, since: row.statusSince)
        let now = room.clock.now
        state.withLock { state in
            if state.points.last?.at == now { state.points.removeLast() }
            state.points.append(Point(at: now, moment: moment))
        }
    }

    func run(steps count: Int) async throws {
        for _ in 0..<count {
            passTime()
            let step = any(Step.allCases)
            state.withLock { $0.steps.append(step) }
            try await take(step)
            try await note()
        }
        // Lets go of this.
        room.prober.answer(.valid())
    }

    // MARK: Steps

    private func take(_ step: Step) async throws {
        switch step {
        case .put: try await room.put(any(ConnectionStatus.allCases), id)
        case .test: try await test()
        case .look:
            answer()
            let key = ConnectionKey(workspaceID: CheckRoom.workspace, connectionID: id)
            _ = try await tester.recheck(key, cause: Cause(principal: .system, requestID: "s", at: room.clock.now))
        case .crash: try await crash()
        case .restart: try await restart()
        case .refresh: try await setStatus(.active, from: [.expired], "refreshed")
        case .refusedRefresh:
            try await setStatus(.expired, from: [.active, .testing, .error, .expired], "invalid_grant")
        case .reconnect: try await reconnect()
        case .nothing: break
        }
    }

    private static let reports: [ProbeReport] = [
        .valid(), .invalid(), .invalid(isGrantGone: true), .inconclusive, .unreachable,
    ]

    /// The prober answers something, after a while in which the status is that of one that is tested.
    private func answer() {
        let report = any(Self.reports)
        room.prober.answer { [self] _ in
            try? await note()
            passTime()
            return report
        }
    }

    private func test() async throws {
        answer()
        do {
            _ = try await tester.test(id, in: CheckRoom.workspace, cause: room.kept.cause)
        } catch DomainError.refused {
            // One that is inactive is not tested.
        }
    }

    /// The process ends while it tests, and another begins with the same store. It finds the test later.
    private func crash() async throws {
        guard try await room.status(id) != .inactive else { return }
        let (begun, signal) = AsyncStream.makeStream(of: Void.self)
        room.prober.answer { _ in
            signal.yield()
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
            return .valid()
        }
        let (tester, cause) = (tester, room.kept.cause)
        _ = Task { try await tester.test(id, in: CheckRoom.workspace, cause: cause) }
        _ = await begun.first { true }
        state.withLock { $0.tester = room.restartedTester }
    }

    private func restart() async throws {
        state.withLock { $0.tester = room.restartedTester }
        _ = try await tester.undoUnfinished(startedBefore: room.clock.now, cause: room.kept.cause)
    }

    /// What the refresher does where a refresh went well or its grant is gone.
    private func setStatus(_ status: ConnectionStatus, from: [ConnectionStatus], _ reason: String) async throws {
        let (ambient, cause) = (room.kept.ambient, room.kept.cause)
        try await room.kept.store.write { [credential] tx in
            try tx.setStatus(
                status, from: from, ofUsersOf: credential, in: CheckRoom.workspace, evidence: StatusEvidence(reason),
                ambient: ambient, cause: cause)
        }
    }

    /// What the end of a flow does.
    private func reconnect() async throws {
        let (ambient, cause) = (room.kept.ambient, room.kept.cause)
        try await room.kept.store.write { [id] tx in
            guard let row = try tx.connection(id, in: CheckRoom.workspace) else { return }
            var changed = row
            changed.revision += 1
            var entries = [changed.note(.connectionReconnected)]
            let change =
                row.status == .inactive
                ? StatusChange(asserting: .active, from: .inactive)
                : StatusChange(from: row.status, to: .active, on: StatusEvidence("reconnected"))
            entries += change?.apply(to: &changed, at: cause.at) ?? []
            try tx.update(changed, from: row, searchText: nil)
            try tx.resumeChecks(of: changed, from: row, at: cause.at)
            for entry in entries { try tx.append(entry, id: ambient.id(), cause: cause) }
        }
    }
}
