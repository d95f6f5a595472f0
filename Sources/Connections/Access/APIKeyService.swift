import LosslessJSON

/// What can be done with API keys. Rule 10 of the design stands here: nobody gives away what they have not got.
package struct APIKeyService: Sendable {
    private let store: any Store
    private let authenticator: APIKeyAuthenticator
    private let ambient: Ambient

    package init(store: any Store, authenticator: APIKeyAuthenticator, ambient: Ambient) {
        self.store = store
        self.authenticator = authenticator
        self.ambient = ambient
    }

    package func find(_ id: APIKeyID, in workspace: WorkspaceID, for principal: Principal) async throws -> APIKey {
        guard let key = try await store.apiKey(id, in: principal.keyScope(workspace)) else {
            throw DomainError.notFound(.apiKey)
        }
        return key
    }

    /// The keys of a workspace. Instance-wide ones are listed by the command line only.
    package func list(
        in workspace: WorkspaceID?, page: PageRequest<APIKeyID>
    ) async throws -> Page<APIKey, APIKeyID> {
        try await store.apiKeys(in: workspace, page: page)
    }

    // MARK: Creating

    package struct Draft: Sendable {
        package let label: String
        package let status: Availability
        /// `nil`: read and write, as far as the caller has them.
        package let permissions: Permissions?
        /// `nil`: as long as the caller's own.
        package let expiresAt: Timestamp?
        /// `nil`: the caller's own.
        package let ipWhitelist: [IPRange]?
        package let collections: [String]?

        package init(
            label: String, status: Availability = .active, permissions: Permissions? = nil,
            expiresAt: Timestamp? = nil, ipWhitelist: [IPRange]? = nil, collections: [String]? = nil
        ) {
            self.label = label
            self.status = status
            self.permissions = permissions
            self.expiresAt = expiresAt
            self.ipWhitelist = ipWhitelist
            self.collections = collections
        }
    }

    /// Makes a key for a workspace, or with `nil` for the whole instance, and returns it with its token, which is shown
    /// this once and cannot be had again.
    package func create(
        _ draft: Draft, in workspace: WorkspaceID?, cause: Cause
    ) async throws -> (key: APIKey, token: String) {
        let caller = cause.principal
        guard workspace != nil || caller.isInstanceWide else {
            throw DomainError.forbidden("Only an instance-wide key makes instance-wide keys")
        }
        let id = ambient.id(APIKeyID.self)
        let key = APIKey(
            id: id, workspaceID: workspace, label: draft.label, status: draft.status,
            permissions: draft.permissions ?? caller.permissions.intersection([.read, .write]),
            expiresAt: draft.expiresAt ?? caller.expiresAt, ipWhitelist: draft.ipWhitelist ?? caller.ipRanges,
            collections: draft.collections, createdBy: caller.actor, createdAt: cause.at, updatedAt: cause.at)
        try caller.mayGrant(key)
        let token = APIToken.make(for: id, random: ambient.randomBytes(32))
        try await store.write { tx in
            try tx.insert(key, digest: authenticator.digest(token))
            try tx.append(
                JournalEntry(.apiKeyCreated, in: workspace, subject: id.description), id: ambient.id(), cause: cause)
        }
        return (key, token)
    }

    // MARK: Updating

    package struct Change: Sendable {
        package var label: Patch<String>
        package var status: Patch<Availability>
        package var permissions: Patch<Permissions>
        package var expiresAt: Patch<Timestamp>
        package var ipWhitelist: Patch<[IPRange]>
        package var collections: Patch<[String]>

        package init(
            label: Patch<String> = .absent, status: Patch<Availability> = .absent,
            permissions: Patch<Permissions> = .absent, expiresAt: Patch<Timestamp> = .absent,
            ipWhitelist: Patch<[IPRange]> = .absent, collections: Patch<[String]> = .absent
        ) {
            self.label = label
            self.status = status
            self.permissions = permissions
            self.expiresAt = expiresAt
            self.ipWhitelist = ipWhitelist
            self.collections = collections
        }

        /// Whether it could let the key do more than before.
        var mayWiden: Bool {
            status.value == .active || permissions.value != nil || expiresAt.isPresent || ipWhitelist.isPresent
        }

        var writtenFields: [String] {
            var fields: [String] = []
            if label.value != nil { fields.append("label") }
            if status.value != nil { fields.append("status") }
            if permissions.value != nil { fields.append("permissions") }
            if expiresAt.isPresent { fields.append("expires_at") }
            if ipWhitelist.isPresent { fields.append("ip_whitelist") }
            if collections.isPresent { fields.append("collections") }
            return fields
        }
    }

    package func update(
        _ id: APIKeyID, in workspace: WorkspaceID, to change: Change, if precondition: Precondition, cause: Cause
    ) async throws -> APIKey {
        let scope = cause.principal.keyScope(workspace)
        let key = try await store.write { tx in
            guard var row = try tx.apiKey(id, in: scope) else { throw DomainError.notFound(.apiKey) }
            try precondition.check(row.revision)
            let fields = change.writtenFields
            guard !fields.isEmpty else { return row }
            row.label = change.label.keeping(row.label)
            row.status = change.status.keeping(row.status)
            row.permissions = change.permissions.keeping(row.permissions)
            row.expiresAt = change.expiresAt.clearing(row.expiresAt)
            row.ipWhitelist = change.ipWhitelist.clearing(row.ipWhitelist)
            row.collections = change.collections.clearing(row.collections)
            if change.mayWiden { try cause.principal.mayGrant(row) }
            row.updatedAt = max(cause.at, row.updatedAt)
            row.revision += 1
            try tx.update(row)
            try tx.append(
                JournalEntry(
                    .apiKeyUpdated, in: row.workspaceID, subject: id.description, data: .fields(fields)),
                id: ambient.id(), cause: cause)
            return row
        }
        authenticator.forget(id)
        return key
    }

    package func delete(
        _ id: APIKeyID, in workspace: WorkspaceID, if precondition: Precondition, cause: Cause
    ) async throws {
        let scope = cause.principal.keyScope(workspace)
        try await store.write { tx in
            guard let row = try tx.apiKey(id, in: scope) else { throw DomainError.notFound(.apiKey) }
            try precondition.check(row.revision)
            try tx.delete(row)
            try tx.append(
                JournalEntry(.apiKeyDeleted, in: row.workspaceID, subject: id.description), id: ambient.id(),
                cause: cause)
        }
        authenticator.forget(id)
    }
}

extension Principal {
    /// Whose keys it may look at: an instance-wide one those of any workspace and of the instance.
    fileprivate func keyScope(_ workspace: WorkspaceID) -> WorkspaceID? {
        isInstanceWide ? nil : workspace
    }

    /// Refuses a key that could do what the principal cannot.
    fileprivate func mayGrant(_ key: APIKey) throws {
        guard permissions.isSuperset(of: key.permissions) else {
            let missing = key.permissions.subtracting(permissions).names.joined(separator: ", ")
            throw DomainError.forbidden("You cannot grant what you have not got: \(missing)")
        }
        if let own = expiresAt, key.expiresAt.map({ $0 > own }) ?? true {
            throw DomainError.forbidden("You cannot grant a longer life than your own, which ends \(own.rfc3339)")
        }
        guard let own = ipRanges else { return }
        let isWithin = key.ipWhitelist?.allSatisfy { range in own.contains { $0.contains(range) } } ?? false
        guard isWithin else { throw DomainError.forbidden("You cannot grant addresses beyond your own ip_whitelist") }
    }
}
