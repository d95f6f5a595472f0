import Connections
import LosslessJSON

/// The public side of a credential, beside a connection.
struct CredentialView {
    let credential: Credential
    /// `nil` where it holds no tokens.
    let grant: GrantView?
}

/// What may be shown of a grant.
struct GrantView {
    let grant: Grant
    /// Other connections to the same account.
    let twins: [ConnectionID]
}

extension API {
    func view(of connection: Connection) async throws -> CredentialView {
        let credential = try await credentials.find(connection.credentialID, in: connection.workspaceID)
        guard let grant = try await oauth.store.grant(of: credential.id, in: connection.workspaceID) else {
            return CredentialView(credential: credential, grant: nil)
        }
        var twins: [ConnectionID] = []
        if let account = grant.account {
            twins = try await oauth.store.connections(
                ofAccount: account.fingerprint, integration: connection.integration, in: connection.workspaceID,
                except: connection.id)
        }
        return CredentialView(credential: credential, grant: GrantView(grant: grant, twins: twins))
    }
}

extension JSONWriter {
    mutating func grant(_ view: GrantView) {
        let grant = view.grant
        object { json in
            json.key("state")
            json.value(grant.state.rawValue)
            json.key("account")
            if let account = grant.account {
                json.object { json in
                    json.key("label")
                    json.value(account.label)
                    json.key("fingerprint")
                    json.value(account.fingerprint)
                }
            } else {
                json.null()
            }
            json.key("scopes")
            json.object { json in
                json.key("requested")
                json.strings(grant.requestedScopes)
                json.key("granted")
                if let granted = grant.grantedScopes { json.strings(granted) } else { json.null() }
                json.key("missing")
                json.strings(grant.missingScopes)
            }
            json.key("access_expires_at")
            json.time(grant.accessExpiresAt)
            json.key("refresh_expires_at")
            json.time(grant.refreshExpiresAt)
            json.key("last_error")
            json.value(grant.lastFailure)
            json.key("same_account_as")
            json.strings(view.twins.map(\.description))
        }
    }
}
