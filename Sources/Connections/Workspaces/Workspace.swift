/// The tenant: every row belongs to exactly one, and nothing crosses.
package struct Workspace: Sendable {
    package let id: WorkspaceID
    package var name: String
    /// Unique in the instance.
    package var slug: String
    package var description: String?
    package let createdBy: String
    package let createdAt: Timestamp
    package var updatedAt: Timestamp
    package var revision: Int64

    package init(
        id: WorkspaceID, name: String, slug: String, description: String?, createdBy: String, createdAt: Timestamp,
        updatedAt: Timestamp, revision: Int64 = 1
    ) {
        self.id = id
        self.name = name
        self.slug = slug
        self.description = description
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.revision = revision
    }

    /// The workspace that an instance-wide key acts in when it names none. It cannot be deleted.
    package static let defaultSlug = "default"
}
