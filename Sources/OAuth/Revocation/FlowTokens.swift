import Connections

/// Tokens of flows that made no connection.
extension OAuthServices {
    /// Of one that was never confirmed. Where it was to reconnect, the connection's own tokens may be of the same grant.
    func letGo(unconfirmed flow: AuthorizationFlow, at now: Timestamp, tx: any StoreTransaction) throws {
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: flow.workspaceID)
        guard let data = try? keeper.open(flow.sealed, of: flow.id.description, field: "harvest"),
            let harvest = Harvest(data)
        else { return }
        let cause = Cause(principal: .system, requestID: flow.id.description, at: now)
        try letGo(
            harvest, of: flow, sparing: flow.request.connectionID == nil ? .otherConnections : .everybody, cause: cause,
            tx: tx)
    }

    func letGo(
        _ harvest: Harvest, of flow: AuthorizationFlow, sparing spared: LooseTokens.Spared, cause: Cause,
        tx: any StoreTransaction
    ) throws {
        guard let app = try apps.app(flow.appID, in: flow.workspaceID, tx: tx),
            let method = try? apps.oauthMethod(
                flow.request.integration, flow.request.authMethodID, in: flow.workspaceID)
        else { return }
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: flow.workspaceID)
        let origin = TokenOrigin(
            workspace: flow.workspaceID, subject: flow.request.connectionID?.description ?? flow.id.description,
            credential: nil, integration: flow.request.integration,
            account: try harvest.account.map { try keeper.fingerprint($0.subject) })
        try letGo(
            LooseTokens(
                tokens: harvest.tokens, method: method,
                endpoints: discovery.knownEndpoints(of: method, filledFrom: harvest.config),
                client: try? apps.client(app, method: method, in: flow.workspaceID, at: cause.at, tx: tx),
                origin: origin, spares: spared),
            cause: cause, tx: tx)
    }
}
