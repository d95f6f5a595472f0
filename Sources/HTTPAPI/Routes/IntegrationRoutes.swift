import Catalog
import Connections
import HTTPTypes
import LosslessJSON

extension API {
    var integrationRoutes: [Route] {
        [
            .api(.get, "/integrations", "list_integrations", .read, listIntegrations),
            .api(.get, "/integrations/{integration_id}", "get_integration", .read, getIntegration),
            .api(.post, "/integrations", "create_integration", .admin, createIntegration),
            .api(.put, "/integrations/{integration_id}", "update_integration", .admin, updateIntegration),
            .api(.delete, "/integrations/{integration_id}", "delete_integration", .admin, deleteIntegration),
        ]
    }

    private func listIntegrations(_ call: Call) async throws -> Answer {
        var query = call.query
        let type = query.word("type", IntegrationType.self)
        let search = query.text("search").map { searchFolded($0) }
        try query.finish()
        let found = catalog.all(in: call.workspace).filter { integration in
            (type == nil || integration.type == type)
                && search.map {
                    searchFolded(integration.id, integration.name, integration.category, integration.description)
                        .contains($0)
                } ?? true
        }
        return .json { json in
            json.object { json in
                json.key("integrations")
                json.array(found) { json, integration in json.integration(integration) }
                json.key("total")
                json.value(found.count)
            }
        }
    }

    private func getIntegration(_ call: Call) async throws -> Answer {
        let id = call.text("integration_id")
        // Read first, so that a change in between makes the tag too old rather than too new.
        let revision = integrations.revision(id, in: call.workspace)
        guard let integration = catalog.integration(id, in: call.workspace) else {
            throw DomainError.notFound(.integration)
        }
        // One that is built in changes with the program only.
        guard let revision else { return .json { $0.integration(integration) } }
        if call.hasCurrent(revision) { return .notModified(revision: revision) }
        return .json(revision: revision) { $0.integration(integration) }
    }

    // MARK: A workspace's own

    private func createIntegration(_ call: Call) async throws -> Answer {
        let (integration, revision) = try await integrations.create(
            definition(call), in: call.workspace, cause: call.cause)
        return .json(revision: revision) { $0.integration(integration) }
    }

    private func updateIntegration(_ call: Call) async throws -> Answer {
        let (integration, revision) = try await integrations.update(
            call.text("integration_id"), to: definition(call), in: call.workspace, if: call.ifMatch,
            cause: call.cause)
        return .json(revision: revision) { $0.integration(integration) }
    }

    private func deleteIntegration(_ call: Call) async throws -> Answer {
        try await integrations.delete(
            call.text("integration_id"), in: call.workspace, if: call.ifMatch, cause: call.cause)
        return .noContent
    }

    private func definition(_ call: Call) async throws -> JSONText {
        guard let body = try await call.body(), body.kind == .object else {
            throw DomainError.invalidField(location: ["body"], message: "An integration is a JSON object")
        }
        return body.canonical
    }
}
