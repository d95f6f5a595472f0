import Hummingbird
import Synchronization
import TestSupport
import Testing

/// A token endpoint whose every answer a test gives, after it has seen the request.
final class ScriptedProvider: Sendable {
    let requests: AsyncStream<Request>
    private let arrivals: AsyncStream<Request>.Continuation

    /// One request that waits for its answer.
    struct Request: Sendable {
        let form: String
        fileprivate let answers: AsyncStream<String>.Continuation

        func answer(_ json: String) {
            answers.yield(json)
            answers.finish()
        }
    }

    private init() { (requests, arrivals) = AsyncStream.makeStream() }

    static func run(_ body: @Sendable (ScriptedProvider, Room) async throws -> Void) async throws {
        let provider = ScriptedProvider()
        let (ports, started) = AsyncStream.makeStream(of: Int.self)
        let router = Router()
        router.post("token") { request, _ in
            let bytes = try await request.body.collect(upTo: 1 << 16)
            let (waiting, answers) = AsyncStream.makeStream(of: String.self)
            provider.arrivals.yield(Request(form: String(buffer: bytes), answers: answers))
            return await waiting.first { _ in true } ?? "{}"
        }
        let server = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { started.yield($0.localAddress?.port ?? 0) }, logger: Room.logger)
        try await Room.withServer(server, ports: ports, started: started) { port in
            try await Room.run(origin: "http://127.0.0.1:\(port)", clock: TestClock()) { room in
                try await body(provider, room)
            }
        }
    }

    func next() async throws -> Request { try #require(await requests.first { _ in true }) }
}
