import Synchronization
import TestSupport
import Testing

@testable import Connections

/// Identifiers rise whatever the clock does.
@Suite struct AmbientTests {
    /// Tells the times that it was given one after the other, the last one for ever.
    private final class Clock: Sendable {
        private let times: Mutex<[Timestamp]>

        init(milliseconds: [Int64]) {
            times = Mutex(milliseconds.map { Timestamp(microseconds: Timestamp.t0.microseconds + $0 * 1_000) })
        }

        func now() -> Timestamp {
            times.withLock { times in times.count > 1 ? times.removeFirst() : times.first ?? .t0 }
        }
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let milliseconds: [Int64]
        /// What every random byte is; `nil` for real ones.
        var byte: UInt8?
    }

    static let cases: [Case] = [
        Case(testDescription: "frozen", milliseconds: [0]),
        Case(testDescription: "frozen, no luck", milliseconds: [0], byte: 0),
        Case(testDescription: "frozen, every step the longest", milliseconds: [0], byte: 0xFF),
        Case(testDescription: "steady", milliseconds: Array(0...500)),
        Case(testDescription: "steady, no luck", milliseconds: Array(0...500), byte: 0),
        Case(testDescription: "backwards", milliseconds: (0...500).map { -$0 }),
        Case(testDescription: "a second back, then on", milliseconds: [0, 5, -1_000, -999, 6, 7, -5_000, 8]),
        Case(testDescription: "hither and thither", milliseconds: (0...500).map { $0 % 7 * 100 }),
        Case(testDescription: "before 1970", milliseconds: [-1_767_225_600_001]),
        Case(testDescription: "back over 1970", milliseconds: [0, -1_767_225_600_001, 1]),
    ]

    @Test(arguments: AmbientTests.cases)
    func identifiersRise(_ expected: Case) {
        let clock = Clock(milliseconds: expected.milliseconds)
        let byte = expected.byte
        let ambient = Ambient(
            now: { clock.now() }, randomBytes: { count in (0..<count).map { _ in byte ?? .random(in: 0...255) } })
        let ids = (0..<600).map { _ in ambient.id(ConnectionID.self) }
        for (earlier, later) in zip(ids, ids.dropFirst()) {
            #expect(earlier < later)
            #expect(earlier.description < later.description)
        }
    }

    @Test func theFirstBitsAreTheTime() {
        let clock = Clock(milliseconds: [0, 1, 1, 86_400_000])
        let ambient = Ambient(now: { clock.now() }, randomBytes: { [UInt8](repeating: 0xAB, count: $0) })
        let times = (0..<4).map { _ in ambient.id(ConnectionID.self).ulid.high >> 16 }
        let start: UInt64 = 1_767_225_600_000
        #expect(times == [start, start + 1, start + 1, start + 86_400_000])
    }

    @Test func theRestIsRandomAndThenCountsOn() {
        let clock = Clock(milliseconds: [0])
        let ambient = Ambient(now: { clock.now() }, randomBytes: { count in (0..<count).map { UInt8($0 + 1) } })
        let first = ambient.id(ConnectionID.self).ulid
        let second = ambient.id(ConnectionID.self).ulid
        #expect(first.high & 0xFFFF == 0x0102)
        #expect(first.low == 0x0304_0506_0708_090A)
        #expect(second.high == first.high)
        #expect(second.low == first.low + 0x0102_0304_0506_0708 >> 2 + 1)
    }

    @Test func aStepPastTheLowHalfCarries() {
        let clock = Clock(milliseconds: [0])
        let ambient = Ambient(now: { clock.now() }, randomBytes: { [UInt8](repeating: 0xFF, count: $0) })
        let first = ambient.id(ConnectionID.self).ulid
        let second = ambient.id(ConnectionID.self).ulid
        #expect(first.low == UInt64.max)
        #expect(second.high == first.high + 1)
        #expect(second.low == 0x3FFF_FFFF_FFFF_FFFF)
    }

    @Test func everyKindDrawsFromTheSameLine() {
        let ambient = Ambient(now: { .t0 }, randomBytes: { [UInt8](repeating: 0, count: $0) })
        let connection = ambient.id(ConnectionID.self)
        let event: EventID = ambient.id()
        #expect(connection.ulid < event.ulid)
    }

    @Test func manyTasksNeverGetTheSame() async {
        let ambient = Ambient(now: { .t0 }, randomBytes: { [UInt8](repeating: 1, count: $0) })
        let ids = await withTaskGroup(of: [EventID].self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<250).map { _ in ambient.id(EventID.self) } }
            }
            return await group.reduce(into: Set<EventID>()) { $0.formUnion($1) }
        }
        #expect(ids.count == 2_000)
    }
}
