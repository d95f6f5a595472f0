import ArgumentParser
import Hummingbird
import NIOCore
import ServiceLifecycle
import Simulator
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a hostile OAuth provider on this machine, to test against.",
        discussion: """
            It consents at once and gives tokens by /authorize and /token; /api/me and /userinfo take them, /revoke and /introspect \
            do what they say, and /.well-known/oauth-authorization-server tells all that. Its clients are simulator with the secret \
            simulator-secret, and simulator-public without one. Modes say how it misbehaves: of all by --mode, of some by a path \
            like /m/rotate+jwt/token or by a client id like simulator--rotate+jwt. The same seed and the same requests give the \
            same tokens. /_simulate/stats counts what it saw. It listens on loopback only, and keeps everything in memory.
            """)

    @Option(help: "Where it listens; 0 takes a free port, which is printed.")
    var port = 0

    @Option(help: "What its tokens and its moods are made from.")
    var seed: UInt64 = 1

    @Option(help: "Modes joined by +, as in rotate_grace+lost_answer_once. Default: honest.")
    var mode: Modes?

    @Option(help: "How long the token endpoint takes in the mode slow_60.")
    var slowSeconds = 60.0

    @Option(help: "How long access tokens live.")
    var accessTokenSeconds = 3_600

    @Flag(help: "Ask by a page with two links instead of consenting at once.")
    var consent = false

    @Flag(help: "List the modes.")
    var list = false

    /// A list of modes as an argument.
    struct Modes: ExpressibleByArgument, Sendable {
        let modes: [SimulatorMode]

        init?(argument: String) {
            guard let modes = SimulatorMode.list(argument) else { return nil }
            self.modes = modes
        }
    }

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port is from 0 to 65535") }
        guard slowSeconds >= 0, accessTokenSeconds >= 0 else { throw ValidationError("seconds are not negative") }
    }

    /// An endless answer would hold up the end for as long as somebody reads it.
    private static let patience = Duration.milliseconds(500)

    func run() async throws {
        if list {
            return print(Table(["MODE", ""], SimulatorMode.allCases.map { [$0.rawValue, $0.summary] }).text)
        }
        var options = SimulatorOptions()
        options.port = port
        options.seed = seed
        options.modes = mode?.modes ?? [.honest]
        options.slowSeconds = slowSeconds
        options.accessTokenSeconds = accessTokenSeconds
        options.consentPage = consent
        let modes = options.modes.map(\.rawValue).joined(separator: "+")
        let simulator = makeSimulator(options, logger: .silent) { port in
            print("Simulated provider at http://127.0.0.1:\(port) (seed \(seed), mode \(modes))")
            // Whoever waits for the line may read it through a pipe.
            fflush(nil)
        }
        var group = ServiceGroupConfiguration(
            services: [simulator], gracefulShutdownSignals: [.sigterm, .sigint], logger: .silent)
        group.maximumGracefulShutdownDuration = Self.patience
        do {
            try await ServiceGroup(configuration: group).run()
        } catch is CancellationError {
            // What was still being answered is cut off.
        } catch let error as IOError {
            throw SystemError(listeningOn: options.host, port: port, error)
        }
    }
}
