import Synchronization

/// Whether somebody waits for answers of ours, so that what has time steps back: a token is refreshed well before it ends, and
/// a connection is looked at on a clock of hours.
package final class RequestPressure: Sendable {
    private struct State {
        /// How many requests had been answered at an instant.
        var sample: (answered: Int, at: Timestamp)?
        var isHigh = false
    }

    private let answered: @Sendable () -> Int
    private let state = Mutex(State())

    /// So many requests a second are somebody who waits.
    private static let high = 500.0
    /// In microseconds: a shorter time says nothing.
    private static let interval: Int64 = 50_000

    /// - Parameter answered: requests since the start.
    package init(answered: @escaping @Sendable () -> Int) { self.answered = answered }

    package static let none = RequestPressure { 0 }

    package func isHigh(at now: Timestamp) -> Bool {
        state.withLock { state in
            guard let last = state.sample, last.at <= now else {
                state.sample = (answered(), now)
                return state.isHigh
            }
            let microseconds = now.microseconds - last.at.microseconds
            guard microseconds >= Self.interval else { return state.isHigh }
            let answered = answered()
            state.isHigh = Double(answered - last.answered) * 1e6 / Double(microseconds) > Self.high
            state.sample = (answered, now)
            return state.isHigh
        }
    }
}
