import LosslessJSON

/// What can be done with webhooks. Their secrets are shown once, when they are made.
package struct WebhookService: Sendable {
    let store: any Store
    private let vault: any SecretVault
    let ambient: Ambient
    private let outlet: any WebhookOutlet
    private let pause: InstancePause

    package static let maxPerWorkspace = 50
    /// How long the secret before a rotation is signed with besides, in seconds.
    package static let overlap = 86_400
    package static let maxOverlap = 604_800

    package init(
        store: any Store, vault: any SecretVault, ambient: Ambient, outlet: any WebhookOutlet, pause: InstancePause
    ) {
        self.store = store
        self.vault = vault
        self.ambient = ambient
        self.outlet = outlet
        self.pause = pause
    }

    /// A webhook with what it signs with, which nobody is shown again.
    package struct Issued: Sendable {
        package let webhook: Webhook
        package let secret: Secret
    }

    // MARK: Reading

    package func find(_ id: WebhookID, in workspace: WorkspaceID) async throws -> Webhook {
        guard let webhook = try await store.webhook(id, in: workspace) else { throw DomainError.notFound(.webhook) }
        return webhook
    }

    package func list(
        in workspace: WorkspaceID, page: PageRequest<WebhookID>
    ) async throws -> Page<Webhook, WebhookID> {
        try await store.webhooks(in: workspace, page: page)
    }

    // MARK: Writing

    package struct Draft: Sendable {
        package let url: String
        package let label: String?
        package let filter: EventFilter
        package let status: Availability

        package init(url: String, label: String?, filter: EventFilter, status: Availability) {
            self.url = url
            self.label = label
            self.filter = filter
            self.status = status
        }
    }

    /// It is told what happens from here on.
    package func create(_ draft: Draft, in workspace: WorkspaceID, cause: Cause) async throws -> Issued {
        try await check(draft.url)
        let key = SigningKey(random: ambient)
        let webhook = try await store.write { tx in
            let count = try tx.countWebhooks(in: workspace)
            guard count < Self.maxPerWorkspace else {
                throw DomainError.conflict(message: "A workspace has at most \(Self.maxPerWorkspace) webhooks")
            }
            let id = ambient.id(WebhookID.self)
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
            let webhook = Webhook(
                id: id, workspaceID: workspace, url: draft.url, label: draft.label, filter: draft.filter,
                status: draft.status, secret: try key.sealed(of: id, generation: 1, keeper: keeper),
                progress: WebhookProgress(position: try tx.newestPosition()), createdBy: cause.principal.actor,
                createdAt: cause.at, updatedAt: cause.at)
            try tx.insert(webhook)
            try note(.webhookCreated, webhook, cause: cause, tx: tx)
            return webhook
        }
        return Issued(webhook: webhook, secret: key.text)
    }

    package struct Change: Sendable {
        package var url: Patch<String>
        package var label: Patch<String>
        package var filter: Patch<EventFilter>
        package var status: Patch<Availability>

        package init(
            url: Patch<String>, label: Patch<String>, filter: Patch<EventFilter>, status: Patch<Availability>
        ) {
            self.url = url
            self.label = label
            self.filter = filter
            self.status = status
        }

        fileprivate var writtenFields: [String] {
            var fields: [String] = []
            if url.value != nil { fields.append("url") }
            if label.isPresent { fields.append("label") }
            if filter.value != nil { fields.append("events") }
            if status.value != nil { fields.append("status") }
            return fields
        }
    }

    /// Another URL, and the status active, forgive what failed: what waits behind the webhook's position is sent at once, and
    /// what was tried already at its own time.
    package func update(
        _ id: WebhookID, in workspace: WorkspaceID, to change: Change, if precondition: Precondition, cause: Cause
    ) async throws -> Webhook {
        if let url = change.url.value { try await check(url) }
        return try await store.write { tx in
            guard var row = try tx.webhook(id, in: workspace) else { throw DomainError.notFound(.webhook) }
            try precondition.check(row.revision)
            let fields = change.writtenFields
            guard !fields.isEmpty else { return row }
            row.url = change.url.keeping(row.url)
            row.label = change.label.clearing(row.label)
            row.filter = change.filter.keeping(row.filter)
            row.status = change.status.keeping(row.status)
            if change.status.value != nil { row.disablement = nil }
            if change.url.value != nil || change.status.value == .active { row.progress.forgive() }
            row.touch(at: cause.at)
            try tx.update(row)
            try note(.webhookUpdated, row, data: .fields(fields), cause: cause, tx: tx)
            return row
        }
    }

    package func delete(
        _ id: WebhookID, in workspace: WorkspaceID, if precondition: Precondition, cause: Cause
    ) async throws {
        try await store.write { tx in
            guard let row = try tx.webhook(id, in: workspace) else { throw DomainError.notFound(.webhook) }
            try precondition.check(row.revision)
            try tx.delete(webhook: id, in: workspace)
            try note(.webhookDeleted, row, cause: cause, tx: tx)
        }
    }

    /// A new secret. For `overlap` seconds messages are signed with the one before it, too.
    package func rotateSecret(
        of id: WebhookID, in workspace: WorkspaceID, overlap: Int, if precondition: Precondition, cause: Cause
    ) async throws -> Issued {
        let key = SigningKey(random: ambient)
        let webhook = try await store.write { tx in
            guard var row = try tx.webhook(id, in: workspace) else { throw DomainError.notFound(.webhook) }
            try precondition.check(row.revision)
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
            row.previousSecret = overlap > 0 ? row.secret : nil
            row.previousSecretExpiresAt = overlap > 0 ? cause.at.advanced(bySeconds: Int64(overlap)) : nil
            row.secret = try key.sealed(of: id, generation: row.secret.generation + 1, keeper: keeper)
            row.touch(at: cause.at)
            try tx.update(row)
            try note(.webhookUpdated, row, data: .fields(["secret"]), cause: cause, tx: tx)
            return row
        }
        return Issued(webhook: webhook, secret: key.text)
    }

    // MARK: Trying

    /// Sends a message that tells of nothing, whatever the webhook's status.
    package func test(_ id: WebhookID, in workspace: WorkspaceID, cause: Cause) async throws -> WebhookReceipt {
        guard !pause.isPaused else {
            throw DomainError.refused(code: "instance_paused", message: InstancePause.refusal)
        }
        let (webhook, keys) = try await store.write { tx in
            guard let row = try tx.webhook(id, in: workspace) else { throw DomainError.notFound(.webhook) }
            return (row, try SigningKeys(of: row, keeper: SecretKeeper(vault: vault, tx: tx, workspace: workspace)))
        }
        let event = Event(
            position: 0,
            record: JournalRecord(
                id: ambient.id(), kind: .webhookTest, workspaceID: workspace, subject: id.description,
                subjectSequence: nil, actor: cause.principal.actor, requestID: cause.requestID, at: cause.at,
                data: .emptyObject))
        return await outlet.send(
            WebhookMessage(url: webhook.url, event: event, keys: keys.valid(at: ambient.now())))
    }

    // MARK: Parts

    func note(
        _ kind: JournalEntry.Kind, _ webhook: Webhook, data: JSONText = .emptyObject, cause: Cause,
        tx: any StoreTransaction
    ) throws {
        try tx.append(
            JournalEntry(kind, in: webhook.workspaceID, subject: webhook.id.description, data: data),
            id: ambient.id(), cause: cause)
    }

    private func check(_ url: String) async throws {
        let origin = URLTemplate.origin(of: url)
        guard let origin, !url.contains("#") else {
            throw DomainError.invalidField(
                location: ["body", "url"], message: "an absolute URL without user info and fragment is wanted")
        }
        if origin.hasPrefix("https://") { return }
        guard await outlet.takesPlainHTTP(url) else {
            throw DomainError.invalidField(
                location: ["body", "url"],
                message: "https is wanted: http is for hosts that the operator opened with PATCHBAY_EGRESS_ALLOW")
        }
    }
}

extension Webhook {
    fileprivate mutating func touch(at now: Timestamp) {
        updatedAt = max(now, updatedAt)
        revision += 1
    }
}
