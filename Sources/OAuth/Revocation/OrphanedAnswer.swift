import Connections

/// What a refresh brings whose connection was deleted while it was under way: tokens that nobody holds and nobody would take
/// back.
struct OrphanedAnswer: Sendable {
    let raw: RawAnswer
    let work: Refresher.Work
    let origin: TokenOrigin
}

extension OAuthServices {
    /// To be called where an answer was not kept. Does nothing where the grant stands: then newer tokens took its place.
    func letGo(_ orphan: OrphanedAnswer) async throws {
        let work = orphan.work
        guard case .granted(let tokens, _) = TokenOutcome(orphan.raw, method: work.method) else { return }
        let cause = Cause(principal: work.cause.principal, requestID: work.cause.requestID, at: ambient.now())
        try await store.write { tx in
            guard try tx.grant(of: work.key.credentialID, in: work.key.workspaceID) == nil,
                try tx.workspace(work.key.workspaceID) != nil
            else { return }
            try letGo(
                LooseTokens(
                    tokens: tokens.keepingRefreshToken(of: work.data), method: work.method,
                    endpoints: work.endpoints, client: work.client, origin: orphan.origin),
                cause: cause, tx: tx)
        }
    }
}
