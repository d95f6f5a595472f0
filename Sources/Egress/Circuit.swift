/// Leaves a host alone that cannot be reached: after some failures in a row it opens for a while, and then lets one request
/// through as a trial.
///
/// Requests that fail side by side are one piece of evidence: a failure counts when its request began after the one before
/// was counted. One broken connection fails all that wait for it, and would open the circuit otherwise.
struct Circuit {
    typealias Instant = ContinuousClock.Instant

    /// What a request was let through with.
    struct Admission {
        fileprivate let failures: Int
        fileprivate let isTrial: Bool
    }

    enum Evidence { case reached, unreachable, none }

    private let failuresToOpen: Int
    private let pause: Duration
    private var failures = 0
    /// `nil` while the circuit is closed.
    private var trialAt: Instant?
    private var isTrialUnderWay = false

    init(failuresToOpen: Int, pause: Duration) {
        self.failuresToOpen = failuresToOpen
        self.pause = pause
    }

    func isOpen(at now: Instant) -> Bool { trialAt.map { now < $0 } ?? false }

    /// `nil` while the host is to be left alone.
    mutating func admit(at now: Instant) -> Admission? {
        guard let trialAt else { return Admission(failures: failures, isTrial: false) }
        guard now >= trialAt, !isTrialUnderWay else { return nil }
        isTrialUnderWay = true
        return Admission(failures: failures, isTrial: true)
    }

    /// Every admission is settled once. Returns whether the circuit opened by that.
    @discardableResult
    mutating func settle(_ admission: Admission, _ evidence: Evidence, at now: Instant) -> Bool {
        if admission.isTrial { isTrialUnderWay = false }
        switch evidence {
        case .none: return false
        case .reached:
            failures = 0
            trialAt = nil
            return false
        case .unreachable:
            if trialAt == nil {
                guard admission.failures == failures else { return false }
                failures += 1
                guard failures >= failuresToOpen else { return false }
            } else if !admission.isTrial {
                return false
            }
            trialAt = now + pause
            return true
        }
    }
}
