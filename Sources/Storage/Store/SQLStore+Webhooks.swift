package import Connections

private let columns = """
    workspace_id, id, url, label, events, status, disabled_reason, disabled_at, secret, secret_generation, \
    previous_secret, previous_secret_expires_at, position, epoch, failures, failing_since, resume_at, created_by, \
    created_at, updated_at, revision
    """

extension Webhook {
    fileprivate init(_ row: any SQLRow) throws {
        let generation = row.int64(9)
        self.init(
            id: try row.id(1), workspaceID: try row.id(0), url: row.text(2), label: row.optionalText(3),
            filter: EventFilter(stored: row.strings(4)), status: try row.word(5),
            disablement: row.isNull(6) ? nil : Disablement(reason: row.text(6), at: row.time(7)),
            secret: SealedSigningSecret(bytes: row.bytes(8), generation: generation),
            previousSecret: row.isNull(10)
                ? nil : SealedSigningSecret(bytes: row.bytes(10), generation: generation - 1),
            previousSecretExpiresAt: row.optionalTime(11),
            progress: WebhookProgress(
                position: row.int64(12), epoch: row.int64(13), failures: Int(row.int64(14)),
                failingSince: row.optionalTime(15), resumeAt: row.optionalTime(16)),
            createdBy: row.text(17), createdAt: row.time(18), updatedAt: row.time(19), revision: row.int64(20))
    }

    fileprivate var values: [SQLValue] {
        [
            .id(workspaceID), .id(id), .text(url), .text(label), .strings(filter.patterns), .word(status),
            .text(disablement?.reason), .time(disablement?.at), .blob(secret.bytes), .int(secret.generation),
            previousSecret.map { .blob($0.bytes) } ?? .null, .time(previousSecretExpiresAt), .int(progress.position),
            .int(progress.epoch), .int(Int64(progress.failures)), .time(progress.failingSince),
            .time(progress.resumeAt), .text(createdBy), .time(createdAt), .time(updatedAt), .int(revision),
        ]
    }
}

private let selectWebhook = SQL("SELECT \(columns) FROM webhook WHERE workspace_id = ?1 AND id = ?2")
private let selectActive = SQL("SELECT \(columns) FROM webhook WHERE status = 'active'")
private let selectKeys = SQL("SELECT workspace_id, id FROM webhook")

extension SQLStore {
    package func webhook(_ id: WebhookID, in workspace: WorkspaceID) async throws -> Webhook? {
        try await database.read(.point) { try $0.first(selectWebhook, [.id(workspace), .id(id)], Webhook.init) }
    }

    package func webhooks(
        in workspace: WorkspaceID, page: PageRequest<WebhookID>
    ) async throws -> Page<Webhook, WebhookID> {
        var filter = Filter()
        filter.add("workspace_id = ?", .id(workspace))
        return try await database.read(.scan) { [filter] sql in
            try sql.page(
                select: columns, from: "webhook", filter: filter, request: page, total: nil, id: \.id,
                row: Webhook.init)
        }
    }

    package func activeWebhooks() async throws -> [Webhook] {
        try await database.read(.scan) { try $0.query(selectActive, [], Webhook.init) }
    }

    package func allWebhookKeys() async throws -> [WebhookKey] {
        try await database.read(.scan) { sql in
            try sql.query(selectKeys, []) { WebhookKey(workspaceID: try $0.id(0), webhookID: try $0.id(1)) }
        }
    }
}

extension SQLTransaction {
    private static let countWebhooks = SQL("SELECT COUNT(*) FROM webhook WHERE workspace_id = ?1")
    private static let insertWebhook = SQL(
        """
        INSERT INTO webhook (\(columns))
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
        """)
    private static let updateWebhook = SQL(
        """
        UPDATE webhook SET url = ?3, label = ?4, events = ?5, status = ?6, disabled_reason = ?7, disabled_at = ?8,
            secret = ?9, secret_generation = ?10, previous_secret = ?11, previous_secret_expires_at = ?12,
            position = ?13, epoch = ?14, failures = ?15, failing_since = ?16, resume_at = ?17, created_by = ?18,
            created_at = ?19, updated_at = ?20, revision = ?21
        WHERE workspace_id = ?1 AND id = ?2
        """)
    private static let advanceWebhook = SQL(
        """
        UPDATE webhook SET position = ?3, failures = ?5, failing_since = ?6, resume_at = ?7
        WHERE workspace_id = ?1 AND id = ?2 AND epoch = ?4
        """)
    private static let deleteWebhook = SQL("DELETE FROM webhook WHERE workspace_id = ?1 AND id = ?2")

    func webhook(_ id: WebhookID, in workspace: WorkspaceID) throws -> Webhook? {
        try sql.first(selectWebhook, [.id(workspace), .id(id)], Webhook.init)
    }

    func countWebhooks(in workspace: WorkspaceID) throws -> Int {
        try sql.count(Self.countWebhooks, [.id(workspace)])
    }

    func insert(_ webhook: Webhook) throws {
        try sql.execute(Self.insertWebhook, webhook.values)
    }

    func update(_ webhook: Webhook) throws {
        try sql.execute(Self.updateWebhook, webhook.values)
    }

    func advance(_ webhook: WebhookKey, to progress: WebhookProgress) throws -> Bool {
        try sql.execute(
            Self.advanceWebhook,
            [
                .id(webhook.workspaceID), .id(webhook.webhookID), .int(progress.position), .int(progress.epoch),
                .int(Int64(progress.failures)), .time(progress.failingSince), .time(progress.resumeAt),
            ]) == 1
    }

    func delete(webhook id: WebhookID, in workspace: WorkspaceID) throws {
        try sql.execute(Self.deleteWebhook, [.id(workspace), .id(id)])
    }

    func newestPosition() throws -> Int64 { try sql.newestPosition() }

    func position(of entry: EventID, in workspace: WorkspaceID) throws -> Int64? {
        try sql.position(of: entry, in: workspace)
    }
}
