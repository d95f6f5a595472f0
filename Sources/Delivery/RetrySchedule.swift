/// When a delivery that failed is tried again. It is pure: jitter, from 0 to 1, is handed in.
enum RetrySchedule {
    /// In seconds, after the first failure, the second and so on: three days in all.
    static let pauses: [Int64] = [
        5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 43_200, 43_200, 86_400,
    ]
    /// What an endpoint may ask for, in seconds.
    static let retryAfterBounds = 1...86_400

    /// In seconds; `nil` once it was tried often enough.
    static func pause(after attempts: Int, jitter: Double, retryAfter: Int?) -> Int64? {
        guard pauses.indices.contains(attempts - 1) else { return nil }
        let pause = Int64(Double(pauses[attempts - 1]) * (0.8 + 0.4 * jitter))
        return max(pause, retryAfter.map { Int64($0.clamped(to: retryAfterBounds)) } ?? 0)
    }
}

/// When an endpoint that fails altogether is looked at again. The longer it has failed the longer it is left alone, so that
/// nothing but the beginning has to be remembered.
enum ProbeSchedule {
    /// Failures in a row after which only one message at a time is tried.
    static let failuresToHold = 5
    /// Failures without a success, over as many seconds, after which it is given up.
    static let failuresToDisable = 10
    static let secondsToDisable: Int64 = 5 * 86_400

    private static let bounds = 5.0...600.0
    private static let retryAfterBounds = 1...3_600

    static func pause(failingFor seconds: Double, jitter: Double, retryAfter: Int?) -> Int64 {
        let pause = (seconds / 2).clamped(to: bounds) * (0.75 + 0.5 * jitter)
        return max(Int64(pause), retryAfter.map { Int64($0.clamped(to: retryAfterBounds)) } ?? 0)
    }
}

extension Comparable {
    func clamped(to bounds: ClosedRange<Self>) -> Self {
        min(max(self, bounds.lowerBound), bounds.upperBound)
    }
}
