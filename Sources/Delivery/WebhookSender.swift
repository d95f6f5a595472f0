package import Connections
package import Egress
import LosslessJSON

/// Sends messages through the one door out.
package struct WebhookSender: WebhookOutlet {
    private let egress: Egress
    private let now: @Sendable () -> Timestamp
    private let timeout: Duration

    /// Nobody reads the body, so little of it is let in.
    static let maxResponseSize = 64 << 10

    /// `timeout` is for a whole exchange, from the name's look-up to the last byte of the answer.
    package init(
        egress: Egress, now: @escaping @Sendable () -> Timestamp, timeout: Duration = .seconds(15)
    ) {
        self.egress = egress
        self.now = now
        self.timeout = timeout
    }

    package func takesPlainHTTP(_ url: String) async -> Bool {
        await egress.takesPlainHTTP(url, purpose: .webhook)
    }

    package func send(_ message: WebhookMessage) async -> WebhookReceipt {
        let begin = ContinuousClock.now
        do {
            let response = try await egress.send(request(message))
            return receipt(response, milliseconds: Self.milliseconds(since: begin))
        } catch {
            return Self.receipt(
                error as? EgressError ?? .protocolError, milliseconds: Self.milliseconds(since: begin))
        }
    }

    private func request(_ message: WebhookMessage) -> EgressRequest {
        let id = message.id.description
        let time = now().microseconds / 1_000_000
        return EgressRequest(
            purpose: .webhook, method: "POST", url: message.url,
            headers: [
                (name: "Content-Type", value: "application/json"),
                (name: "webhook-id", value: id),
                (name: "webhook-timestamp", value: String(time)),
                (
                    name: "webhook-signature",
                    value: Signature.header(id: id, time: time, payload: message.payload, keys: message.keys)
                ),
            ], body: message.payload.bytes, timeout: timeout, maxResponseSize: Self.maxResponseSize)
    }

    private static func milliseconds(since begin: ContinuousClock.Instant) -> Int {
        Int((ContinuousClock.now - begin) / .milliseconds(1))
    }

    // MARK: What came of it

    private func receipt(_ response: EgressResponse, milliseconds: Int) -> WebhookReceipt {
        let error: String? =
            switch response.status {
            case 200..<300: nil
            case 300..<400: "redirect"
            case 410: "gone"
            default: "http_\(response.status)"
            }
        let retryAfter = [429, 503].contains(response.status) ? response.header("retry-after") : nil
        return WebhookReceipt(
            status: response.status, error: error, milliseconds: milliseconds,
            retryAfter: retryAfter.flatMap { RetryAfter.seconds($0, now: now()) },
            fault: error == nil ? .none : .endpoint)
    }

    private static func receipt(_ error: EgressError, milliseconds: Int) -> WebhookReceipt {
        func failed(_ word: String) -> WebhookReceipt {
            WebhookReceipt(error: word, milliseconds: milliseconds, fault: .endpoint)
        }
        // No time is told where nothing was sent: it would show what lies behind the door.
        return switch error {
        case .destinationRefused: WebhookReceipt(error: "destination_refused", fault: .endpoint)
        case .invalidURL: WebhookReceipt(error: "invalid_url", fault: .endpoint)
        case .circuitOpen: WebhookReceipt(error: "host_failing", fault: .held)
        case .overloaded: WebhookReceipt(error: "host_busy", fault: .busy)
        case .closed: WebhookReceipt(error: "cancelled", fault: .cancelled)
        case .nameNotResolved: failed("name_not_resolved")
        case .connectFailed: failed("connect_failed")
        case .tlsFailed: failed("tls_failed")
        case .timedOut: failed("timed_out")
        case .responseTooLarge: failed("response_too_large")
        case .tooManyRedirects: failed("redirect")
        case .connectionLost: failed("connection_lost")
        case .protocolError: failed("protocol_error")
        }
    }
}
