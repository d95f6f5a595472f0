import Connections
import Egress
import LosslessJSON

/// After the provider has answered, or has not.
extension Refresher {
    func conclude(_ raw: RawAnswer, of work: Work) async throws -> Result {
        switch TokenOutcome(raw, method: work.method) {
        case .granted(var tokens, _):
            tokens.expiresAt = await Introspection(endpoint: endpoint).end(
                of: tokens, method: work.method, endpoints: work.endpoints, client: work.client, askedAt: raw.askedAt)
            let granted = tokens
            if let app = work.appID { circuit.noteSuccess(AppCircuit.Key(work.key.workspaceID, app)) }
            return try await store.write { tx in try self.accept(granted, of: work, tx: tx) }
        case .refused(let refusal):
            return try await store.write { tx in try self.record(refusal, of: work, tx: tx) }
        }
    }

    func accept(_ tokens: Tokens, of work: Work, tx: any StoreTransaction) throws -> Result {
        let workspace = work.key.workspaceID
        guard var grant = try tx.grant(of: work.key.credentialID, in: workspace), grant.fence == work.fence,
            let stored = try tx.sealed(work.key.credentialID, in: workspace),
            var credential = try tx.credential(work.key.credentialID, in: workspace)
        else { return .fresh(expiresAt: nil) }
        let now = ambient.now()
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
        // What stands beside the tokens may have been changed meanwhile; entered tokens would have passed the fence.
        var data =
            stored.generation == work.generation
            ? work.data : try keeper.open(stored, of: credential.id, recordKey: work.recordKey)
        tokens.merge(into: &data)
        grant.accept(
            tokens, hasRefreshToken: data["refresh_token"]?.slice.string?.isEmpty == false, method: work.method,
            at: now, jitter: ambient.jitter())
        credential.expiresAt = tokens.expiresAt
        credential.updatedAt = max(now, credential.updatedAt)
        credential.revision += 1
        try tx.update(
            credential,
            sealed: keeper.seal(
                data, of: credential.id, recordKey: work.recordKey, generation: stored.generation + 1))
        try tx.put(grant)
        try tx.append(
            JournalEntry(
                .refreshed, in: workspace, subject: credential.id.description,
                data: .refreshed(generation: stored.generation + 1, tokens: tokens)),
            id: ambient.id(), cause: work.cause)
        try noteAppRecovered(work, tx: tx)
        if try tx.hasConnections(using: credential.id, status: .expired, in: workspace) {
            try tx.setStatus(
                .active, from: [.expired], ofUsersOf: credential.id, in: workspace,
                evidence: StatusEvidence("refreshed"), ambient: ambient, cause: work.cause)
        }
        return .fresh(expiresAt: tokens.expiresAt)
    }

    func noteAppRecovered(_ work: Work, tx: any StoreTransaction) throws {
        guard work.isAppFailing, let id = work.appID, var app = try tx.oauthApp(id, in: work.key.workspaceID),
            app.failure != nil
        else { return }
        app.failure = nil
        try tx.update(app, in: work.key.workspaceID)
        try tx.append(
            JournalEntry(.appRecovered, in: work.key.workspaceID, subject: id.description), id: ambient.id(),
            cause: work.cause)
    }
}
