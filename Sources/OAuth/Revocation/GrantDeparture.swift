package import Connections
import LosslessJSON

/// Writes down what is to be revoked, in the unit of work that deletes what held it.
package struct GrantDeparture: ConnectionDeparture {
    private let services: OAuthServices

    package init(services: OAuthServices) {
        self.services = services
    }

    package func willDelete(_ connection: Connection, cause: Cause, tx: any StoreTransaction) throws {
        guard let grant = try grant(of: connection.credentialID, in: connection.workspaceID, tx: tx) else { return }
        let key = GrantKey(workspaceID: connection.workspaceID, credentialID: connection.credentialID)
        let origin = TokenOrigin(
            workspace: connection.workspaceID, subject: connection.id.description,
            credential: connection.credentialID, integration: connection.integration,
            account: grant.account?.fingerprint)
        try noting(origin, cause: cause, tx: tx) {
            let situation = try services.reader.situation(key, via: connection.id, tx: tx)
            guard let tokens = newest(of: situation, tx: tx) ?? Tokens(data: situation.data) else { return }
            try services.letGo(
                LooseTokens(
                    tokens: tokens, method: situation.method,
                    endpoints: services.discovery.knownEndpoints(
                        of: situation.method, filledFrom: situation.config),
                    client: situation.client, origin: origin),
                cause: cause, tx: tx)
        }
    }

    /// No connection says any more where the secret may go, so it goes only where nothing but the program itself says it should.
    package func willDelete(_ credential: Credential, cause: Cause, tx: any StoreTransaction) throws {
        guard let grant = try grant(of: credential.id, in: credential.workspaceID, tx: tx) else { return }
        let app = try grant.appID.flatMap { try services.apps.app($0, in: credential.workspaceID, tx: tx) }
        let origin = TokenOrigin(
            workspace: credential.workspaceID, subject: credential.id.description, credential: credential.id,
            integration: app?.integration ?? credential.provider ?? "", account: grant.account?.fingerprint)
        guard let integration = services.catalog.integration(origin.integration, in: origin.workspace),
            let method = integration.method(app?.authMethodID, of: credential.authType)
        else { return try services.noteLeft("integration_unknown", origin, cause: cause, tx: tx) }
        guard !integration.isWorkspaceDefined, (method.revokeURL ?? method.issuer)?.isWholeURL != true else {
            return try services.noteLeft("destination_unknown", origin, cause: cause, tx: tx)
        }
        try noting(origin, cause: cause, tx: tx) {
            guard let tokens = try tokens(of: credential, tx: tx) else { return }
            let config = app?.config(over: JSONObject(), method: method) ?? JSONObject()
            try services.letGo(
                LooseTokens(
                    tokens: tokens, method: method,
                    endpoints: services.discovery.knownEndpoints(of: method, filledFrom: config),
                    client: try app.map {
                        try services.apps.client($0, method: method, in: origin.workspace, at: cause.at, tx: tx)
                    }, origin: origin),
                cause: cause, tx: tx)
        }
    }

    /// `nil` where there is nothing to take back: it is over, made anew at any time, or another system's to use.
    private func grant(
        of credential: CredentialID, in workspace: WorkspaceID, tx: any StoreTransaction
    ) throws -> Grant? {
        guard let grant = try tx.grant(of: credential, in: workspace), grant.state != .dead,
            grant.state != .suspended, !grant.kind.isSelfIssued
        else { return nil }
        return grant
    }

    /// What the provider answered last, where a crash came before it was read: the tokens before are spent by it.
    private func newest(of situation: GrantSituation, tx: any StoreTransaction) -> Tokens? {
        let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: situation.grant.workspaceID)
        guard let answer = situation.grant.answer,
            let bytes = try? keeper.open(
                answer: answer, of: situation.grant.credentialID, recordKey: situation.recordKey,
                fence: situation.grant.fence),
            let raw = RawAnswer(bytes), case .granted(let tokens, _) = TokenOutcome(raw, method: situation.method)
        else { return nil }
        return tokens.keepingRefreshToken(of: situation.data)
    }

    private func tokens(of credential: Credential, tx: any StoreTransaction) throws -> Tokens? {
        guard let sealed = try tx.sealed(credential.id, in: credential.workspaceID) else { return nil }
        let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: credential.workspaceID)
        let recordKey = try keeper.recordKey(of: sealed, credential.id)
        return Tokens(data: try keeper.open(sealed, of: credential.id, recordKey: recordKey))
    }

    /// The deletion goes on: what cannot be revoked is told.
    private func noting(
        _ origin: TokenOrigin, cause: Cause, tx: any StoreTransaction, _ body: () throws -> Void
    ) throws {
        do {
            try body()
        } catch let problem as GrantProblem {
            try services.noteLeft(problem.reason, origin, cause: cause, tx: tx)
        } catch let error as DomainError {
            try services.noteLeft(GrantProblem(error).reason, origin, cause: cause, tx: tx)
        } catch is VaultError {
            try services.noteLeft(GrantProblem(.unreadable).reason, origin, cause: cause, tx: tx)
        }
    }
}

extension Integration {
    /// The named method, or the first that sends people to a provider and makes credentials of this kind.
    fileprivate func method(_ id: String?, of authType: AuthType) -> OAuthMethod? {
        let found =
            if let id { authMethod(id) } else {
                authMethods.first { $0.authType == authType && $0.oauth?.grant == .authorizationCode }
            }
        return found?.oauth
    }
}

extension Tokens {
    /// A refresh token that was not given again is the one before (RFC 6749, 6).
    func keepingRefreshToken(of data: JSONObject) -> Tokens {
        var tokens = self
        if tokens.refreshToken == nil { tokens.refreshToken = Tokens(data: data)?.refreshToken }
        return tokens
    }
}
