import Connections
import HTTPTypes
import LosslessJSON

extension API {
    var webhookRoutes: [Route] {
        [
            .api(.post, "/webhooks", "create_webhook", .admin, createWebhook),
            .api(.get, "/webhooks", "list_webhooks", .read, listWebhooks),
            .api(.get, "/webhooks/{webhook_id}", "get_webhook", .read, getWebhook),
            .api(.put, "/webhooks/{webhook_id}", "update_webhook", .admin, updateWebhook),
            .api(.delete, "/webhooks/{webhook_id}", "delete_webhook", .admin, deleteWebhook),
            .api(
                .post, "/webhooks/{webhook_id}/rotate-secret", "rotate_webhook_secret", .admin, rotateWebhookSecret),
            .api(.post, "/webhooks/{webhook_id}/test", "test_webhook", .admin, testWebhook),
            .api(.get, "/webhooks/{webhook_id}/deliveries", "list_webhook_deliveries", .read, listWebhookDeliveries),
            .api(
                .post, "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", "replay_webhook_delivery", .admin,
                replayWebhookDelivery),
            .api(.post, "/webhooks/{webhook_id}/replay", "replay_webhook", .admin, replayWebhook),
        ]
    }

    // MARK: Webhooks

    private func createWebhook(_ call: Call) async throws -> Answer {
        var fields = try await call.fields()
        let url = fields.requiredString("url", length: 1...2_048)
        let label = fields.string("label", length: 1...255).value
        let filter = fields.eventFilter()
        let status = fields.word("status", Availability.self).value ?? .active
        try fields.finish()
        let issued = try await events.webhooks.create(
            WebhookService.Draft(url: url, label: label, filter: filter.value ?? .all, status: status),
            in: call.workspace, cause: call.cause)
        return answer(issued)
    }

    private func listWebhooks(_ call: Call) async throws -> Answer {
        var query = call.query
        let request: PageRequest<WebhookID> = query.page()
        try query.finish()
        let page = try await events.webhooks.list(in: call.workspace, page: request)
        return .json { json in
            json.page("webhooks", page, request: request) { json, webhook in json.webhook(webhook) }
        }
    }

    private func getWebhook(_ call: Call) async throws -> Answer {
        let webhook = try await events.webhooks.find(call.id("webhook_id", .webhook), in: call.workspace)
        return .json(revision: webhook.revision) { $0.webhook(webhook) }
    }

    private func updateWebhook(_ call: Call) async throws -> Answer {
        var fields = try await call.fields()
        let url = fields.string("url", length: 1...2_048)
        let label = fields.string("label", length: 1...255)
        let filter = fields.eventFilter()
        let status = fields.word("status", Availability.self)
        try fields.finish()
        let webhook = try await events.webhooks.update(
            call.id("webhook_id", .webhook), in: call.workspace,
            to: WebhookService.Change(url: url, label: label, filter: filter, status: status), if: call.ifMatch,
            cause: call.cause)
        return .json(revision: webhook.revision) { $0.webhook(webhook) }
    }

    private func deleteWebhook(_ call: Call) async throws -> Answer {
        try await events.webhooks.delete(
            call.id("webhook_id", .webhook), in: call.workspace, if: call.ifMatch, cause: call.cause)
        return .noContent
    }

    private func rotateWebhookSecret(_ call: Call) async throws -> Answer {
        var overlap = WebhookService.overlap
        if var fields = try await call.optionalFields() {
            overlap = fields.integer("overlap_seconds", in: 0...WebhookService.maxOverlap).value ?? overlap
            try fields.finish()
        }
        let issued = try await events.webhooks.rotateSecret(
            of: call.id("webhook_id", .webhook), in: call.workspace, overlap: overlap, if: call.ifMatch,
            cause: call.cause)
        return answer(issued)
    }

    /// With the secret, this once.
    private func answer(_ issued: WebhookService.Issued) -> Answer {
        var answer = Answer.json(revision: issued.webhook.revision) {
            $0.webhook(issued.webhook, secret: issued.secret)
        }
        answer.headers[.cacheControl] = "no-store"
        return answer
    }

    // MARK: Deliveries

    private func testWebhook(_ call: Call) async throws -> Answer {
        let id: WebhookID = try call.id("webhook_id", .webhook)
        try checks.quota.take(call.workspace, at: call.cause.at)
        let receipt = try await events.webhooks.test(id, in: call.workspace, cause: call.cause)
        return .json { json in
            json.object { json in
                json.key("delivered")
                json.value(receipt.isDelivered)
                json.key("status")
                json.optional(receipt.status)
                json.key("duration_ms")
                json.optional(receipt.milliseconds)
                json.key("error")
                json.value(receipt.error)
            }
        }
    }

