package import LosslessJSON

/// What integrations there are, and whether values fit them.
package protocol IntegrationCatalog: Sendable {
    /// The built-in one with this id, else the workspace's own.
    func integration(_ id: String, in workspace: WorkspaceID) -> Integration?
    /// By id.
    func all(in workspace: WorkspaceID) -> [Integration]
    /// Everything that is wrong with the credentials, in the order of the method's fields, unknown keys last.
    func problems(credentials: JSONObject, method: AuthMethod) -> [FieldProblem]
    /// Everything that is wrong with the config. Keys that the integration does not name are taken as they are.
    func problems(config: JSONObject, of integration: Integration) -> [FieldProblem]
    /// It was deleted, and what it wrote with it.
    func forget(_ workspace: WorkspaceID)
}

extension IntegrationCatalog {
    /// What is the same for every workspace stays.
    package func forget(_: WorkspaceID) {}
}

package struct FieldProblem: Sendable, Equatable {
    package let key: String
    /// A whole sentence with the field's label, as the API shows it. It never repeats the value.
    package let message: String

    package init(key: String, message: String) {
        self.key = key
        self.message = message
    }
}

extension IntegrationCatalog {
    /// The integration that a connection names. Outside the catalog only `custom` is taken: any credentials, all secret.
    package func integration(_ id: String, type: IntegrationType, in workspace: WorkspaceID) -> Integration? {
        if let known = integration(id, in: workspace) { return known }
        guard type == .custom else { return nil }
        return Integration(
            id: id, name: id, type: .custom, category: "custom", description: "", docsURL: "", baseURL: nil,
            destinationKeys: [],
            authMethods: [
                AuthMethod(
                    id: "custom", name: "Custom", scheme: .custom, authType: .custom, description: "", fields: [])
            ],
            configFields: [], probe: .config)
    }

    package func integration(of connection: Connection) -> Integration? {
        integration(connection.integration, type: connection.integrationType, in: connection.workspaceID)
    }
}
