import Connections
import LosslessJSON
import Synchronization

/// The other side of webhooks, in memory: it remembers what came and answers as a test wants.
final class Endpoint: WebhookOutlet {
    typealias Answer = @Sendable (WebhookMessage) async -> WebhookReceipt

    private struct State {
        var messages: [WebhookMessage] = []
        var inside = 0
        var mostInside = 0
        var answer: Answer
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>

    init(_ answer: @escaping Answer = { _ in .status(204) }) { state = Mutex(State(answer: answer)) }

    /// From now on this is what it answers.
    func answer(_ answer: @escaping Answer) { state.withLock { $0.answer = answer } }

    func answer(_ receipt: WebhookReceipt) { answer { _ in receipt } }

    var messages: [WebhookMessage] { state.withLock { $0.messages } }
    var ids: [EventID] { messages.map(\.id) }
    var mostAtOnce: Int { state.withLock { $0.mostInside } }

    func forget() { state.withLock { $0.messages = [] } }

    /// Returns once so many messages have come.
    func waitFor(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.messages.count < count { state.watchers.append((count, continuation)) }
                return state.messages.count >= count
            }
            if isThere { continuation.resume() }
        }
    }

    func takesPlainHTTP(_: String) async -> Bool { false }

    func send(_ message: WebhookMessage) async -> WebhookReceipt {
        let (answer, watchers) = state.withLock { state in
            state.messages.append(message)
            state.inside += 1
            state.mostInside = max(state.mostInside, state.inside)
            let ready = state.watchers.filter { $0.count <= state.messages.count }
            state.watchers.removeAll { $0.count <= state.messages.count }
            return (state.answer, ready)
        }
        for watcher in watchers { watcher.continuation.resume() }
        let receipt = await answer(message)
        state.withLock { $0.inside -= 1 }
        return receipt
    }
}

extension WebhookReceipt {
    static func status(_ status: Int, retryAfter: Int? = nil) -> WebhookReceipt {
        let isDelivered = (200..<300).contains(status)
        return WebhookReceipt(
            status: status, error: isDelivered ? nil : "http_\(status)", milliseconds: 1, retryAfter: retryAfter,
            fault: isDelivered ? .none : .endpoint)
    }

    static let unreachable = WebhookReceipt(error: "connect_failed", milliseconds: 1, fault: .endpoint)
    static let held = WebhookReceipt(error: "host_failing", fault: .held)
    static let busy = WebhookReceipt(error: "host_busy", fault: .busy)
    static let cancelled = WebhookReceipt(error: "cancelled", fault: .cancelled)
}

extension WebhookMessage {
    /// A member of the event's data.
    func data(_ name: String) -> String? {
        JSONObject(payload.slice)["data"].flatMap { JSONObject($0.slice)[name] }?.slice.string
    }
}
