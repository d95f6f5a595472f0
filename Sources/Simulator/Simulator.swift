package import Hummingbird
import HummingbirdCore
package import Logging
import Synchronization

/// A hostile OAuth 2 provider over plain HTTP. `onRunning` is told the port once it listens.
///
/// The mode `endless` keeps a graceful shutdown waiting, so whoever runs it bounds that.
package func makeSimulator(
    _ options: SimulatorOptions, logger: Logger, onRunning: @escaping @Sendable (Int) async -> Void
) -> some ApplicationProtocol {
    Application(
        responder: SimulatorResponder(simulator: Simulator(options)),
        server: .http1(configuration: HTTP1Channel.Configuration(additionalChannelHandlers: [SkewedDate()])),
        configuration: ApplicationConfiguration(address: .hostname(options.host, port: options.port), backlog: 1_024),
        onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? options.port) },
        logger: logger)
}

/// What the endpoints share.
final class Simulator: Sendable {
    let options: SimulatorOptions
    let signer: Signer
    private let provider: Mutex<Provider>
    private let advance = Atomic<Int64>(0)

    init(_ options: SimulatorOptions) {
        self.options = options
        signer = Signer(seed: options.seed)
        provider = Mutex(Provider(options))
    }

    func withProvider<Result: Sendable, Failure>(
        _ body: (inout Provider) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try provider.withLock { provider throws(Failure) in try body(&provider) }
    }

    // MARK: Time

    var now: Instant { Instant(milliseconds: options.now() + advance.load(ordering: .relaxed)) }

    /// Moves the provider's clock on: a grace or a lifetime passes without anybody waiting.
    func advanceClock(seconds: Int) {
        advance.wrappingAdd(Int64(seconds) * 1_000, ordering: .relaxed)
    }

    /// An instant as the provider tells it.
    func told(_ instant: Instant, under behaviour: Behaviour) -> Instant {
        behaviour.skewsClock ? instant.advanced(bySeconds: options.skewSeconds) : instant
    }

    // MARK: Routes

    func reply(to call: Call) -> Reply {
        switch call.target.endpoint {
        case .authorize: authorize(call)
        case .token: token(call)
        case .revoke: revoke(call)
        case .introspect: introspect(call)
        case .userInfo: userInfo(call)
        case .me: me(call)
        case .serverMetadata, .openIDConfiguration: metadata(call)
        case .keys: keys()
        case .stats: stats()
        case .mode: setMode(call)
        case .clients: setClient(call)
        case .clock: setClock(call)
        case .grants: makeGrants(call)
        case .family: showFamily(call)
        case .expire: expire(call)
        case .kill: kill(call)
        }
    }

    // MARK: Behaviour

    func behaviour(_ call: Call, client: String?) -> Behaviour {
        Behaviour(withProvider { $0.modes(path: call.target.modes, client: client) })
    }

    /// Answers behind the scenes, where an outage comes before everything.
    func answer(under behaviour: Behaviour, at now: Instant, _ body: () -> Reply) -> Reply {
        var reply = behaviour.outage.map(self.reply) ?? body()
        reply.delivery = behaviour.delivery
        if behaviour.skewsClock { reply.headers[.simulatedDate] = told(now, under: behaviour).httpDate }
        return reply
    }

    func reply(_ outage: Behaviour.Outage) -> Reply {
        switch outage {
        case .html:
            return .html(title: "Scheduled maintenance", body: "<p>We will be back soon.</p>")
        case .redirect:
            return .redirect(to: "http://169.254.169.254/latest/meta-data/")
        case .unavailable, .rateLimited:
            return Reply(
                status: outage == .unavailable ? .serviceUnavailable : .tooManyRequests,
                headers: [.contentType: "text/plain", .retryAfter: String(options.retryAfterSeconds)],
                body: Array("Try again later\n".utf8))
        }
    }
}
