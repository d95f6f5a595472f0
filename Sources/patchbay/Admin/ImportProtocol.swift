/// Some rows of an import; a file goes over in several requests.
struct ImportRequest: Codable, Sendable {
    struct Row: Codable, Sendable {
        let line: Int
        let json: String
    }

    let workspace: String?
    let rows: [Row]
    let isRehearsal: Bool
    /// Whether what is suspended of these rows is to be activated.
    let activates: Bool
}

/// What became of one row.
struct ImportedRow: Codable, Sendable {
    let line: Int
    let status: String
    let connectionID: String?
    var isActivated = false
    var errors: [String]

    enum CodingKeys: String, CodingKey {
        case line, status, errors
        case connectionID = "connection_id"
        case isActivated = "activated"
    }
}

struct ActivationSummary: Codable, Sendable {
    struct Failure: Codable, Sendable {
        let connectionID: String
        let errors: [String]

        enum CodingKeys: String, CodingKey {
            case errors
            case connectionID = "connection_id"
        }
    }

    let activated: Int
    let failures: [Failure]
}
