package import Connections
package import LosslessJSON

/// A catalog of a few, which takes any values.
package struct FixedCatalog: IntegrationCatalog {
    private let integrations: [Integration]

    package init(_ integrations: Integration...) { self.integrations = integrations }

    package func integration(_ id: String, in _: WorkspaceID) -> Integration? { integrations.first { $0.id == id } }
    package func all(in _: WorkspaceID) -> [Integration] { integrations }
    package func problems(credentials _: JSONObject, method _: AuthMethod) -> [FieldProblem] { [] }
    package func problems(config _: JSONObject, of _: Integration) -> [FieldProblem] { [] }
}
