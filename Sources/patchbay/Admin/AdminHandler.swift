import Connections
import Storage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Does what the command line asks, by the same services as the API.
struct AdminHandler: Sendable {
    let instance: Instance

    func reply(to request: AdminRequest) async -> AdminReply {
        do {
            return try await perform(request)
        } catch let error as DomainError {
            return .failed(error.sentence)
        } catch {
            return .failed("\(error)")
        }
    }

    private func perform(_ request: AdminRequest) async throws -> AdminReply {
        switch request {
        case .createKey(let label, let workspace, let permissions, let expiresAt):
            return .keys([try await createKey(label, workspace, permissions, expiresAt)])
        case .listKeys:
            let keys = try await all { try await instance.apiKeys.list(in: nil, page: $0) }
            return .keys(keys.map { KeySummary($0) })
        case .revokeKey(let id):
            guard let id = APIKeyID(id) else { throw DomainError.notFound(.apiKey) }
            let workspace = try await resolve(nil)
            let key = try await instance.apiKeys.update(
                id, in: workspace, to: APIKeyService.Change(status: .value(.inactive)), if: .none, cause: cause)
            return .keys([KeySummary(key)])
        case .createWorkspace(let name, let slug):
            guard slug.map(WorkspaceService.isSlug) ?? true, (1...255).contains(name.unicodeScalars.count) else {
                throw DomainError.conflict(message: "a name has 1 to 255 characters, a slug a-z, 0-9 and hyphens")
            }
            let workspace = try await instance.workspaces.create(
                name: name, slug: slug, description: nil, cause: cause)
            return .workspaces([WorkspaceSummary(workspace)])
        case .listWorkspaces:
            let workspaces = try await all { try await instance.workspaces.list(for: .console, page: $0) }
            return .workspaces(workspaces.map { WorkspaceSummary($0) })
        case .backup(let path):
            return .backup(try await backup(to: path))
        case .standing: return .standing(try await standing())
        case .resume(let keepKeys): return .resumed(try await resume(keeping: keepKeys))
        case .importRows(let request): return .imported(try await importRows(request))
        case .activateImported(let workspace, let integration):
            return .activated(try await activateImported(workspace, integration: integration))
        }
    }

    private func createKey(
        _ label: String, _ workspace: String?, _ permissions: [String]?, _ expiresAt: String?
    ) async throws -> KeySummary {
        guard (1...255).contains(label.unicodeScalars.count) else {
            throw DomainError.conflict(message: "a label has 1 to 255 characters")
        }
        let known = try permissions?.map { name in
            guard let permission = Permission(rawValue: name) else {
                throw DomainError.conflict(message: "a permission is one of read, write, secrets, admin")
            }
            return permission
        }
        let expiry = try expiresAt.map { text in
            guard let time = Timestamp(rfc3339: text) else {
                throw DomainError.conflict(message: "an expiry looks like 2026-01-31T12:00:00Z")
            }
            return time
        }
        // `instance` makes a key for every workspace.
        let scope: WorkspaceID? = workspace == "instance" ? nil : try await resolve(workspace)
        let (key, token) = try await instance.apiKeys.create(
            APIKeyService.Draft(label: label, permissions: known.map { Permissions($0) }, expiresAt: expiry),
            in: scope, cause: cause)
        return KeySummary(key, token: token)
    }

    func resolve(_ workspace: String?) async throws -> WorkspaceID {
        do {
            return try await instance.workspaces.resolve(header: workspace, for: .console)
        } catch DomainError.notFound(.workspace) where workspace == nil {
            throw DomainError.conflict(message: "the store has no workspace yet: start `patchbay serve` once")
        }
    }

    /// Writes beside the target and renames, so that the target is a whole backup or is not there.
    private func backup(to path: String) async throws -> BackupSummary {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw DomainError.conflict(message: "\(path) is there already: name a new file")
        }
        let folder = PrivateFile.parent(of: path)
        guard FileManager.default.fileExists(atPath: folder) else {
            throw DomainError.conflict(message: "there is no folder \(folder)")
        }
        let temporary = path + ".partial"
        try? FileManager.default.removeItem(atPath: temporary)
        do {
            try await instance.database.backup(to: temporary)
            try PrivateFile.publish(temporary, as: path)
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw error
        }
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        return BackupSummary(path: path, bytes: size ?? 0, masterKeyID: instance.masterKeyID)
    }

    var cause: Cause {
        Cause(principal: .console, requestID: "console", at: instance.ambient.now())
    }

    private func all<Item, ID>(
        _ list: (PageRequest<ID>) async throws -> Page<Item, ID>
    ) async throws -> [Item] {
        var items: [Item] = []
        var next: ID?
        repeat {
            let page = try await list(PageRequest(limit: 1_000, after: next))
            items += page.items
            next = page.next
        } while next != nil
        return items
    }
}

extension KeySummary {
    init(_ key: APIKey, token: String? = nil) {
        self.init(
            id: key.id.description, key: key.publicPart, secret: token, label: key.label,
            status: key.status.rawValue, permissions: key.permissions.names,
            workspaceID: key.workspaceID?.description, expiresAt: key.expiresAt?.rfc3339,
            createdAt: key.createdAt.rfc3339, lastUsedAt: key.lastUsedAt?.rfc3339)
    }
}

extension WorkspaceSummary {
    fileprivate init(_ workspace: Workspace) {
        self.init(
            id: workspace.id.description, name: workspace.name, slug: workspace.slug,
            createdAt: workspace.createdAt.rfc3339)
    }
}

extension DomainError {
    /// For a person at a terminal.
    var sentence: String {
        switch self {
        case .notFound(let resource): "\(resource.rawValue) not found"
        case .gone(let reason), .forbidden(let reason): reason
        case .preconditionFailed: "changed meanwhile: try again"
        case .invalidField(_, let message): message
        case .invalidConfig(let problems): problems.map(\.message).joined(separator: "; ")
        case .validationFailed(let errors): errors.joined(separator: "; ")
        case .conflict(let message, _), .refused(_, let message), .upstream(_, let message),
            .tooMany(let message, _):
            message
        }
    }
}
