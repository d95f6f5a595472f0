import NIOCore
import Synchronization
import Testing

@testable import Egress

@Suite struct GateTests {
    private static let soon = NIODeadline.now() + .seconds(60)

    private final class Tally: Sendable {
        private let counts = Mutex((inside: 0, most: 0))

        var most: Int { counts.withLock { $0.most } }

        func enter() { counts.withLock { $0 = ($0.inside + 1, max($0.most, $0.inside + 1)) } }
        func leave() { counts.withLock { $0.inside -= 1 } }
    }

    @Test func neverMoreThanFit() async throws {
        let gate = Gate(capacity: 3, lineLength: 1_000)
        let tally = Tally()
        try await withThrowingTaskGroup { group in
            for _ in 0..<300 {
                group.addTask {
                    try await gate.enter(until: Self.soon)
                    tally.enter()
                    await Task.yield()
                    tally.leave()
                    gate.leave()
                }
            }
            try await group.waitForAll()
        }
        #expect(tally.most == 3)
        #expect(gate.isIdle)
    }

    @Test func theLineIsBounded() async throws {
        let gate = Gate(capacity: 1, lineLength: 0)
        try await gate.enter(until: Self.soon)
        await #expect(throws: EgressError.overloaded) { try await gate.enter(until: Self.soon) }
        gate.leave()
        try await gate.enter(until: Self.soon)
        gate.leave()
        #expect(gate.isIdle)
    }

    @Test func whoGivesUpTakesNoTurn() async throws {
        let gate = Gate(capacity: 1, lineLength: 10)
        try await gate.enter(until: Self.soon)
        await #expect(throws: EgressError.overloaded) { try await gate.enter(until: .now() + .milliseconds(10)) }
        await #expect(throws: EgressError.overloaded) { try await gate.enter(until: .now()) }
        let cancelled = Task { try await gate.enter(until: Self.soon) }
        cancelled.cancel()
        await #expect(throws: EgressError.closed) { try await cancelled.value }
        gate.leave()
        #expect(gate.isIdle)
    }

    /// Turns that come at the moment of giving up are handed on: in the end nobody is missing and nobody is left.
    @Test func turnsAndCancellationsThatCross() async throws {
        let gate = Gate(capacity: 2, lineLength: 1_000)
        for _ in 0..<20 {
            await withDiscardingTaskGroup { group in
                for number in 0..<50 {
                    group.addTask {
                        let task = Task {
                            try await gate.enter(until: number % 5 == 0 ? .now() + .microseconds(200) : Self.soon)
                            await Task.yield()
                            gate.leave()
                        }
                        if number % 3 == 0 { task.cancel() }
                        _ = await task.result
                    }
                }
            }
            #expect(gate.isIdle)
        }
        try await gate.enter(until: Self.soon)
        try await gate.enter(until: Self.soon)
        await #expect(throws: EgressError.overloaded) { try await gate.enter(until: .now()) }
    }
}

@Suite struct DeferredTests {
    private static let soon = NIODeadline.now() + .seconds(60)

    @Test func allThatWaitAreTold() async throws {
        let deferred = Deferred<Int>()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try await deferred.value(until: Self.soon) } }
            group.addTask {
                deferred.finish(.success(7))
                deferred.finish(.success(8))
                return 7
            }
            for try await value in group { #expect(value == 7) }
        }
        #expect(try await deferred.value(until: Self.soon) == 7)
    }

    @Test func oneThatGivesUpDisturbsNoOther() async throws {
        let deferred = Deferred<Int>()
        let patient = Task { try await deferred.value(until: Self.soon) }
        let cancelled = Task { try await deferred.value(until: Self.soon) }
        cancelled.cancel()
        await #expect(throws: EgressError.closed) { try await cancelled.value }
        await #expect(throws: EgressError.timedOut) { try await deferred.value(until: .now()) }
        deferred.finish(.failure(.nameNotResolved))
        await #expect(throws: EgressError.nameNotResolved) { try await patient.value }
    }
}
