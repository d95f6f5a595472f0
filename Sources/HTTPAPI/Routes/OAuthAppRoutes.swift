import Connections
import HTTPTypes
import LosslessJSON
import OAuth

extension API {
    var oauthAppRoutes: [Route] {
        [
            .api(.post, "/oauth/apps", "create_oauth_app", .admin, createOAuthApp),
            .api(.get, "/oauth/apps", "list_oauth_apps", .read, listOAuthApps),
            .api(.get, "/oauth/apps/{app_id}", "get_oauth_app", .read, getOAuthApp),
            .api(.put, "/oauth/apps/{app_id}", "update_oauth_app", .admin, updateOAuthApp),
            .api(.delete, "/oauth/apps/{app_id}", "delete_oauth_app", .admin, deleteOAuthApp),
        ]
    }

    private func createOAuthApp(_ call: Call) async throws -> Answer {
        // A secret may stand in the wrong field.
        var fields = try await call.fields(echoingInput: false)
        let integration = fields.requiredString("integration", length: 1...64)
        let method = fields.string("auth_method_id", length: 1...64).value ?? "oauth2"
        let label = fields.string("label", length: 1...255).value
        let clientID = fields.requiredString("client_id", length: 1...1_024)
        let values = OAuthAppFields(&fields)
        try fields.finish()
        let app = try await oauth.apps.create(
            OAuthAppService.Draft(
                integration: integration, authMethodID: method, label: label, clientID: clientID,
                clientSecret: values.clientSecret.value, clientSecretExpiresAt: values.clientSecretExpiresAt.value,
                scopes: values.scopes.value,
                clientAuthentication: values.authentication.value, returnURLs: values.returnURLs.value ?? [],
                authorizeParameters: values.authorizeParameters.value ?? .emptyObject,
                config: values.config.value ?? .emptyObject), in: call.workspace, cause: call.cause)
        return answer(app)
    }

    private func listOAuthApps(_ call: Call) async throws -> Answer {
        var query = call.query
        let integration = query.text("integration")
        let request: PageRequest<OAuthAppID> = query.page()
        try query.finish()
        var wanted = OAuthAppQuery(workspace: call.workspace, page: request)
        wanted.integration = integration
        let page = try await oauth.apps.list(wanted)
        return .json { json in
            json.object { json in
                json.key("apps")
                json.array(page.items) { json, app in json.oauthApp(app, redirectURI: oauth.redirectURI(app.id)) }
                json.key("total")
                json.value(page.total)
                json.key("page")
                json.value(request.skip / request.limit + 1)
                json.key("size")
                json.value(request.limit)
            }
        }
    }

    private func getOAuthApp(_ call: Call) async throws -> Answer {
        let app = try await oauth.apps.find(call.id("app_id", .oauthApp), in: call.workspace)
        if call.hasCurrent(app.revision) { return .notModified(revision: app.revision) }
        return answer(app)
    }

    private func updateOAuthApp(_ call: Call) async throws -> Answer {
        var fields = try await call.fields(echoingInput: false)
        let label = fields.string("label", length: 1...255)
        let clientID = fields.string("client_id", length: 1...1_024)
        let values = OAuthAppFields(&fields)
        try fields.finish()
        let app = try await oauth.apps.update(
            call.id("app_id", .oauthApp), in: call.workspace,
            to: OAuthAppService.Change(
                label: label, clientID: clientID, clientSecret: values.clientSecret,
                clientSecretExpiresAt: values.clientSecretExpiresAt, scopes: values.scopes,
                clientAuthentication: values.authentication, returnURLs: values.returnURLs,
                authorizeParameters: values.authorizeParameters, config: values.config),
            if: call.ifMatch, cause: call.cause)
        return answer(app)
    }

    private func deleteOAuthApp(_ call: Call) async throws -> Answer {
        var query = call.query
        let isForced = query.boolean("force")
        try query.finish()
        try await oauth.apps.delete(
            call.id("app_id", .oauthApp), in: call.workspace, isForced: isForced, if: call.ifMatch, cause: call.cause)
        return .noContent
    }

    private func answer(_ app: OAuthApp) -> Answer {
        .json(revision: app.revision) { $0.oauthApp(app, redirectURI: oauth.redirectURI(app.id)) }
    }
}

/// The fields that create and update share.
private struct OAuthAppFields {
    let clientSecret: Patch<Secret>
    let clientSecretExpiresAt: Patch<Timestamp>
    let scopes: Patch<[String]>
    let authentication: Patch<OAuthMethod.ClientAuthentication>
    let returnURLs: Patch<[String]>
    let authorizeParameters: Patch<JSONText>
    let config: Patch<JSONText>

    init(_ fields: inout FieldReader) {
        clientSecret = fields.string("client_secret", length: 1...8_192).map { Secret($0) }
        clientSecretExpiresAt = fields.time("client_secret_expires_at")
        scopes = fields.strings("scopes", count: 0...200, length: 1...512).map(\.values)
        authentication = fields.word("token_endpoint_auth_method", OAuthMethod.ClientAuthentication.self)
        returnURLs = fields.strings("return_urls", count: 0...50, length: 1...2_048).map(\.values)
        authorizeParameters = fields.texts("authorize_parameters")
        config = fields.object("config").map(\.canonical)
    }
}

extension JSONWriter {
    fileprivate mutating func oauthApp(_ app: OAuthApp, redirectURI: String) {
        object { json in
            json.key("id")
            json.id(app.id)
            json.key("workspace_id")
            json.value(app.workspaceID?.description)
            json.key("integration")
            json.value(app.integration)
            json.key("auth_method_id")
            json.value(app.authMethodID)
            json.key("label")
            json.value(app.label)
            json.key("client_id")
            json.value(app.clientID)
            json.key("has_client_secret")
            json.value(app.hasClientSecret)
            json.key("client_secret_expires_at")
            json.time(app.clientSecretExpiresAt)
            json.key("previous_client_secret_expires_at")
            json.time(app.previousClientSecretExpiresAt)
            json.key("scopes")
            json.strings(app.scopes)
            json.key("token_endpoint_auth_method")
            json.value(app.clientAuthentication.rawValue)
            json.key("return_urls")
            json.strings(app.returnURLs)
            json.key("authorize_parameters")
            json.value(app.authorizeParameters)
            json.key("config")
            json.value(app.config)
            json.key("redirect_uri")
            json.value(redirectURI)
            json.key("status")
            json.value(app.failure == nil ? "active" : "failing")
            json.key("status_reason")
            json.value(app.failure?.reason)
            json.key("status_since")
            json.time(app.failure?.since)
            json.key("created_by")
            json.value(app.createdBy)
            json.key("created_at")
            json.time(app.createdAt)
            json.key("updated_at")
            json.time(app.updatedAt)
            json.key("revision")
            json.value(Int(app.revision))
        }
    }
}
