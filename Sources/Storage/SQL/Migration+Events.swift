import Connections

extension Migration {
    /// Webhooks, and what became of events on their way to them.
    static let events = Migration(version: 4, name: "events") { d in
        [
            """
            CREATE TABLE webhook (
                workspace_id \(d.id) NOT NULL REFERENCES workspace (id),
                id \(d.id) NOT NULL,
                url \(d.text) NOT NULL,
                label \(d.text),
                events \(d.text) NOT NULL,
                status \(d.text) NOT NULL CHECK (status IN (\(words(Availability.self)))),
                disabled_reason \(d.text),
                disabled_at \(d.int64),
                secret \(d.blob) NOT NULL,
                secret_generation \(d.int64) NOT NULL,
                previous_secret \(d.blob),
                previous_secret_expires_at \(d.int64),
                position \(d.int64) NOT NULL,
                epoch \(d.int64) NOT NULL,
                failures \(d.int64) NOT NULL,
                failing_since \(d.int64),
                resume_at \(d.int64),
                created_by \(d.text) NOT NULL,
                created_at \(d.int64) NOT NULL,
                updated_at \(d.int64) NOT NULL,
                revision \(d.int64) NOT NULL CHECK (revision > 0),
                PRIMARY KEY (workspace_id, id)
            )\(d.clusteredTableOptions)
            """,
            // One row for each event that was tried, in the order of events: a delivery adds at the end.
            """
            CREATE TABLE webhook_delivery (
                workspace_id \(d.id) NOT NULL,
                webhook_id \(d.id) NOT NULL,
                event_id \(d.id) NOT NULL,
                kind \(d.text) NOT NULL,
                state \(d.text) NOT NULL CHECK (state IN (\(words(WebhookDelivery.State.self)))),
                attempts \(d.int64) NOT NULL,
                due_at \(d.int64),
                last_status \(d.int64),
                last_error \(d.text),
                created_at \(d.int64) NOT NULL,
                finished_at \(d.int64),
                PRIMARY KEY (workspace_id, webhook_id, event_id),
                FOREIGN KEY (workspace_id, webhook_id) REFERENCES webhook (workspace_id, id) ON DELETE CASCADE
            )\(d.clusteredTableOptions)
            """,
            // What was delivered at once, which is nearly all, stands in neither.
            """
            CREATE INDEX webhook_delivery_due ON webhook_delivery (workspace_id, webhook_id, due_at)
            WHERE due_at IS NOT NULL
            """,
            """
            CREATE INDEX webhook_delivery_undelivered ON webhook_delivery (workspace_id, webhook_id, state, event_id)
            WHERE state <> 'delivered'
            """,
        ]
    }
}
