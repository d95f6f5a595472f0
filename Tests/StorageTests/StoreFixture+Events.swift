import Connections
import Storage

extension StoreFixture {
    static func eventID(_ number: UInt64) -> EventID { EventID(ULID(high: 9, low: number)) }
    static func webhookID(_ number: UInt64) -> WebhookID { WebhookID(ULID(high: 10, low: number)) }

    static func webhook(_ number: UInt64, in workspace: WorkspaceID, position: Int64 = 0) -> Webhook {
        Webhook(
            id: webhookID(number), workspaceID: workspace, url: "https://app.test/hook", label: "L", filter: .all,
            secret: SealedSigningSecret(bytes: [1, 2], generation: 1), progress: WebhookProgress(position: position),
            createdBy: "test", createdAt: .t0, updatedAt: .t0)
    }

    static func delivery(
        _ number: UInt64, to webhook: Webhook, state: WebhookDelivery.State, dueIn seconds: Int64? = nil,
        finishedIn finished: Int64? = nil
    ) -> WebhookDelivery {
        WebhookDelivery(
            webhook: webhook.key, eventID: eventID(number), kind: .connectionUpdated, state: state, attempts: 2,
            dueAt: seconds.map { .t0.advanced(bySeconds: $0) }, lastStatus: 500, lastError: "http_500",
            createdAt: .t0, finishedAt: finished.map { .t0.advanced(bySeconds: $0) })
    }

    /// Appends an entry and returns where it stands.
    @discardableResult
    func append(
        _ number: UInt64, _ kind: JournalEntry.Kind, in workspace: WorkspaceID?, subject: String = "s",
        at seconds: Int64 = 0
    ) async throws -> Int64 {
        let cause = Cause(principal: .console, requestID: "req", at: .t0.advanced(bySeconds: seconds))
        return try await store.write { tx in
            try tx.append(
                JournalEntry(kind, in: workspace, subject: subject), id: Self.eventID(number), cause: cause)
            return try tx.newestPosition()
        }
    }

    /// The numbers of the entries that are left.
    func entries() async throws -> [Int64] {
        try await store.journalSteps(after: 0, limit: 1_000).map(\.position)
    }
}
