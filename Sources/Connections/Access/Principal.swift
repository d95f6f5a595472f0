/// Who is calling, and the most that the call may do or hand on.
package struct Principal: Sendable {
    package enum Identity: Sendable {
        /// `workspace` is `nil` for an instance-wide key.
        case apiKey(id: APIKeyID, label: String, workspace: WorkspaceID?)
        /// A user's JWT.
        case user(subject: String, email: String?, workspaces: [WorkspaceID])
        /// Somebody who may open the data folder, through the admin socket or the command line.
        case console
        /// Work that nobody asked for, as a refresh ahead of expiry.
        case system
    }

    package let identity: Identity
    package let permissions: Permissions
    package let expiresAt: Timestamp?
    /// `nil` is any address.
    package let ipRanges: [IPRange]?

    package init(
        identity: Identity, permissions: Permissions, expiresAt: Timestamp? = nil, ipRanges: [IPRange]? = nil
    ) {
        self.identity = identity
        self.permissions = permissions
        self.expiresAt = expiresAt
        self.ipRanges = ipRanges
    }

    package static let console = Principal(identity: .console, permissions: .all)
    package static let system = Principal(identity: .system, permissions: .all)

    /// Acts in every workspace, and may make and delete them.
    package var isInstanceWide: Bool {
        switch identity {
        case .apiKey(_, _, let workspace): workspace == nil
        case .user: false
        case .console, .system: true
        }
    }

    /// As `created_by` and the journal's actor show it.
    package var actor: String {
        switch identity {
        case .apiKey(let id, _, _): id.description
        case .user(let subject, _, _): subject
        case .console: "console"
        case .system: "system"
        }
    }

    /// The user that a new connection belongs to unless the request says otherwise.
    package var userID: String? {
        if case .user(let subject, _, _) = identity { subject } else { nil }
    }

    package func may(_ workspace: WorkspaceID) -> Bool {
        switch identity {
        case .apiKey(_, _, let own): own == nil || own == workspace
        case .user(_, _, let workspaces): workspaces.contains(workspace)
        case .console, .system: true
        }
    }

    /// The workspaces that it is confined to; `nil` for all of them.
    package var workspaces: [WorkspaceID]? {
        switch identity {
        case .apiKey(_, _, let own): own.map { [$0] }
        case .user(_, _, let workspaces): workspaces
        case .console, .system: nil
        }
    }
}
