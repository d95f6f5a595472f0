import Connections
import Synchronization
import TestSupport
import Testing

@Suite struct RequestPressureTests {
    private final class Count: Sendable {
        private let value = Mutex(0)
        var now: Int { value.withLock { $0 } }
        func add(_ requests: Int) { value.withLock { $0 += requests } }
    }

    @Test func followsTheRequests() {
        let count = Count()
        let pressure = RequestPressure { count.now }
        #expect(!pressure.isHigh(at: .t0))
        count.add(1_000)
        let second = Timestamp.t0.advanced(bySeconds: 1)
        #expect(pressure.isHigh(at: second))
        count.add(10)
        #expect(!pressure.isHigh(at: second.advanced(bySeconds: 1)))
    }

    @Test func aShortTimeSaysNothing() {
        let count = Count()
        let pressure = RequestPressure { count.now }
        #expect(!pressure.isHigh(at: .t0))
        count.add(1_000)
        #expect(!pressure.isHigh(at: Timestamp(microseconds: Timestamp.t0.microseconds + 1_000)))
    }

    @Test func aClockThatGoesBackIsNoLoad() {
        let count = Count()
        let pressure = RequestPressure { count.now }
        _ = pressure.isHigh(at: .t0)
        count.add(1_000)
        #expect(!pressure.isHigh(at: .t0.advanced(bySeconds: -10)))
        #expect(!pressure.isHigh(at: .t0.advanced(bySeconds: -5)))
    }
}
