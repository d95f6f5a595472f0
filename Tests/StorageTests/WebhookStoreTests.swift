import Connections
import LosslessJSON
import Storage
import Testing

/// Webhooks, and what became of events on their way.
@Suite struct WebhookStoreTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `a webhook comes back as it was written and changed`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            var webhook = StoreFixture.webhook(1, in: fixture.a)
            let inserted = webhook
            try await fixture.store.write { try $0.insert(inserted) }
            webhook.url = "https://other.test/"
            webhook.label = nil
            webhook.filter = EventFilter(stored: ["connection.*", "app.failing"])
            webhook.disable(reason: "gone", at: .t0.advanced(bySeconds: 5))
            webhook.previousSecret = SealedSigningSecret(bytes: [1, 2], generation: 1)
            webhook.previousSecretExpiresAt = .t0.advanced(bySeconds: 60)
            webhook.secret = SealedSigningSecret(bytes: [3], generation: 2)
            webhook.progress = WebhookProgress(
                position: 7, epoch: 2, failures: 3, failingSince: .t0, resumeAt: .t0.advanced(bySeconds: 9))
            let updated = webhook
            try await fixture.store.write { try $0.update(updated) }
            let found = try #require(await fixture.store.webhook(webhook.id, in: fixture.a))
            #expect(found.url == "https://other.test/")
            #expect(found.label == nil)
            #expect(found.filter == webhook.filter)
            #expect(found.status == .inactive)
            #expect(found.disablement == Webhook.Disablement(reason: "gone", at: .t0.advanced(bySeconds: 5)))
            #expect(found.secret == webhook.secret)
            #expect(found.previousSecret == webhook.previousSecret)
            #expect(found.previousSecretExpiresAt == webhook.previousSecretExpiresAt)
            #expect(found.progress == webhook.progress)
            #expect(found.revision == 2)
            #expect(try await fixture.store.webhook(webhook.id, in: fixture.b) == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `webhooks are listed and counted by workspace, the active ones over all`(
        _ kind: StoreUnderTest
    ) async throws {
        try await kind.run { fixture in
            try await fixture.store.write { tx in
                for number in 1...3 { try tx.insert(StoreFixture.webhook(UInt64(number), in: fixture.a)) }
                var other = StoreFixture.webhook(4, in: fixture.b)
                other.disable(reason: "gone", at: .t0)
                try tx.insert(other)
                try tx.insert(StoreFixture.webhook(5, in: fixture.b))
            }
            let page = try await fixture.store.webhooks(in: fixture.a, page: PageRequest(limit: 2))
            #expect(page.items.map(\.id) == [3, 2].map(StoreFixture.webhookID))
            #expect(page.total == 3)
            let active = try await fixture.store.activeWebhooks()
            #expect(Set(active.map(\.id)) == Set([1, 2, 3, 5].map(StoreFixture.webhookID)))
            #expect(try await fixture.store.allWebhookKeys().count == 5)
            #expect(try await fixture.store.write { try $0.countWebhooks(in: fixture.a) } == 3)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `progress is written only by who knows the newest epoch`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            var webhook = StoreFixture.webhook(1, in: fixture.a, position: 10)
            let inserted = webhook
            try await fixture.store.write { try $0.insert(inserted) }
            var progress = webhook.progress
            progress.position = 20
            progress.failures = 1
            progress.failingSince = .t0
            let known = progress
            #expect(try await fixture.store.write { try $0.advance(inserted.key, to: known) })
            webhook.progress = known
            webhook.progress.rewind(to: 5)
            let rewound = webhook
            try await fixture.store.write { try $0.update(rewound) }
            // Whoever delivered meanwhile does not undo it.
            #expect(try await fixture.store.write { try !$0.advance(inserted.key, to: known) })
            let found = try #require(await fixture.store.webhook(webhook.id, in: fixture.a))
            #expect(found.progress == WebhookProgress(position: 5, epoch: 1, failures: 1, failingSince: .t0))
            #expect(found.revision == 1)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a delivery is one row however often it is tried`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let webhook = StoreFixture.webhook(1, in: fixture.a)
            let first = StoreFixture.delivery(1, to: webhook, state: .pending, dueIn: 30)
            try await fixture.store.write { tx in
                try tx.insert(webhook)
                try tx.put(first)
            }
            let second = WebhookDelivery(
                webhook: webhook.key, eventID: first.eventID, kind: first.kind, state: .delivered, attempts: 3,
                lastStatus: 204, createdAt: .t0.advanced(bySeconds: 99), finishedAt: .t0.advanced(bySeconds: 99))
            try await fixture.store.write { try $0.put(second) }
            let found = try await fixture.store.write { try $0.delivery(of: first.eventID, to: webhook.key) }
            #expect(found?.state == .delivered)
            #expect(found?.attempts == 3)
            #expect(found?.dueAt == nil)
            #expect(found?.lastStatus == 204)
            #expect(found?.lastError == nil)
            #expect(found?.createdAt == .t0)
            #expect(found?.finishedAt == second.finishedAt)
            let other = WebhookKey(workspaceID: fixture.b, webhookID: webhook.id)
            #expect(try await fixture.store.write { try $0.delivery(of: first.eventID, to: other) } == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `deliveries are listed newest first and by state`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let webhook = StoreFixture.webhook(1, in: fixture.a)
            let states: [WebhookDelivery.State] = [.delivered, .pending, .dead, .delivered, .dead]
            try await fixture.store.write { tx in
                try tx.insert(webhook)
                try tx.insert(StoreFixture.webhook(2, in: fixture.a))
                for (number, state) in states.enumerated() {
                    try tx.put(StoreFixture.delivery(UInt64(number), to: webhook, state: state))
                }
            }
            var query = DeliveryQuery(webhook: webhook.key, page: PageRequest(limit: 2))
            func page() async throws -> ([EventID], Int, EventID?) {
                let page = try await fixture.store.deliveries(query)
                return (page.items.map(\.eventID), page.total, page.next)
            }
            #expect(try await page() == ([4, 3].map(StoreFixture.eventID), 5, StoreFixture.eventID(3)))
            query.page = PageRequest(limit: 3, after: StoreFixture.eventID(3))
            #expect(try await page() == ([2, 1, 0].map(StoreFixture.eventID), 5, nil))
            query.page = PageRequest(limit: 9)
            query.state = .dead
            #expect(try await page() == ([4, 2].map(StoreFixture.eventID), 2, nil))
            query.state = .pending
            #expect(try await page() == ([1].map(StoreFixture.eventID), 1, nil))
            query.state = .delivered
            #expect(try await page() == ([3, 0].map(StoreFixture.eventID), 2, nil))
            let other = DeliveryQuery(
                webhook: WebhookKey(workspaceID: fixture.a, webhookID: StoreFixture.webhookID(2)),
                page: PageRequest(limit: 9))
            #expect(try await fixture.store.deliveries(other).items.isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is due is found with its event, oldest first`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let webhook = StoreFixture.webhook(1, in: fixture.a)
            try await fixture.append(1, .connectionUpdated, in: fixture.a)
            try await fixture.append(3, .connectionUpdated, in: fixture.b)
            try await fixture.store.write { tx in
                try tx.insert(webhook)
                try tx.put(StoreFixture.delivery(1, to: webhook, state: .pending, dueIn: 20))
                try tx.put(StoreFixture.delivery(2, to: webhook, state: .pending, dueIn: 10))
                // Another workspace's event is not there for this one.
                try tx.put(StoreFixture.delivery(3, to: webhook, state: .pending, dueIn: 30))
                try tx.put(StoreFixture.delivery(4, to: webhook, state: .pending, dueIn: 99))
            }
            let due = try await fixture.store.dueDeliveries(
                of: webhook.key, at: .t0.advanced(bySeconds: 30), limit: 10)
            #expect(due.map(\.delivery.eventID) == [2, 1, 3].map(StoreFixture.eventID))
            #expect(due.map { $0.event?.id } == [nil, StoreFixture.eventID(1), nil])
            let next = try await fixture.store.nextDueDelivery(of: webhook.key)
            #expect(next == .t0.advanced(bySeconds: 10))
            #expect(try await fixture.store.countPendingDeliveries() == 4)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `dead deliveries begin anew`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let webhook = StoreFixture.webhook(1, in: fixture.a)
            let other = StoreFixture.webhook(2, in: fixture.a)
            try await fixture.store.write { tx in
                try tx.insert(webhook)
                try tx.insert(other)
                for number in 1...3 {
                    try tx.put(StoreFixture.delivery(UInt64(number), to: webhook, state: .dead, finishedIn: 1))
                }
                try tx.put(StoreFixture.delivery(4, to: webhook, state: .delivered, finishedIn: 1))
                try tx.put(StoreFixture.delivery(5, to: other, state: .dead, finishedIn: 1))
            }
            let counts = try await fixture.store.write { tx in
                try (0..<3).map { _ in try tx.requeueDead(of: webhook.key, at: .t0, limit: 2) }
            }
            #expect(counts == [2, 1, 0])
            let due = try await fixture.store.dueDeliveries(of: webhook.key, at: .t0, limit: 10)
            #expect(due.map(\.delivery.attempts) == [0, 0, 0])
            #expect(due.allSatisfy { $0.delivery.finishedAt == nil && $0.delivery.state == .pending })
            #expect(try await fixture.store.countPendingDeliveries() == 3)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a webhook and a workspace go with all that is theirs`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let webhooks = [
                StoreFixture.webhook(1, in: fixture.a), StoreFixture.webhook(2, in: fixture.a),
                StoreFixture.webhook(3, in: fixture.b),
            ]
            try await fixture.append(1, .connectionUpdated, in: fixture.a)
            try await fixture.store.write { tx in
                for webhook in webhooks {
                    try tx.insert(webhook)
                    try tx.put(StoreFixture.delivery(1, to: webhook, state: .pending, dueIn: 0))
                }
                try tx.delete(webhook: webhooks[0].id, in: fixture.a)
            }
            #expect(try await fixture.store.countPendingDeliveries() == 2)
            try await fixture.store.write { try $0.delete(workspace: fixture.a) }
            #expect(try await fixture.store.countPendingDeliveries() == 1)
            #expect(try await fixture.store.allWebhookKeys() == [webhooks[2].key])
            #expect(try await fixture.entries().isEmpty)
            // No table holds a word of it.
            let tables = try await fixture.database.read(.scan) { sql in
                try sql.query(SQL("SELECT name FROM sqlite_master WHERE type = 'table'"), []) { row in
                    String(decoding: row.buffer(0), as: UTF8.self)
                }
            }
            for table in tables where !table.hasPrefix("sqlite_") {
                let hasWorkspace = try await fixture.database.read(.scan) { sql in
                    try sql.query(SQL("SELECT name FROM pragma_table_info('\(table)')"), []) { row in
                        String(decoding: row.buffer(0), as: UTF8.self)
                    }
                }.contains("workspace_id")
                guard hasWorkspace else { continue }
                let left = try await fixture.database.read(.scan) { sql in
                    try sql.count(
                        SQL("SELECT COUNT(*) FROM \(table) WHERE workspace_id = ?1"),
                        [.text(fixture.a.description)])
                }
                #expect(left == 0, "\(table)")
            }
        }
    }
}
