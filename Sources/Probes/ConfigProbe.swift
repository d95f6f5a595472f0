import Connections
import Egress
import LosslessJSON

/// Asks the URL that the connection's own config names, and expects what it says.
struct ConfigProbe: Sendable {
    let egress: Egress
    let now: @Sendable () -> Timestamp
    var limits = ProbeLimits()

    func report(on target: ProbeTarget) async -> ProbeReport {
        await Examination.run(target, egress: egress, now: now, limits: limits) { examination async throws(Decision) in
            guard let expectation = try Expectation(examination) else { throw examination.undecided(.nothingToTest) }
            try examination.requireBound(expectation.url)
            try await examination.look(at: expectation.url)
            var request = EgressRequest(purpose: .probe, method: expectation.method, url: expectation.url)
            // What is free of form says nothing of how it is sent.
            let isApplied = !target.method.placements.isEmpty && !target.method.isFreeForm
            if isApplied { request.apply(target.method, data: target.data, config: target.config) }
            let response = try await examination.send(request)
            guard expectation.isMet(by: response) else {
                // Without a credential a refusal says nothing of it.
                let isEvidence = !response.isSuccess && (isApplied || ![401, 403].contains(response.status))
                throw isEvidence
                    ? examination.refused(response)
                    : examination.decided(.inconclusive, at: .protocol, .unexpectedAnswer)
            }
            if isApplied { examination.authenticated() }
            return examination.verified(answeredOnly: !isApplied)
        }
    }
}

/// What the config says of the test.
private struct Expectation {
    let url: String
    let method: String
    /// `nil` for any success.
    let status: Int?
    let text: [UInt8]

    /// `nil` without a URL.
    init?(_ examination: Examination) throws(Decision) {
        let config = examination.target.config
        func text(_ key: String) -> String? {
            config.text(at: key).flatMap { $0.isEmpty ? nil : $0 }
        }
        guard let url = text(IntegrationProbe.testURLKey) else { return nil }
        self.url = url
        method = text("test_method")?.uppercased() ?? "GET"
        let status = text("test_status")
        self.status = status.flatMap { Int($0) }
        self.text = Array((text("test_contains") ?? "").utf8)
        let isStatus = status == nil || (100...599).contains(self.status ?? 0)
        guard ["GET", "HEAD", "POST"].contains(method), isStatus, method != "HEAD" || self.text.isEmpty else {
            throw examination.undecided(.invalidTest)
        }
    }

    func isMet(by response: EgressResponse) -> Bool {
        (status.map { $0 == response.status } ?? response.isSuccess)
            && (text.isEmpty || response.body.firstRange(of: text) != nil)
    }
}
