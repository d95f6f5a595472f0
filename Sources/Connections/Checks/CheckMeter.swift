import Synchronization

/// Counts the verdicts on stored connections since the start, for the metrics.
package final class CheckMeter: Sendable {
    private let validCount = Atomic<Int>(0)
    private let invalidCount = Atomic<Int>(0)
    private let inconclusiveCount = Atomic<Int>(0)

    package init() {}

    package func count(_ verdict: Verdict) -> Int { counter(of: verdict) { $0.load(ordering: .relaxed) } }

    func note(_ verdict: Verdict) { counter(of: verdict) { _ = $0.add(1, ordering: .relaxed) } }

    private func counter<T>(of verdict: Verdict, _ use: (borrowing Atomic<Int>) -> T) -> T {
        switch verdict {
        case .valid: use(validCount)
        case .invalid: use(invalidCount)
        case .inconclusive: use(inconclusiveCount)
        }
    }
}
