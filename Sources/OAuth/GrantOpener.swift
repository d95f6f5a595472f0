package import Connections

/// Opens connections for tests, with a token that is fresh.
package struct GrantOpener: GrantUse {
    private let services: OAuthServices
    private let refresher: Refresher

    package init(services: OAuthServices, refresher: Refresher) {
        self.services = services
        self.refresher = refresher
    }

    package func open(_ connection: Connection, isForced: Bool, cause: Cause) async throws -> OpenedGrant {
        let key = GrantKey(workspaceID: connection.workspaceID, credentialID: connection.credentialID)
        if case .failed(let problem) = await refresher.refresh(
            key, via: connection.id, isForced: isForced, cause: cause)
        {
            switch problem.code {
            case .needsReauthorization: return .gone(reason: problem.reason)
            // The token at hand may be good for a while yet.
            case .held, .suspended, .outcomeUnknown, .providerUnavailable, .appFailing, .appMissing: break
            case .notOAuth, .notInstalled, .secretRebindRequired, .paused, .inactive, .unreadable:
                return .unavailable(reason: problem.code.rawValue)
            }
            if isForced { return .unavailable(reason: problem.code.rawValue) }
        }
        return try await services.store.read { tx in
            do {
                let situation = try services.reader.situation(key, via: connection.id, opensClient: false, tx: tx)
                guard situation.grant.state != .dead else {
                    return .gone(reason: situation.grant.lastFailure ?? "needs_reauthorization")
                }
                guard Tokens(data: situation.data) != nil,
                    situation.grant.accessExpiresAt.map({ $0 > services.ambient.now() }) ?? true
                else { return .unavailable(reason: "no_access_token") }
                return .ready(config: situation.config, data: situation.data)
            } catch let problem as GrantProblem {
                return .unavailable(reason: problem.code.rawValue)
            }
        }
    }
}
