import Connections

/// Tries what an integration's file says of OAuth against the simulator, by the services that would serve it.
struct Trial {
    let integration: Integration
    /// The simulator's origin.
    let simulator: String
    let simulatorPort: Int

    /// What no simulator can tell.
    static let limits = """
        Not checked, since only the provider knows: its addresses, whether its scopes exist, what its answers look like, the \
        identity request, and how it takes the token.
        """

    func run() async throws -> [TrialStep] {
        var steps: [TrialStep] = []
        for method in integration.authMethods {
            guard let oauth = method.oauth else { continue }
            switch oauth.grant {
            case .authorizationCode: steps += try await attempt(method, oauth) { try await $0.authorizationCode() }
            case .clientCredentials: steps += try await attempt(method, oauth) { try await $0.clientCredentials() }
            case .jwtBearer:
                steps.append(.notChecked(method, "token", "an assertion is signed with a key of yours"))
            case .tokenRequest:
                steps.append(.notChecked(method, "token", "the simulator knows no request but the standard's"))
            }
        }
        return steps
    }

    private func attempt(
        _ method: AuthMethod, _ oauth: OAuthMethod, _ body: (MethodTrial) async throws -> [TrialStep]
    ) async throws -> [TrialStep] {
        let subject = try TrialIntegration(integration, method, oauth)
        return try await TrialInstance.with(subject.integration, simulatorPort: simulatorPort) { instance in
            try await body(MethodTrial(subject: subject, instance: instance, simulator: simulator))
        }
    }
}

extension TrialStep {
    fileprivate static func notChecked(_ method: AuthMethod, _ step: String, _ why: String) -> TrialStep {
        TrialStep(method: method.id, step: step, outcome: .notChecked, detail: why)
    }
}
