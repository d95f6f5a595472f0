package import Connections
import LosslessJSON

/// Hands out access tokens that are fresh.
package struct TokenService: Sendable {
    private let services: OAuthServices
    private let refresher: Refresher

    package init(services: OAuthServices, refresher: Refresher) {
        self.services = services
        self.refresher = refresher
    }

    package struct Reading: Sendable {
        package let accessToken: Secret
        package let tokenType: String
        package let expiresAt: Timestamp?
        package let scopes: [String]
        package let missingScopes: [String]
    }

    private enum Step {
        case read(Reading)
        case refresh(GrantKey)
    }

    /// Written into the journal before it is answered. Throws `GrantProblem` where there is no token to give.
    package func read(_ id: ConnectionID, in workspace: WorkspaceID, cause: Cause) async throws -> Reading {
        for refreshes in 0...Self.maxRefreshes {
            // What was got just now is as fresh as it gets, however soon it ends.
            let leeway = refreshes == 0 ? Refresher.leeway : 0
            switch try await step(id, in: workspace, leeway: leeway, cause: cause) {
            case .read(let reading): return reading
            case .refresh(let key):
                if case .failed(let problem) = await refresher.refresh(key, via: id, isForced: false, cause: cause) {
                    throw problem
                }
            }
        }
        throw GrantProblem(.providerUnavailable, "token_expired_at_once")
    }

    /// A refresh may bring an answer that a crash left behind, with a token that has ended since.
    private static let maxRefreshes = 3

    private func step(
        _ id: ConnectionID, in workspace: WorkspaceID, leeway: Int64, cause: Cause
    ) async throws -> Step {
        try await services.store.write { tx in
            let now = services.ambient.now()
            let place = ConnectionKey(workspaceID: workspace, connectionID: id)
            let standing = try tx.tokenStanding(of: id, in: workspace)
            if let standing, standing.isUsable,
                let known = services.opened.entry(of: place, for: standing, at: now),
                isFresh(standing.accessExpiresAt, standing.grantState, known.isSelfIssued, leeway: leeway, at: now)
            {
                try note(id, in: workspace, cause: cause, tx: tx)
                return .read(known.reading)
            }
            return try open(id, in: workspace, standing: standing, leeway: leeway, at: now, cause: cause, tx: tx)
        }
    }

    private func open(
        _ id: ConnectionID, in workspace: WorkspaceID, standing: TokenStanding?, leeway: Int64, at now: Timestamp,
        cause: Cause, tx: any StoreTransaction
    ) throws -> Step {
        guard let connection = try tx.connection(id, in: workspace) else { throw DomainError.notFound(.connection) }
        guard connection.status != .inactive else { throw GrantProblem(.inactive) }
        let key = GrantKey(workspaceID: workspace, credentialID: connection.credentialID)
        let situation = try services.reader.situation(key, via: id, opensClient: false, tx: tx)
        let grant = situation.grant
        guard grant.state != .dead else { throw GrantProblem(.needsReauthorization, grant.lastFailure) }
        let tokens = Tokens(data: situation.data)
        guard let tokens,
            isFresh(grant.accessExpiresAt, grant.state, grant.kind.isSelfIssued, leeway: leeway, at: now)
        else {
            guard grant.state != .suspended else { throw GrantProblem(.suspended) }
            guard grant.isRefreshable || tokens != nil else { throw GrantProblem(.notInstalled) }
            return .refresh(key)
        }
        try note(id, in: workspace, cause: cause, tx: tx)
        if situation.isGrantUnwritten { try tx.put(grant) }
        let reading = Reading(
            accessToken: tokens.accessToken, tokenType: tokens.tokenType, expiresAt: grant.accessExpiresAt,
            scopes: grant.grantedScopes ?? grant.requestedScopes, missingScopes: grant.missingScopes)
        // What a change of the integration or of an app that is still to be made would shut, versions of rows do not tell.
        if let standing, !situation.integration.isWorkspaceDefined,
            situation.method.wholeURLKeys.isEmpty || standing.versions.app != nil
        {
            services.opened.remember(
                OpenedTokens.Entry(
                    reading: reading, versions: standing.versions, isSelfIssued: grant.kind.isSelfIssued,
                    openedAt: now),
                of: ConnectionKey(workspaceID: workspace, connectionID: id))
        }
        return .read(reading)
    }

    /// One without an end is good until the provider says otherwise, unless the credential alone can get another.
    private func isFresh(
        _ end: Timestamp?, _ state: Grant.State, _ isSelfIssued: Bool, leeway: Int64, at now: Timestamp
    ) -> Bool {
        guard let end else { return !isSelfIssued }
        return end > now.advanced(bySeconds: state == .inDoubt ? 0 : leeway)
    }

    private func note(
        _ id: ConnectionID, in workspace: WorkspaceID, cause: Cause, tx: any StoreTransaction
    ) throws {
        try tx.append(
            JournalEntry(.tokenRead, in: workspace, subject: id.description), id: services.ambient.id(), cause: cause)
    }

    /// A refresh that somebody asks for, whatever the schedule says.
    package func refresh(_ id: ConnectionID, in workspace: WorkspaceID, cause: Cause) async throws -> Timestamp? {
        guard let connection = try await services.store.connection(id, in: workspace) else {
            throw DomainError.notFound(.connection)
        }
        guard connection.status != .inactive else { throw GrantProblem(.inactive) }
        let key = GrantKey(workspaceID: workspace, credentialID: connection.credentialID)
        switch await refresher.refresh(key, via: id, isForced: true, cause: cause) {
        case .failed(let problem): throw problem
        case .fresh:
            return try await services.store.grant(of: connection.credentialID, in: workspace)?.accessExpiresAt
        }
    }
}
