import Connections
import Egress
import Logging
import LosslessJSON
import TestSupport
import Testing

@testable import Delivery

/// What a receiver sees, and what is made of how it behaves.
@Suite(.timeLimit(.minutes(1))) struct SenderTests {
    private static let now = Timestamp.t0

    private static func run(
        allowing allowance: String? = nil, timeout: Duration = .seconds(15),
        _ body: (Receiver, WebhookSender) async throws -> Void
    ) async throws {
        let receiver = try await Receiver()
        let text = allowance ?? "webhook=127.0.0.1/32:\(receiver.port)"
        let egress = try Egress(
            policy: EgressPolicy(allowances: [try #require(EgressAllowance(text))], forbidden: []),
            resolver: SystemResolver(), proxy: nil, extraRootsFile: nil,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        do {
            try await body(receiver, WebhookSender(egress: egress, now: { now }, timeout: timeout))
        } catch {
            await egress.close()
            await receiver.stop()
            throw error
        }
        await egress.close()
        await receiver.stop()
    }

    private static func message(to url: String) throws -> WebhookMessage {
        WebhookMessage(
            url: url, id: .numbered(1), payload: .literal(#"{"id":"1"}"#),
            keys: [try #require(SigningKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))])
    }

    @Test func `a message is what Standard Webhooks says`() async throws {
        try await Self.run { receiver, sender in
            let message = try Self.message(to: receiver.url)
            let receipt = await sender.send(message)
            #expect(receipt.isDelivered)
            #expect(receipt.status == 204)
            #expect(receipt.milliseconds != nil)
            let request = try #require(receiver.requests.first)
            #expect(request.start == "POST /hook?team=1 HTTP/1.1")
            #expect(request.body == #"{"id":"1"}"#)
            #expect(request.headers["content-type"] == "application/json")
            #expect(request.headers["webhook-id"] == message.id.description)
            #expect(request.headers["webhook-timestamp"] == "1767225600")
            let signature = Signature.header(
                id: message.id.description, time: 1_767_225_600, payload: message.payload, keys: message.keys)
            #expect(request.headers["webhook-signature"] == signature)
        }
    }

    static let answers: [(answer: Receiver.Answer, receipt: WebhookReceipt)] = [
        (.status(200, body: "thank you"), receipt(200)), (.status(202), receipt(202)),
        (.status(301, [("Location", "/elsewhere")]), receipt(301, "redirect")),
        (.status(302, [("Location", "http://169.254.169.254/")]), receipt(302, "redirect")),
        (.status(400), receipt(400, "http_400")), (.status(404), receipt(404, "http_404")),
        (.status(410), receipt(410, "gone")), (.status(500, body: "no"), receipt(500, "http_500")),
        (.status(429, [("Retry-After", "30")]), receipt(429, "http_429", retryAfter: 30)),
        (.status(503, [("Retry-After", "Thu, 01 Jan 2026 00:01:00 GMT")]), receipt(503, "http_503", retryAfter: 60)),
        // It is for these two only.
        (.status(500, [("Retry-After", "30")]), receipt(500, "http_500")),
        (.reset, receipt(nil, "connection_lost")), (.bytes("SSH-2.0\r\n\r\n"), receipt(nil, "protocol_error")),
        (.status(200, body: String(repeating: "x", count: 70_000)), receipt(nil, "response_too_large")),
    ]

    private static func receipt(_ status: Int?, _ error: String? = nil, retryAfter: Int? = nil) -> WebhookReceipt {
        WebhookReceipt(status: status, error: error, retryAfter: retryAfter, fault: error == nil ? .none : .endpoint)
    }

    @Test(arguments: answers)
    func `an answer is taken as it is`(_ answer: Receiver.Answer, _ expected: WebhookReceipt) async throws {
        try await Self.run { receiver, sender in
            receiver.answer(answer)
            let receipt = await sender.send(try Self.message(to: receiver.url))
            #expect(receipt.status == expected.status)
            #expect(receipt.error == expected.error)
            #expect(receipt.retryAfter == expected.retryAfter)
            #expect(receipt.fault == expected.fault)
            #expect(receipt.milliseconds != nil)
            // No redirect is followed, and nothing is said twice.
            #expect(receiver.requests.count == 1)
        }
    }

    @Test func `who says nothing is not waited for`() async throws {
        try await Self.run(timeout: .milliseconds(200)) { receiver, sender in
            receiver.answer(.silence)
            let receipt = await sender.send(try Self.message(to: receiver.url))
            #expect(receipt.error == "timed_out")
            #expect(receipt.fault == .endpoint)
        }
    }

    @Test func `who is not there refuses the connection`() async throws {
        try await Self.run { receiver, sender in
            await receiver.stop()
            let receipt = await sender.send(try Self.message(to: receiver.url))
            #expect(receipt.error == "connect_failed")
        }
    }

    @Test func `of a destination that is not allowed nothing else is told`() async throws {
        try await Self.run(allowing: "oauth=127.0.0.1/32") { receiver, sender in
            for url in [receiver.url, "http://127.0.0.1:1/", "http://169.254.169.254/latest"] {
                let receipt = await sender.send(try Self.message(to: url))
                #expect(receipt == WebhookReceipt(error: "destination_refused", fault: .endpoint))
            }
            #expect(receiver.requests.isEmpty)
        }
    }

    @Test func `plain http is for what the operator opened`() async throws {
        try await Self.run { receiver, sender in
            let answers = [
                (receiver.url, true), ("http://127.0.0.1:1/", false), ("http://192.0.2.1/", false),
                ("https://192.0.2.1/", true), ("nonsense", false), ("http://no-such-host.invalid/", false),
            ]
            for (url, takes) in answers {
                let answer = await sender.takesPlainHTTP(url)
                #expect(answer == takes, "\(url)")
            }
        }
    }
}
