/// Whether an instance is paused, and what it would spend if it went on.
struct StandingSummary: Codable, Sendable {
    struct Grant: Codable, Sendable {
        let workspaceID: String
        let credentialID: String
        let connectionID: String?
        let integration: String?
        let externalID: String?

        enum CodingKeys: String, CodingKey {
            case integration
            case workspaceID = "workspace_id"
            case credentialID = "credential_id"
            case connectionID = "connection_id"
            case externalID = "external_id"
        }
    }

    let paused: Bool
    let reason: String?
    let grantsAtRisk: Int
    /// The first of them.
    let grants: [Grant]

    enum CodingKeys: String, CodingKey {
        case paused, reason, grants
        case grantsAtRisk = "grants_at_risk"
    }
}

struct ResumeSummary: Codable, Sendable {
    let keptKeys: [KeySummary]
    let disabledKeys: [KeySummary]
    /// With its token, where no key was kept.
    let newKey: KeySummary?

    enum CodingKeys: String, CodingKey {
        case keptKeys = "kept_keys"
        case disabledKeys = "disabled_keys"
        case newKey = "new_key"
    }
}
