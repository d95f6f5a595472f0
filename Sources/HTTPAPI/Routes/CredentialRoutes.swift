import Connections
import HTTPTypes
import LosslessJSON

extension API {
    var credentialRoutes: [Route] {
        [
            .api(.post, "/credentials", "create_credential", .write, createCredential),
            .api(.get, "/credentials", "list_credentials", .read, listCredentials),
            .api(.get, "/credentials/{credential_id}", "get_credential", .read, getCredential),
            .api(.put, "/credentials/{credential_id}", "update_credential", .write, updateCredential),
            .api(.delete, "/credentials/{credential_id}", "delete_credential", .write, deleteCredential),
        ]
    }

    private func createCredential(_ call: Call) async throws -> Answer {
        var fields = try await call.fields(echoingInput: false)
        let label = fields.requiredString("label", length: 1...100)
        let description = fields.string("description").value
        let authType = fields.requiredWord("auth_type", fallback: AuthType.custom)
        let credentialType = fields.word("credential_type", CredentialType.self).value ?? .integration
        let scope = fields.string("credential_scope").value ?? "workspace"
        let provider = fields.string("provider").value
        let userID = fields.string("user_id", length: 1...255).value
        let expiresAt = fields.time("expires_at").value
        let data = fields.requiredSecrets("data")
        try fields.finish()
        let draft = CredentialService.Draft(
            label: label, description: description, authType: authType, credentialType: credentialType, scope: scope,
            provider: provider, userID: userID, expiresAt: expiresAt,
            data: data)
        let credential = try await credentials.create(draft, in: call.workspace, cause: call.cause)
        return .json(revision: credential.revision) { $0.credential(credential) }
    }

    private func listCredentials(_ call: Call) async throws -> Answer {
        var query = call.query
        var wanted = CredentialQuery(workspace: call.workspace, page: query.page())
        wanted.credentialType = query.word("credential_type")
        wanted.authType = query.word("auth_type")
        wanted.status = query.text("status")
        wanted.search = query.text("search").map { searchFolded($0) }
        try query.finish()
        let page = try await credentials.list(wanted)
        return .json { json in
            json.page("credentials", page, request: wanted.page) { json, credential in json.credential(credential) }
        }
    }

    private func getCredential(_ call: Call) async throws -> Answer {
        let credential = try await credentials.find(
            call.id("credential_id", .credential), in: call.workspace)
        if call.hasCurrent(credential.revision) { return .notModified(revision: credential.revision) }
        return .json(revision: credential.revision) { $0.credential(credential) }
    }

    private func updateCredential(_ call: Call) async throws -> Answer {
        var fields = try await call.fields(echoingInput: false)
        let label = fields.string("label", length: 1...100)
        let description = fields.string("description")
        let status = fields.word("status", Availability.self)
        let expiresAt = fields.time("expires_at")
        let data = fields.secrets("data")
        try fields.finish()
        let change = CredentialService.Change(
            label: label, description: description, status: status, expiresAt: expiresAt, data: data)
        let credential = try await credentials.update(
            call.id("credential_id", .credential), in: call.workspace, to: change, if: call.ifMatch,
            cause: call.cause)
        return .json(revision: credential.revision) { $0.credential(credential) }
    }

    private func deleteCredential(_ call: Call) async throws -> Answer {
        try await credentials.delete(
            call.id("credential_id", .credential), in: call.workspace, if: call.ifMatch, cause: call.cause)
        return .noContent
    }
}
