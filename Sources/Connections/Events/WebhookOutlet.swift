package import LosslessJSON

/// One message to an endpoint, by the Standard Webhooks specification.
package struct WebhookMessage: Sendable {
    package let url: String
    /// The event's, the same with every attempt.
    package let id: EventID
    package let payload: JSONText
    /// One signature for each; during a rotation there are two.
    package let keys: [SigningKey]

    package init(url: String, id: EventID, payload: JSONText, keys: [SigningKey]) {
        self.url = url
        self.id = id
        self.payload = payload
        self.keys = keys
    }
}

/// What became of a message.
package struct WebhookReceipt: Sendable, Equatable {
    /// `nil` where there was no answer.
    package let status: Int?
    /// A word in snake case; `nil` after a 2xx.
    package let error: String?
    /// `nil` where nothing was sent.
    package let milliseconds: Int?
    /// In seconds, as the endpoint asked for it.
    package let retryAfter: Int?
    package let fault: Fault

    package enum Fault: Sendable, Equatable {
        case none
        /// The endpoint did not take it.
        case endpoint
        /// The host failed before and is left alone for now; the message was not tried.
        case held
        /// Too much is under way to the host from here; the message was not tried. The endpoint has no part in it.
        case busy
        /// Sending was ended from here: what became of it is not known.
        case cancelled
    }

    package init(
        status: Int? = nil, error: String? = nil, milliseconds: Int? = nil, retryAfter: Int? = nil, fault: Fault
    ) {
        self.status = status
        self.error = error
        self.milliseconds = milliseconds
        self.retryAfter = retryAfter
        self.fault = fault
    }

    package var isDelivered: Bool { fault == .none }
}

/// The way to webhooks' endpoints.
package protocol WebhookOutlet: Sendable {
    /// Whether plain http may go there, which is where the operator opened it and nowhere else.
    func takesPlainHTTP(_ url: String) async -> Bool
    /// Sends once and follows no redirect. Whatever goes wrong is in the receipt.
    func send(_ message: WebhookMessage) async -> WebhookReceipt
}
