package import Connections
import Egress

extension AuthorizationService {
    package struct Departure: Sendable {
        package let authorizeURL: String
        /// For the browser to keep and to come back with.
        package let cookie: String
    }

    /// Binds the flow to the browser that opened the link, and sends it on. Opened again by the same browser it goes on; by
    /// another, it is refused.
    package func open(connectToken: String, cookie: String?, at now: Timestamp) async throws -> Departure {
        let digest = services.digester(connectToken)
        let cookie = cookie ?? base64URL(services.ambient.randomBytes(32))
        let (flow, app, data) = try await services.store.write { tx in
            guard var flow = try tx.authorizationFlow(connect: digest) else {
                throw CallbackFailure(.invalidState)
            }
            guard flow.expiresAt > now else { throw CallbackFailure(.stateExpired) }
            guard flow.stage == .started else { throw CallbackFailure(.invalidState) }
            let browser = services.digester(cookie)
            guard flow.browserDigest == nil || flow.browserDigest == browser else {
                throw CallbackFailure(.otherBrowser)
            }
            flow.browserDigest = browser
            try tx.update(flow)
            guard let app = try services.apps.app(flow.appID, in: flow.workspaceID, tx: tx) else {
                throw CallbackFailure(.invalidState)
            }
            let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: flow.workspaceID)
            return (flow, app, try keeper.open(flow.sealed, of: flow.id.description, field: "flow"))
        }
        let method = try services.apps.oauthMethod(
            flow.request.integration, flow.request.authMethodID, in: flow.workspaceID)
        guard let secrets = FlowSecrets(data, connectToken: connectToken),
            let (url, _) = try await departure(of: flow.request, app: app, method: method, secrets: secrets)
        else { throw CallbackFailure(.invalidState) }
        return Departure(authorizeURL: url, cookie: cookie)
    }
}
