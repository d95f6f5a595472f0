package import Connections

/// What the routes of events and of webhooks work with.
package struct EventsRoom: Sendable {
    let events: EventService
    let webhooks: WebhookService
    let streams: StreamPool

    package init(events: EventService, webhooks: WebhookService, streams: StreamPool = StreamPool()) {
        self.events = events
        self.webhooks = webhooks
        self.streams = streams
    }
}
