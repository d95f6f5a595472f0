import LosslessJSON

/// Lets an instance whose store looked like a copy go on as the original: under a new epoch, and with only those API keys that
/// the operator names, since whoever had a key to the original had no say in the copy.
package struct Resumption: Sendable {
    private let store: any Store
    private let authenticator: APIKeyAuthenticator
    private let ambient: Ambient

    package init(store: any Store, authenticator: APIKeyAuthenticator, ambient: Ambient) {
        self.store = store
        self.authenticator = authenticator
        self.ambient = ambient
    }

    // MARK: What is at stake

    /// One grant that the original may hold too.
    package struct AtRisk: Sendable {
        package let workspaceID: WorkspaceID
        package let credentialID: CredentialID
        /// `nil` where no connection uses the credential.
        package let connection: Connection?
    }

    /// How many grants there are with a refresh token, and the first of them.
    package func atRisk(limit: Int) async throws -> (total: Int, first: [AtRisk]) {
        let (total, keys) = try await store.grantsAtRisk(limit: limit)
        var first: [AtRisk] = []
        for key in keys {
            var query = ConnectionQuery(workspace: key.workspaceID, page: PageRequest(limit: 1))
            query.credentialID = key.credentialID
            first.append(
                AtRisk(
                    workspaceID: key.workspaceID, credentialID: key.credentialID,
                    connection: try await store.connections(query).items.first))
        }
        return (total, first)
    }

    // MARK: Going on

    package struct Outcome: Sendable {
        package let epoch: InstanceEpoch
        package let kept: [APIKey]
        package let disabled: [APIKey]
        /// Made where no key was kept, so that somebody can get in. Its token is shown this once.
        package let made: (key: APIKey, token: String)?
    }

    /// Gives the store a new epoch and disables every API key but those named. The caller mirrors the epoch outside the store and
    /// ends the pause after that; a crash in between leaves the instance paused.
    ///
    /// - Parameter names: ids, or labels that one key has alone.
    package func run(keeping names: [String], cause: Cause) async throws -> Outcome {
        let epoch = InstanceEpoch(ambient)
        let outcome = try await store.write { tx in
            let active = try tx.apiKeys(status: .active)
            let kept = try Set(names.map { try find($0, among: active, at: cause.at).id })
            let disabled = try active.filter { !kept.contains($0.id) }.map { try disable($0, cause: cause, tx: tx) }
            let made = try kept.isEmpty ? makeKey(cause: cause, tx: tx) : nil
            try epoch.store(tx)
            try tx.append(
                JournalEntry(
                    .instanceResumed, in: nil, subject: "instance",
                    data: Self.data(kept: kept.count, disabled: disabled.count)),
                id: ambient.id(), cause: cause)
            return Outcome(
                epoch: epoch, kept: active.filter { kept.contains($0.id) }, disabled: disabled, made: made)
        }
        authenticator.forgetAll()
        return outcome
    }

    private func find(_ name: String, among keys: [APIKey], at now: Timestamp) throws -> APIKey {
        let found = keys.filter { $0.id.description == name || $0.label == name }
        guard let key = found.first else {
            throw DomainError.conflict(message: "No active API key has the id or label '\(name)'")
        }
        guard found.count == 1 else {
            throw DomainError.conflict(message: "\(found.count) API keys are labelled '\(name)': name one by its id")
        }
        guard key.expiresAt.map({ $0 > now }) ?? true else {
            throw DomainError.conflict(message: "API key '\(name)' has expired")
        }
        return key
    }

    private func disable(_ key: APIKey, cause: Cause, tx: any StoreTransaction) throws -> APIKey {
        var row = key
        row.status = .inactive
        row.updatedAt = max(cause.at, row.updatedAt)
        row.revision += 1
        try tx.update(row)
        try tx.append(
            JournalEntry(
                .apiKeyUpdated, in: row.workspaceID, subject: row.id.description, data: .fields(["status"])),
            id: ambient.id(), cause: cause)
        return row
    }

    private func makeKey(cause: Cause, tx: any StoreTransaction) throws -> (key: APIKey, token: String) {
        let key = APIKey(
            id: ambient.id(), workspaceID: nil, label: "resume", permissions: .all,
            createdBy: cause.principal.actor, createdAt: cause.at, updatedAt: cause.at)
        let token = APIToken.make(for: key.id, random: ambient.randomBytes(32))
        try tx.insert(key, digest: authenticator.digest(token))
        try tx.append(
            JournalEntry(.apiKeyCreated, in: nil, subject: key.id.description), id: ambient.id(), cause: cause)
        return (key, token)
    }

    private static func data(kept: Int, disabled: Int) -> JSONText {
        var json = JSONWriter(capacity: 64)
        json.object { json in
            json.key("api_keys_kept")
            json.value(kept)
            json.key("api_keys_disabled")
            json.value(disabled)
        }
        return json.text
    }
}
