import ArgumentParser
import Connections
import Delivery
import HTTPAPI
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOSSL
import OAuth
import Probes
import ServiceLifecycle
import Storage
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the service.",
        discussion: "The first start makes the workspace 'default' and an admin key, and shows how to use it.")

    func run() async throws {
        hardenProcess()
        // Before anybody else reads the environment, which must not change beside its readers.
        PostgresEnvironment.clear()
        let settings = try await Settings.fromProcess().choosingPort()
        let format = settings.logFormat ?? (isatty(STDERR_FILENO) == 1 ? .text : .json)
        let sink = LogSink(format: format, level: settings.logLevel, now: systemTime)
        let logger = Logger(label: "patchbay") { _ in StructuredLogHandler(sink: sink) }
        defer { sink.flush() }
        try await serve(settings, sink: sink, logger: logger)
    }

    private func serve(_ settings: Settings, sink: LogSink, logger: Logger) async throws {
        let instance = try await Instance.open(settings, logger: logger)
        let welcome = try await Welcome.prepare(instance)
        let metrics = Metrics(gauges: instance.gauges)
        let application = try await application(
            instance, metrics: metrics, sink: sink, logger: logger, welcome: welcome)
        let pressure = RequestPressure { metrics.answered }
        let socket = try AdminSocketPath(dataDirectory: settings.dataDirectory)
        var group = ServiceGroupConfiguration(
            services: [
                InstanceService(instance: instance),
                GrantScheduler(services: instance.oauth, refresher: instance.refresher, pressure: pressure),
                instance.dispatcher,
                instance.retention(logger: logger),
                instance.sweeper(pressure: pressure, logger: logger),
                instance.expiryWatcher(logger: logger),
                AdminServer(handler: AdminHandler(instance: instance), socket: socket, logger: logger),
                application,
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(10)
        try await run(group, settings: settings)
        logger.notice("stopped")
    }

    private func application(
        _ instance: Instance, metrics: Metrics, sink: LogSink, logger: Logger, welcome: Welcome
    ) async throws -> some ApplicationProtocol {
        let settings = instance.settings
        let users = try await UserTokenVerifier(instance, logger: logger)
        let api = API(
            connections: instance.connections, credentials: instance.credentials, apiKeys: instance.apiKeys,
            workspaces: instance.workspaces, catalog: instance.catalog, integrations: instance.integrations,
            ambient: instance.ambient,
            keys: instance.authenticator, users: users, trustedProxies: settings.trustedProxies,
            health: HealthChecks(instance), oauth: OAuthRoom(instance),
            checks: ChecksRoom(
                tester: instance.tester, timeline: TimelineService(store: instance.store), quota: TestQuota(),
                expirations: ExpirationService(store: instance.store)),
            events: EventsRoom(events: instance.events, webhooks: instance.webhooks))
        return Application(
            responder: api.responder(metrics: metrics, log: sink.write), server: try server(settings),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), backlog: 1_024,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.maxConnections)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? settings.port
                logger.notice(
                    "listening",
                    metadata: [
                        "server.host": "\(settings.host)", "server.port": "\(port)",
                        "server.tls": "\(settings.tls != nil)", "store.path": "\(settings.databasePath)",
                    ])
                welcome.show(port: port, logger: logger)
            },
            logger: logger)
    }

    /// Runs the group, and tells a failure to bind as a sentence.
    private func run(_ group: ServiceGroupConfiguration, settings: Settings) async throws {
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error as IOError {
            throw SystemError(listeningOn: settings.host, port: settings.port, error)
        }
    }

    private static let maxConnections = 10_000
    private static let idleTimeout = TimeAmount.seconds(75)

    private func server(_ settings: Settings) throws -> HTTPServerBuilder {
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: [CloseAfterAnswer()], idleTimeout: Self.idleTimeout,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 128))
        guard let tls = settings.tls else { return .http1(configuration: http1) }
        guard let chain = try? NIOSSLCertificate.fromPEMFile(tls.certificate), !chain.isEmpty else {
            throw SystemError(description: "PATCHBAY_TLS_CERT: \(tls.certificate) holds no certificate in PEM")
        }
        guard let key = try? NIOSSLPrivateKey(file: tls.key, format: .pem) else {
            throw SystemError(description: "PATCHBAY_TLS_KEY: \(tls.key) holds no private key in PEM")
        }
        return try .http2Upgrade(
            tlsConfiguration: .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)),
            configuration: .init(streamConfiguration: http1))
    }
}

/// Closes the store after everything else has stopped, and writes down now and then when keys were used.
private struct InstanceService: Service, CustomStringConvertible {
    let instance: Instance

    var description: String { "\(instance)" }

    private static let interval = Duration.seconds(30)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.interval)) != nil {
                // A store that cannot take writes now is told of by those who need it to.
                try? await instance.authenticator.flushLastUsed()
            }
        }
        await instance.close()
    }
}

extension HealthChecks {
    fileprivate init(_ instance: Instance) {
        self.init(
            store: { _ = try await instance.store.workspace(slug: Workspace.defaultSlug) },
            vault: { try instance.checkVault() }, isPaused: { instance.pause.isPaused })
    }
}

extension OAuthRoom {
    fileprivate init(_ instance: Instance) {
        self.init(
            services: instance.oauth,
            authorization: AuthorizationService(services: instance.oauth, connections: instance.connections),
            tokens: TokenService(services: instance.oauth, refresher: instance.refresher), store: instance.store,
            publicURL: instance.settings.reachableURL)
    }
}
