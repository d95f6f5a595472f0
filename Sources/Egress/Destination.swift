import Connections
import Synchronization

/// What is known of one host and port: who is on the way there, whether it answers, and its addresses.
final class Destination: Sendable {
    let gate: Gate
    let answers: AnswerCache
    private let circuit: Mutex<Circuit>

    init(limits: EgressLimits, answers: AnswerCache) {
        gate = Gate(capacity: limits.concurrencyPerHost, lineLength: limits.waitingPerHost)
        circuit = Mutex(Circuit(failuresToOpen: limits.failuresToOpen, pause: limits.circuitPause))
        self.answers = answers
    }

    func admit(at now: Circuit.Instant) throws(EgressError) -> Circuit.Admission {
        guard let admission = circuit.withLock({ $0.admit(at: now) }) else { throw .circuitOpen }
        return admission
    }

    /// Returns whether the circuit opened by that.
    @discardableResult
    func settle(_ admission: Circuit.Admission, _ evidence: Circuit.Evidence, at now: Circuit.Instant) -> Bool {
        circuit.withLock { $0.settle(admission, evidence, at: now) }
    }

    /// Whether forgetting it changes nothing but a count.
    func isForgettable(at now: Circuit.Instant) -> Bool {
        gate.isIdle && !circuit.withLock { $0.isOpen(at: now) }
    }
}

/// The destinations that are remembered.
final class Destinations: Sendable {
    private let known = Mutex<[String: Destination]>([:])
    private let limits: EgressLimits
    private let resolver: any EgressResolver
    private let now: @Sendable () -> Circuit.Instant

    init(limits: EgressLimits, resolver: any EgressResolver, now: @escaping @Sendable () -> Circuit.Instant) {
        self.limits = limits
        self.resolver = resolver
        self.now = now
    }

    subscript(target: Target) -> Destination {
        let key = "\(target.host):\(target.port)"
        return known.withLock { known in
            if let destination = known[key] { return destination }
            if known.count >= limits.destinations {
                let now = now()
                known = known.filter { !$0.value.isForgettable(at: now) }
            }
            // Not the target as a whole, whose path is nobody's business.
            let answers = AnswerCache(lifetime: limits.answerLifetime, now: now) {
                [resolver, host = target.host, port = target.port] in
                try await resolver.addresses(of: host, port: port)
            }
            let destination = Destination(limits: limits, answers: answers)
            known[key] = destination
            return destination
        }
    }

    func close() {
        for destination in known.withLock({ $0.values.map(\.self) }) { destination.answers.close() }
        resolver.close()
    }
}
