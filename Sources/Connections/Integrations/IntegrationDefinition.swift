package import LosslessJSON

/// An integration that a workspace wrote itself, as it was sent.
package struct IntegrationDefinition: Sendable {
    package let workspaceID: WorkspaceID
    package let id: String
    /// A JSON object in the schema of the built-in files.
    package var definition: JSONText
    package let createdBy: String
    package let createdAt: Timestamp
    package var updatedAt: Timestamp
    package var revision: Int64

    package init(
        workspaceID: WorkspaceID, id: String, definition: JSONText, createdBy: String, createdAt: Timestamp,
        updatedAt: Timestamp, revision: Int64 = 1
    ) {
        self.workspaceID = workspaceID
        self.id = id
        self.definition = definition
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.revision = revision
    }
}
