import LosslessJSON

extension WebhookService {
    private static let requeueBatch = 1_000
    private static let expired = DomainError.gone("The event is older than events are kept")
    private static let outlived = DomainError.gone(
        "Events that came after this one are older than events are kept: begin with a later one")

    /// Newest event first.
    package func deliveries(
        of id: WebhookID, in workspace: WorkspaceID, state: WebhookDelivery.State?, page: PageRequest<EventID>
    ) async throws -> Page<WebhookDelivery, EventID> {
        let webhook = try await find(id, in: workspace)
        return try await store.deliveries(DeliveryQuery(webhook: webhook.key, state: state, page: page))
    }

    /// Delivers one event again, whatever became of it.
    package func replay(
        _ event: EventID, to id: WebhookID, in workspace: WorkspaceID, cause: Cause
    ) async throws -> WebhookDelivery {
        try await store.write { tx in
            guard var delivery = try tx.delivery(of: event, to: WebhookKey(workspaceID: workspace, webhookID: id))
            else {
                // Which of the two is not there comes first: a foreign id is not there, whatever the state of one's own.
                guard try tx.webhook(id, in: workspace) != nil else { throw DomainError.notFound(.webhook) }
                throw DomainError.notFound(.delivery)
            }
            let webhook = try active(id, in: workspace, tx: tx)
            guard try tx.position(of: event, in: workspace) != nil else { throw Self.expired }
            delivery.requeue(at: cause.at)
            try tx.put(delivery)
            try note(.webhookReplayed, webhook, data: .replay(from: event), cause: cause, tx: tx)
            return delivery
        }
    }

    /// Delivers all dead events again, and returns how many there are.
    package func replayDead(of id: WebhookID, in workspace: WorkspaceID, cause: Cause) async throws -> Int {
        var total = 0
        while true {
            let count = try await store.write { tx in
                let webhook = try active(id, in: workspace, tx: tx)
                let count = try tx.requeueDead(of: webhook.key, at: cause.at, limit: Self.requeueBatch)
                if count > 0 {
                    try note(.webhookReplayed, webhook, data: .replay(count: count), cause: cause, tx: tx)
                }
                return count
            }
            total += count
            if count < Self.requeueBatch { return total }
        }
    }

    /// Delivers an event and all that came after it again.
    package func replay(
        from event: EventID, to id: WebhookID, in workspace: WorkspaceID, cause: Cause
    ) async throws {
        try await store.write { tx in
            var webhook = try active(id, in: workspace, tx: tx)
            guard let position = try tx.position(of: event, in: workspace) else {
                if try tx.delivery(of: event, to: webhook.key) != nil { throw Self.expired }
                throw DomainError.invalidField(
                    location: ["body", "from_event"], message: "no event of this workspace that is kept has this id")
            }
            // An entry may be kept longer than those behind it: all that came after it could not be sent.
            guard try tx.trimmedPosition(in: workspace) <= position else { throw Self.outlived }
            webhook.progress.rewind(to: position - 1)
            try tx.update(webhook)
            try note(.webhookReplayed, webhook, data: .replay(from: event), cause: cause, tx: tx)
        }
    }

    private func active(_ id: WebhookID, in workspace: WorkspaceID, tx: any StoreTransaction) throws -> Webhook {
        guard let webhook = try tx.webhook(id, in: workspace) else { throw DomainError.notFound(.webhook) }
        guard webhook.status == .active else {
            throw DomainError.refused(
                code: "webhook_inactive", message: "The webhook is inactive: set its status to active first")
        }
        return webhook
    }
}

extension WebhookMessage {
    package init(url: String, event: Event, keys: [SigningKey]) {
        var payload = JSONWriter(capacity: 512)
        payload.event(event)
        self.init(url: url, id: event.id, payload: payload.text, keys: keys)
    }
}

extension JSONText {
    fileprivate static func replay(from event: EventID) -> JSONText {
        var data = JSONObject()
        data["event_id"] = JSONText(event.description)
        return data.text
    }

    fileprivate static func replay(count: Int) -> JSONText {
        var data = JSONWriter(capacity: 32)
        data.object { data in
            data.key("deliveries")
            data.value(count)
        }
        return data.text
    }
}