    private func listWebhookDeliveries(_ call: Call) async throws -> Answer {
        var query = call.query
        let state = query.word("state", WebhookDelivery.State.self)
        let request: PageRequest<EventID> = query.page(cursor: true)
        try query.finish()
        let page = try await events.webhooks.deliveries(
            of: call.id("webhook_id", .webhook), in: call.workspace, state: state, page: request)
        return .json { json in
            json.page(
                "deliveries", page, request: request,
                extra: { json in
                    json.key("next_cursor")
                    json.value(page.next.map { Cursor.encode($0) })
                },
                item: { json, delivery in json.delivery(delivery) })
        }
    }

    private func replayWebhookDelivery(_ call: Call) async throws -> Answer {
        let id: WebhookID = try call.id("webhook_id", .webhook)
        let delivery = try await events.webhooks.replay(
            call.id("delivery_id", .delivery), to: id, in: call.workspace, cause: call.cause)
        return .json { $0.delivery(delivery) }
    }

    private func replayWebhook(_ call: Call) async throws -> Answer {
        var start: EventID?
        if var fields = try await call.optionalFields() {
            if let text = fields.string("from_event").value {
                start = EventID(text)
                if start == nil {
                    fields.refuse(.value("the id of an event is wanted", at: [.name("body"), .name("from_event")]))
                }
            }
            try fields.finish()
        }
        let id: WebhookID = try call.id("webhook_id", .webhook)
        var requeued: Int?
        if let start {
            try await events.webhooks.replay(from: start, to: id, in: call.workspace, cause: call.cause)
        } else {
            requeued = try await events.webhooks.replayDead(of: id, in: call.workspace, cause: call.cause)
        }
        return .json { [requeued] json in
            json.object { json in
                json.key("requeued")
                json.optional(requeued)
                json.key("from_event")
                if let start { json.id(start) } else { json.null() }
            }
        }
    }
}

extension Call {
    /// The body's fields where there is a body.
    fileprivate func optionalFields() async throws -> FieldReader? {
        guard let body = try await body() else { return nil }
        return try FieldReader(body, echoesInput: true)
    }
}

extension FieldReader {
    private static let types = JournalEntry.Kind.events.map(\.rawValue).sorted().joined(separator: ", ")

    fileprivate mutating func eventFilter() -> Patch<EventFilter> {
        let patterns = strings("events", count: 1...64, length: 1...64).map(\.values)
        guard let values = patterns.value else { return patterns.map { EventFilter(stored: $0) } }
        if values.isEmpty {
            refuse(.value("name one type of event at least, or *", at: [.name("body"), .name("events")]))
        }
        for (index, pattern) in values.enumerated() where !EventFilter.isKnown(pattern) {
            refuse(
                .value(
                    "no type of event is called so: wanted is *, a group such as connection.*, or one of \(Self.types)",
                    at: [.name("body"), .name("events"), .index(index)], input: JSONText(pattern)))
        }
        return .value(EventFilter(stored: values))
    }
}

extension JSONWriter {
    fileprivate mutating func webhook(_ webhook: Webhook, secret: Secret? = nil) {
        object { json in
            json.key("id")
            json.id(webhook.id)
            json.key("workspace_id")
            json.id(webhook.workspaceID)
            json.key("url")
            json.value(webhook.url)
            json.key("label")
            json.value(webhook.label)
            json.key("events")
            json.strings(webhook.filter.patterns)
            json.key("status")
            json.value(webhook.status.rawValue)
            json.key("disabled")
            if let disablement = webhook.disablement {
                json.object { json in
                    json.key("reason")
                    json.value(disablement.reason)
                    json.key("at")
                    json.time(disablement.at)
                }
            } else {
                json.null()
            }
            json.key("failing_since")
            json.time(webhook.progress.failingSince)
            json.key("failures")
            json.value(webhook.progress.failures)
            json.key("previous_secret_expires_at")
            json.time(webhook.previousSecretExpiresAt)
            json.key("created_by")
            json.value(webhook.createdBy)
            json.key("created_at")
            json.time(webhook.createdAt)
            json.key("updated_at")
            json.time(webhook.updatedAt)
            json.key("revision")
            json.value(Int(webhook.revision))
            guard let secret else { return }
            json.key("secret")
            secret.withBytes { json.value(String(decoding: $0, as: UTF8.self)) }
        }
    }

    fileprivate mutating func delivery(_ delivery: WebhookDelivery) {
        object { json in
            json.key("id")
            json.id(delivery.eventID)
            json.key("type")
            json.value(delivery.kind.rawValue)
            json.key("state")
            json.value(delivery.state.rawValue)
            json.key("attempts")
            json.value(delivery.attempts)
            json.key("next_attempt_at")
            json.time(delivery.dueAt)
            json.key("last_status")
            json.optional(delivery.lastStatus)
            json.key("last_error")
            json.value(delivery.lastError)
            json.key("created_at")
            json.time(delivery.createdAt)
            json.key("finished_at")
            json.time(delivery.finishedAt)
        }
    }

    fileprivate mutating func optional(_ number: Int?) {
        if let number { value(number) } else { null() }
    }
}
