import Connections
import HTTPTypes
import LosslessJSON

extension API {
    var integrationRoutes: [Route] {
        [
            .api(.get, "/integrations", "list_integrations", .read, listIntegrations),
            .api(.get, "/integrations/{integration_id}", "get_integration", .read, getIntegration),
        ]
    }

    private func listIntegrations(_ call: Call) async throws -> Answer {
        var query = call.query
        let type = query.word("type", IntegrationType.self)
        let search = query.text("search").map { searchFolded($0) }
        try query.finish()
        let found = catalog.all().filter { integration in
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
        guard let integration = catalog.integration(call.text("integration_id")) else {
            throw DomainError.notFound(.integration)
        }
        return .json { $0.integration(integration) }
    }
}
