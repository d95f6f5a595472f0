import Connections
import HTTPTypes
import LosslessJSON

extension API {
    var sessionRoutes: [Route] {
        [.api(.get, "/auth/session", "get_session", nil, getSession)]
    }

    /// Who am I, and where.
    private func getSession(_ call: Call) async throws -> Answer {
        let workspace = try await workspaces.find(call.workspace, for: call.principal)
        return .json { json in
            json.object { json in
                json.key("user")
                json.user(call.principal)
                json.key("workspace")
                json.workspace(workspace)
                json.key("workspace_user")
                json.workspaceUser(call.principal, workspace: workspace)
                json.key("api_key")
                json.callingKey(call.principal)
                json.key("auth_type")
                json.value(call.principal.userID == nil ? "api_key" : "bearer_token")
                json.key("auth_provider")
                json.value(call.principal.userID == nil ? "patchbay" : "jwt")
                json.key("permissions")
                json.strings(call.principal.permissions.names)
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func user(_ principal: Principal) {
        guard case .user(let subject, let email, _) = principal.identity else { return null() }
        object { json in
            json.key("id")
            json.value(subject)
            json.key("email")
            json.value(email)
        }
    }

    fileprivate mutating func workspaceUser(_ principal: Principal, workspace: Workspace) {
        guard let userID = principal.userID else { return null() }
        object { json in
            json.key("user_id")
            json.value(userID)
            json.key("workspace_id")
            json.id(workspace.id)
        }
    }

    fileprivate mutating func callingKey(_ principal: Principal) {
        guard case .apiKey(let id, let label, _) = principal.identity else { return null() }
        object { json in
            json.key("id")
            json.id(id)
            json.key("label")
            json.value(label)
            json.key("permissions")
            json.strings(principal.permissions.names)
            json.key("expires_at")
            json.time(principal.expiresAt)
        }
    }
}
