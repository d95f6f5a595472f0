import Connections
import Egress

extension Examination {
    /// What it means that there is no answer.
    /// - Parameter layer: where it was seen; the error's own place where nobody looked layer by layer.
    func failed(
        _ error: EgressError, at layer: CheckLayer? = nil, milliseconds: Int? = nil, certificate: PeerCertificate? = nil
    ) -> Decision {
        func inconclusive(_ own: CheckLayer, _ reason: Reason, unreachable: Bool) -> Decision {
            decided(
                .inconclusive, at: layer ?? own, reason, milliseconds: milliseconds, isHostUnreachable: unreachable)
        }
        switch error {
        // One reason, and neither layers nor times: this is no port scanner.
        case .destinationRefused: return undecided(.destinationRefused)
        case .invalidURL: return undecided(.invalidURL)
        case .nameNotResolved: return inconclusive(.dns, .nameNotResolved, unreachable: true)
        case .connectFailed: return inconclusive(.connect, .connectionFailed, unreachable: true)
        case .circuitOpen: return inconclusive(.connect, .circuitOpen, unreachable: true)
        case .overloaded: return inconclusive(.connect, .overloaded, unreachable: false)
        case .timedOut: return inconclusive(.http, .timedOut, unreachable: true)
        case .connectionLost: return inconclusive(.http, .connectionLost, unreachable: true)
        case .closed: return inconclusive(.http, .cancelled, unreachable: false)
        case .protocolError: return inconclusive(.http, .notHTTP, unreachable: false)
        case .responseTooLarge: return inconclusive(.protocol, .answerTooLarge, unreachable: false)
        case .tooManyRedirects: return inconclusive(.protocol, .unexpectedAnswer, unreachable: false)
        case .tlsFailed:
            guard let reason = certificate.flatMap(fault) else {
                return inconclusive(.tls, .tlsFailed, unreachable: false)
            }
            return decided(.invalid, at: .tls, reason, milliseconds: milliseconds)
        }
    }

    /// What is wrong with a certificate beyond doubt. That its issuer is not known here is our side's matter as well.
    private func fault(of certificate: PeerCertificate) -> Reason? {
        if certificate.notAfter < now() { return .certificateExpired }
        if !certificate.fitsHost { return .certificateWrongHost }
        return certificate.isSelfSigned && !certificate.isTrusted ? .certificateSelfSigned : nil
    }
}
