import Connections
import Egress
import LosslessJSON

extension OAuthServices {
    /// Writes down what the provider is to be told, or why it is not.
    func letGo(_ tokens: LooseTokens, cause: Cause, tx: any StoreTransaction) throws {
        guard
            let order = RevocationOrder(
                tokens: tokens.tokens, method: tokens.method, endpoints: tokens.endpoints, client: tokens.client)
        else { return try noteLeft("no_revocation_endpoint", tokens.origin, cause: cause, tx: tx) }
        if tokens.method.revocationEnds == .grant {
            guard tokens.spares == .otherConnections else {
                return try noteLeft("ends_whole_grant", tokens.origin, cause: cause, tx: tx)
            }
            let origin = tokens.origin
            if let account = origin.account,
                try tx.hasGrant(ofAccount: account, in: origin.workspace, except: origin.credential)
            {
                return try noteLeft("account_in_use", origin, cause: cause, tx: tx)
            }
        }
        try enqueue(
            order, subject: tokens.origin.subject, integration: tokens.origin.integration,
            in: tokens.origin.workspace, at: cause.at, tx: tx)
    }

    /// Tokens that live on at the provider, and why.
    func noteLeft(_ reason: String, _ origin: TokenOrigin, cause: Cause, tx: any StoreTransaction) throws {
        try tx.append(
            JournalEntry(
                .revocationFailed, in: origin.workspace, subject: origin.subject, data: .reason(reason)),
            id: ambient.id(), cause: cause)
    }

    private func enqueue(
        _ order: RevocationOrder, subject: String, integration: String, in workspace: WorkspaceID,
        at now: Timestamp, tx: any StoreTransaction
    ) throws {
        let id = ambient.id(RevocationID.self)
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
        try tx.insert(
            Revocation(
                id: id, workspaceID: workspace, subject: subject, integration: integration,
                sealed: try keeper.seal(order.data, of: id.description, field: "revocation"), dueAt: now,
                createdAt: now))
    }

    /// For the scheduler.
    func enqueue(
        _ order: RevocationOrder, connection: ConnectionID, integration: String, in workspace: WorkspaceID,
        at now: Timestamp, tx: any StoreTransaction
    ) throws {
        try enqueue(
            order, subject: connection.description, integration: integration, in: workspace, at: now, tx: tx)
    }

    /// Tells one provider. What fails is tried again for three days, and then stays to be seen.
    func revoke(_ revocation: Revocation) async throws {
        let order = try await store.write { tx in
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: revocation.workspaceID)
            // One that does not open is told like one that fails.
            let data = try? keeper.open(revocation.sealed, of: revocation.id.description, field: "revocation")
            return data.flatMap { RevocationOrder($0) }
        }
        let failure: String?
        if let order {
            do {
                let raw = try await endpoint.send(order.request, as: order.client, method: OAuthMethod())
                // RFC 7009, 2.2: a token that is not known is revoked as well.
                let isGone = raw.status == 404 || raw.status == 410
                failure = (200..<300).contains(raw.status) || isGone ? nil : "http_\(raw.status)"
            } catch let error as EgressError {
                failure = error.code
            }
        } else {
            failure = "unreadable"
        }
        let cause = Cause(principal: .system, requestID: revocation.id.description, at: ambient.now())
        try await store.write { tx in
            if failure == nil {
                try tx.delete(revocation: revocation.id, in: revocation.workspaceID)
            } else {
                try tx.update(revocation.failed(failure ?? "", at: cause.at, jitter: ambient.jitter()))
            }
            try tx.append(
                JournalEntry(
                    failure == nil ? .revoked : .revocationFailed, in: revocation.workspaceID,
                    subject: revocation.subject, data: failure.map { .reason($0) } ?? .emptyObject),
                id: ambient.id(), cause: cause)
        }
    }
}

extension Revocation {
    fileprivate func failed(_ reason: String, at now: Timestamp, jitter: Double) -> Revocation {
        var next = self
        next.attempts += 1
        next.lastFailure = reason
        let pause = min(21_600, 30 * Double(1 << min(next.attempts - 1, 12))) * (0.75 + 0.5 * jitter)
        let isOver = createdAt.advanced(bySeconds: 259_200) < now
        next.dueAt = isOver ? nil : now.advanced(bySeconds: Int64(pause))
        return next
    }
}
