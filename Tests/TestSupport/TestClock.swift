package import Connections
import Synchronization

/// Time that stands until a test moves it.
package final class TestClock: Sendable {
    private let time = Mutex(Timestamp.t0)

    package init() {}

    package var now: Timestamp { time.withLock { $0 } }

    package func advance(seconds: Int64) { time.withLock { $0 = $0.advanced(bySeconds: seconds) } }

    package func move(to moment: Timestamp) { time.withLock { $0 = moment } }
}
