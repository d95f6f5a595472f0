import Connections
import Egress
import LosslessJSON

/// Ends a probe before its end.
struct Decision: Error {
    let report: ProbeReport
}

/// One look at one connection: what was found so far, and how much time is left.
struct Examination: Sendable {
    let target: ProbeTarget
    let egress: Egress
    let now: @Sendable () -> Timestamp
    let subject: Subject
    private let limits: ProbeLimits
    private let deadline: ContinuousClock.Instant
    private(set) var layers: [LayerFinding] = []
    var certificateExpiresAt: Timestamp?
    /// Whose account the other side says it is.
    var account: ProbedAccount?
    /// Of the last answer.
    private(set) var httpStatus: Int?

    init(
        of target: ProbeTarget, egress: Egress, now: @escaping @Sendable () -> Timestamp,
        limits: ProbeLimits = ProbeLimits()
    ) {
        self.target = target
        self.egress = egress
        self.now = now
        subject = Subject(target)
        self.limits = limits
        deadline = .now + (target.depth == .full ? limits.full : limits.brief)
    }

    /// What the next step may take.
    var timeLeft: Duration { max(.zero, min(limits.request, deadline - .now)) }

    // MARK: Going there

    /// In full depth, looks at name, connection and TLS by themselves before anything is sent.
    mutating func look(at url: String) async throws(Decision) {
        guard target.depth == .full else { return }
        let inspection = await egress.inspect(url, purpose: .probe, timeout: timeLeft)
        certificateExpiresAt = inspection.certificate?.notAfter
        if let refusal = inspection.refusal { throw failed(refusal) }
        for phase in inspection.phases {
            let layer: CheckLayer =
                switch phase.kind {
                case .dns: .dns
                case .connect: .connect
                case .tls: .tls
                }
            if let error = phase.error {
                throw failed(error, at: layer, milliseconds: phase.milliseconds, certificate: inspection.certificate)
            }
            passed(layer, milliseconds: phase.milliseconds)
        }
    }

    /// Sends within the time that is left; redirects are not followed. Any status is an answer.
    mutating func send(_ request: EgressRequest) async throws(Decision) -> EgressResponse {
        var request = request
        request.timeout = timeLeft
        request.maxResponseSize = min(request.maxResponseSize, limits.answerSize)
        request.followsRedirects = false
        let start = ContinuousClock.now
        do {
            let response = try await egress.send(request)
            httpStatus = response.status
            passed(.http, milliseconds: Int((ContinuousClock.now - start) / .milliseconds(1)))
            return response
        } catch {
            let error = error as? EgressError ?? .closed
            guard error == .tlsFailed, target.depth == .brief else { throw failed(error) }
            let inspection = await egress.inspect(request.url, purpose: .probe, timeout: timeLeft)
            certificateExpiresAt = inspection.certificate?.notAfter
            throw failed(error, certificate: inspection.certificate)
        }
    }

    // MARK: What was found

    /// A layer counts once, at its first time.
    mutating func passed(_ layer: CheckLayer, milliseconds: Int? = nil, detail: String? = nil) {
        guard !layers.contains(where: { $0.layer == layer }) else { return }
        layers.append(LayerFinding(layer, .passed, milliseconds: milliseconds, detail: detail))
    }

    /// - Parameter answeredOnly: whether the credential had no part in it.
    func verified(detail: String? = nil, answeredOnly: Bool = false) -> ProbeReport {
        var layers = layers
        if let detail, let last = layers.popLast() {
            layers.append(LayerFinding(last.layer, last.outcome, milliseconds: last.milliseconds, detail: detail))
        }
        return report(.valid, layers, answeredOnly ? .answered : .verified)
    }

    /// Ends at a layer. What was found there or further on before does not hold any more.
    func decided(
        _ verdict: Verdict, at layer: CheckLayer, _ reason: Reason, milliseconds: Int? = nil, detail: String? = nil,
        providerCode: String? = nil, isGrantGone: Bool = false, isHostUnreachable: Bool = false
    ) -> Decision {
        let earlier = layers.first { $0.layer == layer }
        var layers = layers.filter { $0.layer.order < layer.order }
        layers.append(
            LayerFinding(
                layer, verdict == .invalid ? .failed : .inconclusive,
                milliseconds: milliseconds ?? earlier?.milliseconds, detail: detail))
        var report = report(verdict, layers, reason)
        report.providerCode = providerCode
        report.isGrantGone = isGrantGone
        report.isHostUnreachable = isHostUnreachable
        return Decision(report: report)
    }

    /// Ends where nobody looked: nothing is told of layers and times.
    func undecided(_ reason: Reason) -> Decision {
        Decision(
            report: ProbeReport(
                .inconclusive, layers: [], reasonCode: reason.code, message: reason.sentence(subject)))
    }

    private func report(_ verdict: Verdict, _ layers: [LayerFinding], _ reason: Reason) -> ProbeReport {
        ProbeReport(
            verdict, layers: layers, reasonCode: reason.code, message: reason.sentence(subject), account: account,
            httpStatus: httpStatus, certificateExpiresAt: certificateExpiresAt)
    }

    /// Runs one probe to its end.
    static func run(
        _ target: ProbeTarget, egress: Egress, now: @escaping @Sendable () -> Timestamp,
        limits: ProbeLimits = ProbeLimits(),
        _ body: (inout Examination) async throws(Decision) -> ProbeReport
    ) async -> ProbeReport {
        var examination = Examination(of: target, egress: egress, now: now, limits: limits)
        do {
            return try await body(&examination)
        } catch {
            return error.report
        }
    }
}

extension CheckLayer {
    /// Where it stands on the way.
    var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
