import Connections
import Synchronization
import TestSupport

/// Time that stands until a test moves it.
final class TestClock: Sendable {
    private let time = Mutex(Timestamp.t0)

    var now: Timestamp { time.withLock { $0 } }

    func advance(seconds: Int64) { time.withLock { $0 = $0.advanced(bySeconds: seconds) } }

    func move(to moment: Timestamp) { time.withLock { $0 = moment } }
}
