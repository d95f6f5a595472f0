import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// Gathers one response up to a limit, and knows how far the exchange came.
final class ResponseCollector: HTTPClientResponseDelegate {
    typealias Response = EgressResponse

    enum Phase { case connecting, sent, answering }

    /// Ends an exchange whose caller has enough.
    struct Enough: Error {}

    private struct State {
        var phase = Phase.connecting
        var head = HTTPResponseHead(version: .http1_1, status: .ok)
        var body = ByteBuffer()
    }

    private let state = Mutex(State())
    private let isHead: Bool
    private let limit: Int
    private let isComplete: (@Sendable ([UInt8]) -> Bool)?

    init(method: HTTPMethod, limit: Int, isComplete: (@Sendable ([UInt8]) -> Bool)? = nil) {
        isHead = method == .HEAD
        self.limit = limit
        self.isComplete = isComplete
    }

    var phase: Phase { state.withLock { $0.phase } }

    /// Whether the head says so.
    var hasNoBody: Bool {
        let head = state.withLock { $0.head }
        return head.status == .noContent || head.status == .notModified
            || head.headers.first(name: "content-length") == "0"
    }

    /// What came so far.
    var response: EgressResponse {
        let (head, body) = state.withLock { ($0.head, $0.body) }
        var headers = head.headers
        if !isHead, ["gzip", "deflate"].contains(headers[canonicalForm: "content-encoding"].first?.lowercased()) {
            // They speak of the body as it was sent.
            headers.remove(name: "content-encoding")
            headers.remove(name: "content-length")
        }
        return EgressResponse(
            status: Int(head.status.code), headers: headers.map { ($0.name, $0.value) },
            body: Array(body.readableBytesView))
    }

    func didSendRequestHead(task: HTTPClient.Task<EgressResponse>, _ head: HTTPRequestHead) {
        state.withLock { $0.phase = .sent }
    }

    func didReceiveHead(task: HTTPClient.Task<EgressResponse>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        state.withLock { state in
            state.phase = .answering
            state.head = head
        }
        let isWithoutBody = isHead || head.status == .notModified
        let announced = isWithoutBody ? nil : head.headers.first(name: "content-length").flatMap { Int($0) }
        return Self.proceed(task, announced.map { $0 <= limit } ?? true)
    }

    func didReceiveBodyPart(task: HTTPClient.Task<EgressResponse>, _ part: ByteBuffer) -> EventLoopFuture<Void> {
        let fits = state.withLock { state in
            guard state.body.readableBytes + part.readableBytes <= limit else { return false }
            if state.body.readableBytes == 0 { state.body = part } else { state.body.writeImmutableBuffer(part) }
            return true
        }
        if fits, let isComplete, isComplete(Array(part.readableBytesView)) {
            return task.eventLoop.makeFailedFuture(Enough())
        }
        return Self.proceed(task, fits)
    }

    func didFinishRequest(task: HTTPClient.Task<EgressResponse>) throws -> EgressResponse { response }

    private static func proceed(_ task: HTTPClient.Task<EgressResponse>, _ fits: Bool) -> EventLoopFuture<Void> {
        fits ? task.eventLoop.makeSucceededVoidFuture() : task.eventLoop.makeFailedFuture(EgressError.responseTooLarge)
    }
}
