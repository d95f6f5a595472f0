package import Connections
import LosslessJSON

/// The cut-over: the other system has let go, and from here on grants are refreshed here.
extension ImportService {
    package enum Activation: Sendable {
        case activated
        /// Nothing of it was suspended.
        case nothing
        case failed([String])
    }

    package func activate(_ id: ConnectionID, in workspace: WorkspaceID, cause: Cause) async -> Activation {
        do {
            return try await services.store.write { tx in
                guard let connection = try tx.connection(id, in: workspace) else {
                    throw ImportRefusal(["Connection \(id) is gone"])
                }
                return try activate(connection, cause: cause, tx: tx) ? .activated : .nothing
            }
        } catch {
            return .failed(reasons(error))
        }
    }

    /// Every suspended grant of a workspace, or of one integration in it.
    ///
    /// - Returns: how many were activated, and why others were not.
    package func activateAll(
        in workspace: WorkspaceID, integration: String?, cause: Cause
    ) async throws -> (activated: Int, failures: [(connection: ConnectionID, errors: [String])]) {
        var activated = 0
        var failures: [(connection: ConnectionID, errors: [String])] = []
        var last: CredentialID?
        while true {
            let keys = try await services.store.suspendedGrants(in: workspace, after: last, limit: Self.window)
            guard let end = keys.last else { return (activated, failures) }
            last = end.credentialID
            let found = try await services.store.write { tx in
                try keys.compactMap { key in
                    try tx.connections(using: key.credentialID, in: workspace, limit: 1).first
                }
            }
            for connection in found where integration == nil || connection.integration == integration {
                switch await activate(connection.id, in: workspace, cause: cause) {
                case .activated: activated += 1
                case .nothing: break
                case .failed(let errors): failures.append((connection.id, errors))
                }
            }
        }
    }

    private func activate(_ connection: Connection, cause: Cause, tx: any StoreTransaction) throws -> Bool {
        guard var grant = try tx.grant(of: connection.credentialID, in: connection.workspaceID),
            grant.state == .suspended
        else { return false }
        guard let integration = services.catalog.integration(of: connection),
            let method = integration.authMethod(connection.authMethodID)?.oauth
        else { throw ImportRefusal(["Integration '\(connection.integration)' has no such auth method any more"]) }
        if grant.kind == .authorizationCode, grant.hasRefreshToken {
            let app = try app(of: grant, connection, tx: tx)
            try checkEndpoints(of: app, connection, integration: integration, method: method, tx: tx)
            grant.appID = app.id
            grant.clientID = app.clientID
        }
        grant.activate(method: method, at: cause.at, jitter: services.ambient.jitter())
        try tx.put(grant)
        try tx.append(
            JournalEntry(.grantActivated, in: grant.workspaceID, subject: grant.credentialID.description),
            id: services.ambient.id(), cause: cause)
        return true
    }

    /// The tokens were bound to where the connection pointed when it moved in.
    private func checkEndpoints(
        of app: OAuthApp, _ connection: Connection, integration: Integration, method: OAuthMethod,
        tx: any StoreTransaction
    ) throws {
        let config = app.config(over: JSONObject(connection.config.slice), method: method)
        let bound = try tx.secrets(of: connection.id, in: connection.workspaceID)?.origins
        guard bound == integration.origins(config: config, method: connection.authMethodID) else {
            throw ImportRefusal(["The OAuth app has other endpoints than this connection: import the connection again"])
        }
    }

    /// The app that will present the refresh token: the one that obtained it, where that is known.
    private func app(of grant: Grant, _ connection: Connection, tx: any StoreTransaction) throws -> OAuthApp {
        let apps = services.apps
        let found =
            if let id = grant.appID {
                try apps.app(id, in: grant.workspaceID, tx: tx)
            } else if let client = grant.clientID {
                try apps.app(
                    client: client, integration: connection.integration, method: connection.authMethodID,
                    in: grant.workspaceID, tx: tx)
            } else {
                try apps.app(
                    integration: connection.integration, method: connection.authMethodID, in: grant.workspaceID, tx: tx)
            }
        guard let app = found, grant.clientID == nil || grant.clientID == app.clientID else {
            throw ImportRefusal([
                "No OAuth app has the client_id that obtained this grant: make one with POST /api/v1/oauth/apps"
            ])
        }
        return app
    }
}
