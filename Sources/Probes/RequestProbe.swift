import Connections
import Egress
import LosslessJSON

/// Sends the request that the catalog names, with the credential applied.
struct RequestProbe: Sendable {
    let egress: Egress
    let now: @Sendable () -> Timestamp
    var limits = ProbeLimits()

    func report(on target: ProbeTarget, _ test: TestRequest) async -> ProbeReport {
        await Examination.run(target, egress: egress, now: now, limits: limits) { examination async throws(Decision) in
            let response = try await examination.ask(test)
            try examination.check(response, test)
            examination.authenticated()
            await examination.learnAccount(from: response, to: test)
            return examination.verified()
        }
    }
}

extension Examination {
    /// Looks at the way, and sends the test request.
    mutating func ask(_ test: TestRequest) async throws(Decision) -> EgressResponse {
        guard let url = target.integration.url(of: test.url, filledFrom: target.config) else {
            throw undecided(.incompleteConfig)
        }
        try requireBound(url)
        try await look(at: url)
        var request = EgressRequest(
            asking: url, method: test.method, headers: test.headers, body: test.body, purpose: .probe)
        request.apply(target.method, data: target.data, config: target.config)
        return try await send(request)
    }

    /// A secret goes nowhere else than where it was entered for.
    func requireBound(_ url: String) throws(Decision) {
        guard let origin = URLTemplate.origin(of: url) else { throw undecided(.invalidURL) }
        guard target.integration.origins(config: target.config, method: target.method.id)?.contains(origin) == true
        else { throw undecided(.destinationRefused) }
    }

    /// Whether the answer is a good one, by the test's data.
    func check(_ response: EgressResponse, _ test: TestRequest) throws(Decision) {
        let facts = IdentityRequest.facts(response.body)
        let isMarked =
            test.errorWhen.map { mark in
                facts?.value(at: mark.path).map { $0.slice.string ?? $0.string } == mark.equals
            } ?? false
        let code = test.errorCode.flatMap { facts?.text(at: $0) }
        guard response.isSuccess, !isMarked else {
            throw refused(response, code: code, meanings: test.meanings)
        }
        let needsJSON = test.expects != nil || test.errorWhen != nil || test.errorCode != nil
        guard !response.isHTML, !needsJSON || response.isJSON else {
            throw decided(.inconclusive, at: .protocol, .unexpectedAnswer)
        }
        if let expected = test.expects, facts?.value(at: expected).map({ $0 == .null }) ?? true {
            throw decided(.inconclusive, at: .protocol, .unexpectedAnswer)
        }
    }

    /// Whose account it is, by the same answer where that is enough. Not knowing is no reason against a connection.
    mutating func learnAccount(from response: EgressResponse, to test: TestRequest) async {
        guard let identity = target.integration.identity else { return }
        let facts: JSONObject?
        switch identity.source {
        case .probe: facts = IdentityRequest.facts(response.body)
        case .request:
            let isSame = identity.url == test.url && identity.method == test.method && identity.body == test.body
            facts = isSame ? IdentityRequest.facts(response.body) : await ask(identity)
        case .idToken, .tokenResponse: facts = nil
        }
        let found = facts.flatMap {
            identity.account(in: $0, config: target.config, integration: target.integration.id)
        }
        account = found.flatMap { repeatsSecret($0.label) ? nil : $0 }
    }

    private func ask(_ identity: IdentityRequest) async -> JSONObject? {
        guard target.depth == .full,
            let url = identity.url.flatMap({ target.integration.url(of: $0, filledFrom: target.config) }),
            (try? requireBound(url)) != nil, timeLeft > .zero
        else { return nil }
        var request = EgressRequest(
            asking: url, method: identity.method, headers: identity.headers, body: identity.body, purpose: .probe,
            timeout: timeLeft)
        request.apply(target.method, data: target.data, config: target.config)
        guard let response = try? await egress.send(request), response.status == 200 else { return nil }
        return IdentityRequest.facts(response.body)
    }
}
