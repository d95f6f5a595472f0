import Connections
import Logging
import LosslessJSON

extension AuthorizationService {
    /// Makes the connection of a flow, or gives the one that it reconnects its new tokens. Returns which other connections are
    /// to the same account. Tokens of an account that was not expected are given back to the provider.
    func store(
        _ harvest: Harvest, of flow: AuthorizationFlow, confirmedUser: String? = nil, cause: Cause
    ) async throws -> (connection: Connection, twins: [ConnectionID]) {
        let mismatch = CallbackFailure.Reason.accountMismatch
        let connection: Connection
        let fingerprint: String?
        do {
            (connection, fingerprint) = try await keep(
                harvest, of: flow, confirmedUser: confirmedUser, cause: cause)
        } catch DomainError.refused(let code, let message) where code == mismatch.code {
            await refuse(harvest, of: flow, cause: cause)
            throw DomainError.refused(code: code, message: message)
        }
        guard let fingerprint else { return (connection, []) }
        let twins = try await services.store.connections(
            ofAccount: fingerprint, integration: connection.integration, in: flow.workspaceID, except: connection.id)
        return (connection, twins)
    }

    /// Ends the flow, which nothing can come of any more. It changes nothing of the answer whether that is written down.
    private func refuse(_ harvest: Harvest, of flow: AuthorizationFlow, cause: Cause) async {
        do {
            try await services.store.write { tx in
                try claim(flow, tx: tx)
                try services.letGo(harvest, of: flow, sparing: .everybody, cause: cause, tx: tx)
            }
        } catch {
            services.logger.warning(
                "tokens of a refused flow stay",
                metadata: ["flow.id": "\(flow.id)", "error.reason": "\(error)"])
        }
    }

    /// With the flow's end in one unit of work.
    private func keep(
        _ harvest: Harvest, of flow: AuthorizationFlow, confirmedUser: String?, cause: Cause
    ) async throws -> (connection: Connection, fingerprint: String?) {
        try await services.store.write { tx in
            try claim(flow, tx: tx)
            let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: flow.workspaceID)
            let account = try harvest.account.map {
                Grant.Account(label: $0.label, fingerprint: try keeper.fingerprint($0.subject))
            }
            let connection: Connection
            if let id = flow.request.connectionID {
                connection = try reconnect(id, harvest, account, of: flow, keeper: keeper, cause: cause, tx: tx)
            } else {
                connection = try create(harvest, of: flow, confirmedUser: confirmedUser, cause: cause, tx: tx)
            }
            try tx.put(grant(of: connection, harvest, account, flow: flow, at: cause.at, tx: tx))
            return (connection, account?.fingerprint)
        }
    }

    /// A flow ends once.
    private func claim(_ flow: AuthorizationFlow, tx: any StoreTransaction) throws {
        guard var row = try tx.authorizationFlow(state: flow.stateDigest), row.stage == flow.stage else {
            throw DomainError.notFound(.ticket)
        }
        row.stage = .finished
        row.ticketDigest = nil
        row.sealed = []
        try tx.update(row)
    }

    private func create(
        _ harvest: Harvest, of flow: AuthorizationFlow, confirmedUser: String?, cause: Cause,
        tx: any StoreTransaction
    ) throws -> Connection {
        let request = flow.request
        guard let integration = services.catalog.integration(request.integration, in: flow.workspaceID) else {
            throw DomainError.notFound(.integration)
        }
        var data = JSONObject()
        harvest.tokens.merge(into: &data)
        let draft = ConnectionDraft(
            integration: request.integration, integrationType: integration.type, authMethodID: request.authMethodID,
            credential: .inline(data), label: request.label?.slice, config: harvest.config,
            userID: request.userID ?? confirmedUser, externalID: request.externalID, tags: nil, metadata: nil)
        return try connections.create(
            draft, integration: integration, in: flow.workspaceID, cause: cause, tx: tx)
    }

    /// In place: id, label, tags and everything that points to the connection stay.
    private func reconnect(
        _ id: ConnectionID, _ harvest: Harvest, _ account: Grant.Account?, of flow: AuthorizationFlow,
        keeper: SecretKeeper, cause: Cause, tx: any StoreTransaction
    ) throws -> Connection {
        guard let row = try tx.connection(id, in: flow.workspaceID),
            var credential = try tx.credential(row.credentialID, in: flow.workspaceID)
        else { throw DomainError.notFound(.connection) }
        var changed = row
        var entries: [JournalEntry] = []
        let known = try tx.grant(of: row.credentialID, in: flow.workspaceID)?.account
        // An account that cannot be learnt now may be another one.
        if let known, known.fingerprint != account?.fingerprint {
            guard flow.request.allowsAccountChange else {
                throw DomainError.refused(
                    code: CallbackFailure.Reason.accountMismatch.code,
                    message: CallbackFailure.Reason.accountMismatch.sentence)
            }
            entries.append(changed.note(.connectionIdentityChanged))
        }
        changed.config = harvest.config.text
        changed.needsRebind = false
        changed.updatedAt = max(cause.at, row.updatedAt)
        changed.revision += 1
        entries.append(changed.note(.connectionReconnected))
        // Whoever sends a customer through the consent again means it to be used, even one that was inactive.
        let status =
            row.status == .inactive
            ? StatusChange(asserting: .active, from: .inactive)
            : StatusChange(from: row.status, to: .active, on: StatusEvidence("reconnected"))
        entries += status?.apply(to: &changed, at: cause.at) ?? []
        try tx.update(changed, from: row, searchText: nil)
        try tx.resumeChecks(of: changed, from: row, at: cause.at)
        let recordKey = keeper.makeRecordKey()
        // One whose destination was changed and not confirmed by anybody stays shut.
        for user in try tx.connections(using: credential.id, in: flow.workspaceID, limit: .max)
        where user.id == id || !user.needsRebind {
            try keeper.rebind(
                user, to: recordKey, catalog: services.catalog, ambient: services.ambient, cause: cause)
        }
        var data = JSONObject()
        harvest.tokens.merge(into: &data)
        let generation = try tx.sealed(credential.id, in: flow.workspaceID)?.generation ?? 0
        credential.expiresAt = harvest.tokens.expiresAt
        credential.updatedAt = max(cause.at, credential.updatedAt)
        credential.revision += 1
        try tx.update(
            credential,
            sealed: keeper.seal(data, of: credential.id, recordKey: recordKey, generation: generation + 1))
        for entry in entries { try tx.append(entry, id: services.ambient.id(), cause: cause) }
        return changed
    }

    private func grant(
        of connection: Connection, _ harvest: Harvest, _ account: Grant.Account?, flow: AuthorizationFlow,
        at now: Timestamp, tx: any StoreTransaction
    ) throws -> Grant {
        let method = try services.apps.oauthMethod(
            flow.request.integration, flow.request.authMethodID, in: flow.workspaceID)
        var grant =
            try tx.grant(of: connection.credentialID, in: flow.workspaceID)
            ?? Grant(workspaceID: flow.workspaceID, credentialID: connection.credentialID, kind: method.grant)
        grant.fence += 1
        grant.appID = flow.appID
        grant.clientID = harvest.clientID
        grant.requestedScopes = flow.request.scopes
        grant.grantedScopes = nil
        grant.refreshExpiresAt = nil
        grant.account = account
        grant.accept(
            harvest.tokens, hasRefreshToken: harvest.tokens.refreshToken != nil, method: method, at: now,
            jitter: services.ambient.jitter())
        return grant
    }
}
