import Connections
import HTTPTypes
import LosslessJSON

extension API {
    var apiKeyRoutes: [Route] {
        [
            .api(.post, "/api-keys", "create_api_key", .admin, createAPIKey),
            .api(.get, "/api-keys", "list_api_keys", .admin, listAPIKeys),
            .api(.get, "/api-keys/{key_id}", "get_api_key", .admin, getAPIKey),
            .api(.put, "/api-keys/{key_id}", "update_api_key", .admin, updateAPIKey),
            .api(.delete, "/api-keys/{key_id}", "delete_api_key", .admin, deleteAPIKey),
        ]
    }

    private static let collectionCount = 0...1_000
    private static let collectionLength = 0...255

    private func createAPIKey(_ call: Call) async throws -> Answer {
        var fields = try await call.fields()
        let label = fields.requiredString("label", length: 1...255)
        let status = fields.word("status", Availability.self).value ?? .active
        let expiresAt = fields.time("expires_at").value
        let permissions = fields.words("permissions", Permission.self).value
        let ranges = fields.ipRanges("ip_whitelist").value
        let collections = fields.strings(
            "collections", count: Self.collectionCount, length: Self.collectionLength
        ).value?.values
        try fields.finish()
        let draft = APIKeyService.Draft(
            label: label, status: status, permissions: permissions.map { Permissions($0) }, expiresAt: expiresAt,
            ipWhitelist: ranges, collections: collections)
        let (key, token) = try await apiKeys.create(draft, in: call.workspace, cause: call.cause)
        var answer = Answer.json(revision: key.revision) { $0.apiKey(key, token: token) }
        answer.headers[.cacheControl] = "no-store"
        return answer
    }

    private func listAPIKeys(_ call: Call) async throws -> Answer {
        var query = call.query
        let request: PageRequest<APIKeyID> = query.page()
        try query.finish()
        let page = try await apiKeys.list(in: call.workspace, page: request)
        return .json { json in
            json.object { json in
                json.key("data")
                json.array(page.items) { json, key in json.apiKey(key) }
                json.key("total_count")
                json.value(page.total)
            }
        }
    }

    private func getAPIKey(_ call: Call) async throws -> Answer {
        let key = try await apiKeys.find(
            call.id("key_id", .apiKey), in: call.workspace, for: call.principal)
        if call.hasCurrent(key.revision) { return .notModified(revision: key.revision) }
        return .json(revision: key.revision) { $0.apiKey(key) }
    }

    private func updateAPIKey(_ call: Call) async throws -> Answer {
        var fields = try await call.fields()
        let label = fields.string("label", length: 1...255)
        let status = fields.word("status", Availability.self)
        let expiresAt = fields.time("expires_at")
        let permissions = fields.words("permissions", Permission.self).map { Permissions($0) }
        let ranges = fields.ipRanges("ip_whitelist")
        let collections = fields.strings(
            "collections", count: Self.collectionCount, length: Self.collectionLength
        ).map(\.values)
        try fields.finish()
        let change = APIKeyService.Change(
            label: label, status: status, permissions: permissions, expiresAt: expiresAt, ipWhitelist: ranges,
            collections: collections)
        let key = try await apiKeys.update(
            call.id("key_id", .apiKey), in: call.workspace, to: change, if: call.ifMatch, cause: call.cause)
        return .json(revision: key.revision) { $0.apiKey(key) }
    }

    private func deleteAPIKey(_ call: Call) async throws -> Answer {
        try await apiKeys.delete(
            call.id("key_id", .apiKey), in: call.workspace, if: call.ifMatch, cause: call.cause)
        return .noContent
    }
}
