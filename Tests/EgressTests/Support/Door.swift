import Connections
import Egress
import Logging
import Synchronization
import Testing

/// Time that stands still until a test moves it.
final class ManualClock: Sendable {
    private let time = Mutex(ContinuousClock.now)

    var now: ContinuousClock.Instant { time.withLock { $0 } }

    func advance(by duration: Duration) { time.withLock { $0 += duration } }
}

/// An `Egress` for the time of a test.
enum Door {
    static func open<Result>(
        allowing allowances: [String] = [], forbidding forbidden: [(IPAddress, port: Int?)] = [],
        resolver: any EgressResolver = StubResolver([:] as [String: [String]]),
        proxy: String? = nil, roots: String? = nil, limits: EgressLimits = EgressLimits(),
        clock: ManualClock? = nil, logger: Logger = Logger(label: "egress") { _ in SwiftLogNoOpLogHandler() },
        _ body: (Egress) async throws -> Result
    ) async throws -> Result {
        let policy = EgressPolicy(
            allowances: try allowances.map { try #require(EgressAllowance($0)) }, forbidden: forbidden)
        let egress = try Egress(
            policy: policy, resolver: resolver, proxy: proxy, extraRootsFile: roots, logger: logger, limits: limits,
            now: { clock?.now ?? .now })
        do {
            let result = try await body(egress)
            await egress.close()
            return result
        } catch {
            await egress.close()
            throw error
        }
    }
}

extension Egress {
    /// How a GET ends.
    func outcome(
        of url: String, timeout: Duration = .seconds(30), maxResponseSize: Int = 1 << 20, redirects: Bool = false
    ) async -> Outcome {
        await outcome(
            of: EgressRequest(
                purpose: .probe, url: url, timeout: timeout, maxResponseSize: maxResponseSize,
                followsRedirects: redirects))
    }

    func outcome(of request: EgressRequest) async -> Outcome {
        do {
            return .status(try await send(request).status)
        } catch let error as EgressError {
            return .failed(error)
        } catch {
            return .leaked("\(error)")
        }
    }
}

enum Outcome: Equatable, Sendable {
    case status(Int)
    case failed(EgressError)
    /// Something else than an `EgressError` came out.
    case leaked(String)
}

extension ScriptedServer {
    /// What an operator would write to open this server, and nothing else.
    var allowance: String { "\(host)/32:\(port)" }
}
