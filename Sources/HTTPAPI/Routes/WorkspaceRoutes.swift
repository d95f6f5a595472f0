import Connections
import HTTPTypes
import LosslessJSON

extension API {
    var workspaceRoutes: [Route] {
        [
            .api(.post, "/workspaces", "create_workspace", .admin, createWorkspace),
            .api(.get, "/workspaces", "list_workspaces", .read, listWorkspaces),
            .api(.get, "/workspaces/{workspace_id}", "get_workspace", .read, getWorkspace),
            .api(.put, "/workspaces/{workspace_id}", "update_workspace", .admin, updateWorkspace),
            .api(.delete, "/workspaces/{workspace_id}", "delete_workspace", .admin, deleteWorkspace),
        ]
    }

    private func createWorkspace(_ call: Call) async throws -> Answer {
        var fields = try await call.fields()
        let name = fields.requiredString("name", length: 1...255)
        let slug = fields.slug()
        let description = fields.string("description").value
        try fields.finish()
        let workspace = try await workspaces.create(
            name: name, slug: slug.value, description: description, cause: call.cause)
        return .json(revision: workspace.revision) { $0.workspace(workspace) }
    }

    private func listWorkspaces(_ call: Call) async throws -> Answer {
        var query = call.query
        let request: PageRequest<WorkspaceID> = query.page()
        try query.finish()
        let page = try await workspaces.list(for: call.principal, page: request)
        return .json { json in
            json.page("workspaces", page, request: request) { json, workspace in json.workspace(workspace) }
        }
    }

    private func getWorkspace(_ call: Call) async throws -> Answer {
        let workspace = try await workspaces.find(call.id("workspace_id", .workspace), for: call.principal)
        if call.hasCurrent(workspace.revision) { return .notModified(revision: workspace.revision) }
        return .json(revision: workspace.revision) { $0.workspace(workspace) }
    }

    private func updateWorkspace(_ call: Call) async throws -> Answer {
        var fields = try await call.fields()
        let name = fields.string("name", length: 1...255)
        let slug = fields.slug()
        let description = fields.string("description")
        try fields.finish()
        let workspace = try await workspaces.update(
            call.id("workspace_id", .workspace),
            to: WorkspaceService.Change(name: name, slug: slug, description: description), if: call.ifMatch,
            cause: call.cause)
        return .json(revision: workspace.revision) { $0.workspace(workspace) }
    }

    private func deleteWorkspace(_ call: Call) async throws -> Answer {
        var query = call.query
        let force = query.boolean("force")
        try query.finish()
        try await workspaces.delete(
            call.id("workspace_id", .workspace), force: force, if: call.ifMatch, cause: call.cause)
        return .noContent
    }
}

extension FieldReader {
    fileprivate mutating func slug() -> Patch<String> {
        let slug = string("slug", length: 1...63)
        if let text = slug.value, !WorkspaceService.isSlug(text) {
            refuse(
                .value(
                    "lower-case letters, digits and hyphens, not beginning with a hyphen",
                    at: [.name("body"), .name("slug")], input: JSONText(text)))
        }
        return slug
    }
}
