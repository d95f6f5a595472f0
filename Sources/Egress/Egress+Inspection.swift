import Connections
import NIOCore

extension Egress {
    /// Looks at name, connection and TLS of an http or https URL, each by itself, and sends no request. It goes to the very
    /// addresses that a request would go to, in its turn; a circuit that is open does not keep it.
    package func inspect(_ url: String, purpose: EgressPurpose, timeout: Duration) async -> EgressInspection {
        var inspection = EgressInspection()
        guard let target = Target(url) else {
            inspection.refusal = .invalidURL
            return inspection
        }
        let deadline = NIODeadline.now() + TimeAmount(min(timeout, Self.maxTimeout))
        let destination = destinations[target]
        do {
            try await destination.gate.enter(until: deadline)
        } catch {
            inspection.refusal = error
            return inspection
        }
        defer { destination.gate.leave() }
        let start = ContinuousClock.now
        do throws(ExchangeFailure) {
            let addresses = try await permittedAddresses(of: target, at: destination, until: deadline) { address in
                isPermitted(address, of: target, purpose: purpose)
            }
            guard let inspector else { return inspection }
            if target.address == nil { inspection.passed(.dns, since: start) }
            await inspector.look(
                at: target, addresses.prefix(limits.addressesTried), until: deadline, into: &inspection)
        } catch {
            if error.error == .destinationRefused || inspector == nil {
                inspection.refusal = error.error
            } else {
                inspection.failed(.dns, error.error, since: start)
            }
        }
        return inspection
    }
}

extension EgressInspection {
    mutating func passed(_ kind: Phase.Kind, since start: ContinuousClock.Instant) {
        phases.append(Phase(kind: kind, milliseconds: Self.milliseconds(since: start), error: nil))
    }

    mutating func failed(_ kind: Phase.Kind, _ error: EgressError, since start: ContinuousClock.Instant) {
        phases.append(Phase(kind: kind, milliseconds: Self.milliseconds(since: start), error: error))
    }

    private static func milliseconds(since start: ContinuousClock.Instant) -> Int {
        Int((ContinuousClock.now - start) / .milliseconds(1))
    }
}
