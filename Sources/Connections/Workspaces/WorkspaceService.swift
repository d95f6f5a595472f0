import LosslessJSON

/// What can be done with workspaces.
package struct WorkspaceService: Sendable {
    private let store: any Store
    private let vault: any SecretVault
    private let authenticator: APIKeyAuthenticator
    private let catalog: any IntegrationCatalog
    private let ambient: Ambient
    /// Which workspaces there are, by id or as the default: every request asks.
    private let known = ForgetfulCache<Name, WorkspaceID>(capacity: 100_000)

    private enum Name: Hashable, Sendable {
        case id(WorkspaceID)
        case slug(String)
    }

    package init(
        store: any Store, vault: any SecretVault, authenticator: APIKeyAuthenticator,
        catalog: any IntegrationCatalog, ambient: Ambient
    ) {
        self.catalog = catalog
        self.store = store
        self.vault = vault
        self.authenticator = authenticator
        self.ambient = ambient
    }

    /// The workspace that a call acts in: what the header names, else the only one that the principal has. One that the
    /// principal may not use looks like one that never was.
    package func resolve(header: String?, for principal: Principal) async throws -> WorkspaceID {
        if let header {
            guard let id = WorkspaceID(header), principal.may(id) else { throw DomainError.notFound(.workspace) }
            return try await existing(.id(id))
        }
        guard let own = principal.workspaces else { return try await existing(.slug(Workspace.defaultSlug)) }
        guard let only = own.first else { throw DomainError.forbidden("The token names no workspace") }
        guard own.count == 1 else {
            throw DomainError.invalidField(
                location: ["header", "X-Workspace-Id"],
                message: "The token may use several workspaces: name one in X-Workspace-Id")
        }
        // A key goes with its workspace; a token may outlive it.
        if case .apiKey = principal.identity { return only }
        return try await existing(.id(only))
    }

    private func existing(_ name: Name) async throws -> WorkspaceID {
        let (id, epoch) = known.value(for: name)
        if let id { return id }
        let workspace =
            switch name {
            case .id(let id): try await store.workspace(id)
            case .slug(let slug): try await store.workspace(slug: slug)
            }
        guard let workspace else { throw DomainError.notFound(.workspace) }
        known.remember(workspace.id, for: name, since: epoch)
        return workspace.id
    }

    package func find(_ id: WorkspaceID, for principal: Principal) async throws -> Workspace {
        guard principal.may(id), let workspace = try await store.workspace(id) else {
            throw DomainError.notFound(.workspace)
        }
        return workspace
    }

    package func list(
        for principal: Principal, page: PageRequest<WorkspaceID>
    ) async throws -> Page<Workspace, WorkspaceID> {
        try await store.workspaces(principal.workspaces, page: page)
    }

    // MARK: Changing

    package func create(
        name: String, slug: String?, description: String?, cause: Cause
    ) async throws -> Workspace {
        guard cause.principal.isInstanceWide else {
            throw DomainError.forbidden("Only an instance-wide key creates workspaces")
        }
        let id = ambient.id(WorkspaceID.self)
        let workspace = Workspace(
            id: id, name: name, slug: slug ?? Self.slug(from: name, id: id), description: description,
            createdBy: cause.principal.actor, createdAt: cause.at, updatedAt: cause.at)
        return try await refusingTakenSlug(workspace.slug) {
            try await store.write { tx in
                try tx.insert(workspace, wrappedDataKey: vault.makeDataKey(for: workspace.id))
                try tx.append(
                    JournalEntry(.workspaceCreated, in: workspace.id, subject: workspace.id.description),
                    id: ambient.id(), cause: cause)
                return workspace
            }
        }
    }

    package struct Change: Sendable {
        package var name: Patch<String>
        package var slug: Patch<String>
        package var description: Patch<String>

        package init(name: Patch<String>, slug: Patch<String>, description: Patch<String>) {
            self.name = name
            self.slug = slug
            self.description = description
        }
    }

    package func update(
        _ id: WorkspaceID, to change: Change, if precondition: Precondition, cause: Cause
    ) async throws -> Workspace {
        guard cause.principal.may(id) else { throw DomainError.notFound(.workspace) }
        return try await refusingTakenSlug(change.slug.value ?? "") {
            try await store.write { tx in
                guard var row = try tx.workspace(id) else { throw DomainError.notFound(.workspace) }
                try precondition.check(row.revision)
                var fields: [String] = []
                if change.name.value != nil { fields.append("name") }
                if change.slug.value != nil { fields.append("slug") }
                if change.description.isPresent { fields.append("description") }
                guard !fields.isEmpty else { return row }
                if row.slug == Workspace.defaultSlug, let slug = change.slug.value, slug != row.slug {
                    throw DomainError.conflict(message: "The workspace 'default' keeps its slug")
                }
                row.name = change.name.keeping(row.name)
                row.slug = change.slug.keeping(row.slug)
                row.description = change.description.clearing(row.description)
                row.updatedAt = max(cause.at, row.updatedAt)
                row.revision += 1
                try tx.update(row)
                try tx.append(
                    JournalEntry(.workspaceUpdated, in: id, subject: id.description, data: .fields(fields)),
                    id: ambient.id(), cause: cause)
                return row
            }
        }
    }

    /// Deletes a workspace that is empty, or with `force` everything in it.
    package func delete(_ id: WorkspaceID, force: Bool, if precondition: Precondition, cause: Cause) async throws {
        guard cause.principal.may(id) else { throw DomainError.notFound(.workspace) }
        guard cause.principal.isInstanceWide else {
            throw DomainError.forbidden("Only an instance-wide key deletes workspaces")
        }
        try await store.write { tx in
            guard let row = try tx.workspace(id) else { throw DomainError.notFound(.workspace) }
            try precondition.check(row.revision)
            guard row.slug != Workspace.defaultSlug else {
                throw DomainError.conflict(message: "The workspace 'default' cannot be deleted")
            }
            let contents = try tx.countContents(of: id)
            guard force || contents == 0 else {
                throw DomainError.conflict(
                    message: "Workspace holds \(contents) connections, credentials and API keys: "
                        + "delete them first, or all at once with ?force=true")
            }
            try tx.delete(workspace: id)
            try tx.append(
                JournalEntry(.workspaceDeleted, in: nil, subject: id.description), id: ambient.id(), cause: cause)
        }
        known.forget { $0 == id }
        // Its keys went with it.
        authenticator.forgetAll()
        catalog.forget(id)
    }

    // MARK: Slugs

    private func refusingTakenSlug<Result: Sendable>(
        _ slug: String, _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch StoreError.duplicate(.workspaceSlug) {
            throw DomainError.conflict(message: "Slug '\(slug)' is taken")
        }
    }

    /// `^[a-z0-9][a-z0-9-]{0,62}$`
    package static func isSlug(_ text: String) -> Bool {
        guard (1...63).contains(text.utf8.count), text.first != "-" else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
    }

    /// A slug from a name; a name without a usable letter gives one from the id.
    private static func slug(from name: String, id: WorkspaceID) -> String {
        let words = name.lowercased().utf8.split { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): false
            default: true
            }
        }
        let slug = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "-").prefix(63)
        return isSlug(String(slug)) ? String(slug) : id.ulidText.lowercased()
    }
}
