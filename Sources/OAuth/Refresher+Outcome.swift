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
            let renewal = await prepareRenewal(granted, of: work)
            return try await store.write { tx in try self.accept(granted, renewal: renewal, of: work, tx: tx) }
        case .refused(let refusal):
            return try await store.write { tx in try self.record(refusal, of: work, tx: tx) }
        }
    }

    /// A credential's data with new tokens in it, and the same sealed.
    struct Renewal: Sendable {
        let data: JSONObject
        let sealed: SealedCredential
    }

    /// Sealed beside the writer, so that nobody waits for that: good if nobody changes the credential meanwhile.
    private func prepareRenewal(_ tokens: Tokens, of work: Work) async -> Renewal? {
        try? await store.read { tx in
            try self.renewal(tokens, over: work.data, generation: work.generation, of: work, tx: tx)
        }
    }

    private func renewal(
        _ tokens: Tokens, over old: JSONObject, generation: Int64, of work: Work, tx: any StoreTransaction
    ) throws -> Renewal {
        var data = old
        tokens.merge(into: &data)
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: work.key.workspaceID)
        return Renewal(
            data: data,
            sealed: try keeper.seal(
                data, of: work.key.credentialID, recordKey: work.recordKey, generation: generation + 1))
    }

    /// - Parameter prepared: of the generation that the work began with.
    private func accept(
        _ tokens: Tokens, renewal prepared: Renewal?, of work: Work, tx: any StoreTransaction
    ) throws -> Result {
        let workspace = work.key.workspaceID
        guard var grant = try tx.grant(of: work.key.credentialID, in: workspace), grant.fence == work.fence,
            let stored = try tx.sealed(work.key.credentialID, in: workspace),
            var credential = try tx.credential(work.key.credentialID, in: workspace)
        else { return .fresh(expiresAt: nil) }
        let now = ambient.now()
        // What stands beside the tokens may have been changed meanwhile; entered tokens would have passed the fence.
        let isUnchanged = stored.generation == work.generation
        let renewal =
            if isUnchanged, let prepared { prepared } else {
                try renewal(
                    tokens, over: isUnchanged ? work.data : open(stored, of: work, tx: tx),
                    generation: stored.generation, of: work, tx: tx)
            }
        grant.accept(
            tokens, hasRefreshToken: renewal.data["refresh_token"]?.slice.string?.isEmpty == false, method: work.method,
            at: now, jitter: ambient.jitter())
        credential.expiresAt = tokens.expiresAt
        credential.updatedAt = max(now, credential.updatedAt)
        credential.revision += 1
        try tx.update(credential, sealed: renewal.sealed)
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

    private func open(_ stored: SealedCredential, of work: Work, tx: any StoreTransaction) throws -> JSONObject {
        try SecretKeeper(vault: vault, tx: tx, workspace: work.key.workspaceID)
            .open(stored, of: work.key.credentialID, recordKey: work.recordKey)
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
