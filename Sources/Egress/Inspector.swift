import Connections
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Connects and shakes hands, and nothing more.
final class Inspector: Sendable {
    private let configuration: TLSConfiguration
    private let connectTimeout: TimeAmount
    /// Made once, which takes a while with all the roots of a system.
    private let context = Mutex<NIOSSLContext?>(nil)

    init(tls: TLSConfiguration, limits: EgressLimits) {
        var configuration = tls
        // The name is held against the certificate here, so that a wrong name is told from a wrong issuer.
        configuration.certificateVerification = .noHostnameVerification
        configuration.applicationProtocols = ["http/1.1"]
        self.configuration = configuration
        connectTimeout = TimeAmount(limits.connectTimeout)
    }

    /// Tries one address after the other until a connection stands.
    func look(
        at target: Target, _ addresses: ArraySlice<IPAddress>, until deadline: NIODeadline,
        into inspection: inout EgressInspection
    ) async {
        let start = ContinuousClock.now
        var failure = EgressError.connectFailed
        for address in addresses {
            do {
                let channel = try await connect(to: address, port: target.port, until: deadline)
                inspection.passed(.connect, since: start)
                defer { channel.close(promise: nil) }
                if target.isTLS { await shakeHands(with: target, through: channel, until: deadline, &inspection) }
                return
            } catch {
                failure = error
            }
        }
        inspection.failed(.connect, failure, since: start)
    }

    private func connect(
        to address: IPAddress, port: Int, until deadline: NIODeadline
    ) async throws(EgressError) -> any Channel {
        guard let socket = try? SocketAddress(ipAddress: address.text, port: port) else { throw .connectFailed }
        let connecting = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(max(.nanoseconds(1), min(connectTimeout, deadline - .now()))).connect(to: socket)
        let answer = Deferred<any Channel>()
        connecting.whenComplete { outcome in
            answer.finish(outcome.mapError { $0 is ChannelError ? .timedOut : .connectFailed })
        }
        do {
            return try await answer.value(until: deadline)
        } catch {
            connecting.whenSuccess { $0.close(promise: nil) }
            throw error
        }
    }

    private func shakeHands(
        with target: Target, through channel: any Channel, until deadline: NIODeadline,
        _ inspection: inout EgressInspection
    ) async {
        let start = ContinuousClock.now
        let answer = Deferred<Handshake.Outcome>()
        do {
            let context = try context.withLock { context in
                let made = try context ?? NIOSSLContext(configuration: configuration)
                context = made
                return made
            }
            let added = channel.eventLoop.submit {
                let tls = try NIOSSLClientHandler(
                    context: context, serverHostname: target.address == nil ? target.host : nil)
                try channel.pipeline.syncOperations.addHandlers(
                    tls, Handshake(target: target, tls: tls, answer: answer))
            }
            added.whenFailure { _ in answer.finish(.failure(.tlsFailed)) }
            let outcome = try await answer.value(until: deadline)
            inspection.certificate = outcome.certificate
            if outcome.isComplete, outcome.certificate?.fitsHost == true {
                inspection.passed(.tls, since: start)
            } else {
                inspection.failed(.tls, .tlsFailed, since: start)
            }
        } catch {
            inspection.failed(.tls, error as? EgressError ?? .tlsFailed, since: start)
        }
    }
}
