/// What the command line may ask of a store, and what comes back. One JSON line each way over the admin socket, or a direct
/// call when no server runs.
enum AdminRequest: Codable, Sendable {
    case createKey(label: String, workspace: String?, permissions: [String]?, expiresAt: String?)
    case listKeys
    case revokeKey(id: String)
    case createWorkspace(name: String, slug: String?)
    case listWorkspaces
    case backup(path: String)
    case standing
    case resume(keepKeys: [String])
    case importRows(ImportRequest)
    case activateImported(workspace: String?, integration: String?)
}

enum AdminReply: Codable, Sendable {
    case keys([KeySummary])
    case workspaces([WorkspaceSummary])
    case backup(BackupSummary)
    case standing(StandingSummary)
    case resumed(ResumeSummary)
    case imported([ImportedRow])
    case activated(ActivationSummary)
    case failed(String)
}

struct KeySummary: Codable, Sendable {
    let id: String
    let key: String
    /// The token to send: only in the answer to creation.
    var secret: String?
    let label: String
    let status: String
    let permissions: [String]
    let workspaceID: String?
    let expiresAt: String?
    let createdAt: String
    let lastUsedAt: String?

    enum CodingKeys: String, CodingKey {
        case id, key, secret, label, status, permissions
        case workspaceID = "workspace_id"
        case expiresAt = "expires_at"
        case createdAt = "created_at"
        case lastUsedAt = "last_used_at"
    }
}

struct WorkspaceSummary: Codable, Sendable {
    let id: String
    let name: String
    let slug: String
    let createdAt: String

    enum CodingKeys: String, CodingKey {
        case id, name, slug
        case createdAt = "created_at"
    }
}

struct BackupSummary: Codable, Sendable {
    let path: String
    let bytes: Int
    let masterKeyID: String

    enum CodingKeys: String, CodingKey {
        case path, bytes
        case masterKeyID = "master_key_id"
    }
}
