/// Integrations that workspaces wrote.
package protocol IntegrationStore: Sendable {
    /// All of the instance: they are few, and kept in memory.
    func integrationDefinitions() async throws -> [IntegrationDefinition]
}

package protocol IntegrationTransaction {
    func integrationDefinition(_ id: String, in workspace: WorkspaceID) throws -> IntegrationDefinition?
    func countIntegrationDefinitions(in workspace: WorkspaceID) throws -> Int
    func insert(_ definition: IntegrationDefinition) throws
    func update(_ definition: IntegrationDefinition) throws
    func delete(integrationDefinition id: String, in workspace: WorkspaceID) throws
    func countConnections(to integration: String, in workspace: WorkspaceID) throws -> Int
}
