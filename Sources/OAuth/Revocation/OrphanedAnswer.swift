import Connections
import LosslessJSON

/// What a refresh brings whose connection was deleted while it was under way: tokens that nobody holds and nobody would take
/// back.
struct OrphanedAnswer: Sendable {
    let raw: RawAnswer
    let key: GrantKey
    let method: OAuthMethod
    let endpoints: Endpoints
    let client: OAuthClient?
    /// What the request was made from.
    let data: JSONObject
    let origin: TokenOrigin
    let cause: Cause
}

extension OrphanedAnswer {
    init(_ raw: RawAnswer, of work: Refresher.Work, origin: TokenOrigin) {
        self.init(
            raw: raw, key: work.key, method: work.method, endpoints: work.endpoints, client: work.client,
            data: work.data, origin: origin, cause: work.cause)
    }
}

extension OAuthServices {
    /// To be called where an answer was not kept. Does nothing where the grant stands: then newer tokens took its place.
    func letGo(_ orphan: OrphanedAnswer) async throws {
        guard case .granted(let tokens, _) = TokenOutcome(orphan.raw, method: orphan.method) else { return }
        let cause = Cause(principal: orphan.cause.principal, requestID: orphan.cause.requestID, at: ambient.now())
        try await store.write { tx in
            guard try tx.grant(of: orphan.key.credentialID, in: orphan.key.workspaceID) == nil,
                try tx.workspace(orphan.key.workspaceID) != nil
            else { return }
            try letGo(
                LooseTokens(
                    tokens: tokens.keepingRefreshToken(of: orphan.data), method: orphan.method,
                    endpoints: orphan.endpoints, client: orphan.client, origin: orphan.origin),
                cause: cause, tx: tx)
        }
    }
}
