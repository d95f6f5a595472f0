package import Connections
package import LosslessJSON

/// What a workspace can do with integrations of its own. They are checked like the built-in ones and never stand in for one.
package struct IntegrationService: Sendable {
    private let store: any Store
    private let catalog: WorkspaceCatalog
    private let ambient: Ambient

    private static let maxDefinitions = 1_000

    package init(store: any Store, catalog: WorkspaceCatalog, ambient: Ambient) {
        self.store = store
        self.catalog = catalog
        self.ambient = ambient
    }

    package func create(
        _ definition: JSONText, in workspace: WorkspaceID, cause: Cause
    ) async throws -> (integration: Integration, revision: Int64) {
        guard let id = JSONObject(definition.slice)["id"]?.slice.string else {
            throw DomainError.invalidField(location: ["body", "id"], message: "Field required")
        }
        let integration = try parse(definition, id: id)
        let row = IntegrationDefinition(
            workspaceID: workspace, id: id, definition: definition, createdBy: cause.principal.actor,
            createdAt: cause.at, updatedAt: cause.at)
        let order = try await store.write { tx in
            guard try tx.integrationDefinition(id, in: workspace) == nil else {
                throw DomainError.conflict(message: "Integration '\(id)' exists: change it with PUT")
            }
            guard try tx.countIntegrationDefinitions(in: workspace) < Self.maxDefinitions else {
                throw DomainError.conflict(message: "A workspace has at most \(Self.maxDefinitions) integrations")
            }
            try tx.insert(row)
            try append(.integrationCreated, id, in: workspace, cause: cause, tx: tx)
            return catalog.nextOrder()
        }
        catalog.put(integration, of: row, order: order)
        return (integration, row.revision)
    }

    /// Replaces the whole definition. Where it sends secrets elsewhere or otherwise than before, those that are bound do not open
    /// until they are entered again.
    package func update(
        _ id: String, to definition: JSONText, in workspace: WorkspaceID, if precondition: Precondition, cause: Cause
    ) async throws -> (integration: Integration, revision: Int64) {
        let integration = try parse(definition, id: id)
        let (row, order) = try await store.write { tx in
            guard var row = try tx.integrationDefinition(id, in: workspace) else {
                throw DomainError.notFound(.integration)
            }
            try precondition.check(row.revision)
            let known = catalog.integration(id, in: workspace)
            guard known == nil || known?.type == integration.type else {
                throw DomainError.conflict(message: "The type of an integration does not change")
            }
            row.definition = definition
            row.updatedAt = max(cause.at, row.updatedAt)
            row.revision += 1
            try tx.update(row)
            try append(.integrationUpdated, id, in: workspace, cause: cause, tx: tx)
            return (row, catalog.nextOrder())
        }
        catalog.put(integration, of: row, order: order)
        return (integration, row.revision)
    }

    package func delete(
        _ id: String, in workspace: WorkspaceID, if precondition: Precondition, cause: Cause
    ) async throws {
        try refuseBuiltIn(id)
        let order = try await store.write { tx in
            guard let row = try tx.integrationDefinition(id, in: workspace) else {
                throw DomainError.notFound(.integration)
            }
            try precondition.check(row.revision)
            let users = try tx.countConnections(to: id, in: workspace)
            guard users == 0 else {
                throw DomainError.conflict(
                    message: "Integration is used by \(users) connection\(users == 1 ? "" : "s")")
            }
            try tx.delete(integrationDefinition: id, in: workspace)
            try append(.integrationDeleted, id, in: workspace, cause: cause, tx: tx)
            return catalog.nextOrder()
        }
        catalog.remove(id, in: workspace, order: order)
    }

    /// Of a definition of the workspace's own; `nil` for one that is built in.
    package func revision(_ id: String, in workspace: WorkspaceID) -> Int64? { catalog.revision(id, in: workspace) }

    // MARK: Checks

    private func refuseBuiltIn(_ id: String) throws {
        guard catalog.isBuiltIn(id) else { return }
        throw DomainError.conflict(message: "Integration '\(id)' is built in: choose another id")
    }

    private func parse(_ definition: JSONText, id: String) throws -> Integration {
        try refuseBuiltIn(id)
        do {
            return try CatalogFile.parseWorkspaceDefined(definition.string, id: id)
        } catch {
            throw DomainError.invalidField(location: ["body"] + error.path, message: error.reason)
        }
    }

    private func append(
        _ kind: JournalEntry.Kind, _ id: String, in workspace: WorkspaceID, cause: Cause, tx: any StoreTransaction
    ) throws {
        try tx.append(JournalEntry(kind, in: workspace, subject: id), id: ambient.id(), cause: cause)
    }
}
