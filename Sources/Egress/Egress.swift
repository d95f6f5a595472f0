import Connections
package import Logging
import NIOCore

/// The one door out, for every request to a host that a user named.
///
/// A name is resolved, every address is held against the policy, and the connection goes to the very address that passed,
/// with the name kept for TLS and the Host header. A redirect goes through all of it again. It must be closed in the end.
package final class Egress: Sendable {
    let policy: EgressPolicy
    let limits: EgressLimits
    let destinations: Destinations
    /// `nil` behind a proxy, where there is nothing to see but the proxy.
    let inspector: Inspector?
    private let clients: ClientPool
    /// As it was given, for clients that are not of this door but told where to go by it.
    package let extraRootsFile: String?
    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant

    static let maxTimeout: Duration = .seconds(3_600)

    /// `proxy` is `http://[user:password@]host[:port]`; `extraRootsFile` holds PEM certificates that are trusted besides the
    /// system's. The door closes `resolver` with itself. `now` moves circuits and remembered addresses; deadlines are those
    /// of the real clock. Throws `EgressConfigurationError`.
    package init(
        policy: EgressPolicy, resolver: any EgressResolver, proxy: String?, extraRootsFile: String?, logger: Logger,
        limits: EgressLimits = EgressLimits(),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) throws {
        let factory = try ClientFactory(proxy: proxy, extraRootsFile: extraRootsFile, limits: limits)
        self.policy = policy
        self.extraRootsFile = extraRootsFile
        self.limits = limits
        self.logger = logger
        self.now = now
        destinations = Destinations(limits: limits, resolver: resolver, now: now)
        clients = ClientPool(capacity: limits.clients, factory: factory)
        inspector = proxy == nil ? Inspector(tls: factory.tls, limits: limits) : nil
    }

    /// Throws nothing but `EgressError`. A request that may have been sent is never sent again.
    package func send(_ request: EgressRequest) async throws -> EgressResponse {
        do {
            return try await follow(Hop(request), request)
        } catch {
            logger.debug(
                "outbound request failed",
                metadata: ["egress.purpose": "\(request.purpose)", "egress.error": "\(error)"])
            throw error
        }
    }

    /// Ends what is under way with `closed`.
    package func close() async {
        destinations.close()
        clients.close()
    }

    private func follow(_ first: Hop, _ request: EgressRequest) async throws(EgressError) -> EgressResponse {
        let deadline = NIODeadline.now() + TimeAmount(min(request.timeout, Self.maxTimeout))
        var hop = first
        for _ in 0...limits.maxRedirects {
            let response = try await exchange(hop, until: deadline)
            guard request.followsRedirects, let next = try hop.redirected(by: response) else { return response }
            hop = next
        }
        throw .tooManyRedirects
    }

    /// One request and its response, in its turn and if the host is not left alone.
    private func exchange(_ hop: Hop, until deadline: NIODeadline) async throws(EgressError) -> EgressResponse {
        let destination = destinations[hop.target]
        try await destination.gate.enter(until: deadline)
        defer { destination.gate.leave() }
        let admission = try destination.admit(at: now())
        do throws(ExchangeFailure) {
            let addresses = try await permittedAddresses(of: hop, at: destination, until: deadline)
            let response = try await send(hop, to: addresses, until: deadline)
            destination.settle(admission, .reached, at: now())
            return response
        } catch {
            if destination.settle(admission, error.evidence, at: now()) {
                logger.debug("outbound circuit opened", metadata: ["egress.purpose": "\(hop.purpose)"])
            }
            throw error.error
        }
    }

    private func permittedAddresses(
        of hop: Hop, at destination: Destination, until deadline: NIODeadline
    ) async throws(ExchangeFailure) -> [IPAddress] {
        let target = hop.target
        return try await permittedAddresses(of: target, at: destination, until: deadline) { address in
            isPermitted(address, of: target, purpose: hop.purpose)
        }
    }

    func isPermitted(_ address: IPAddress, of target: Target, purpose: EgressPurpose) -> Bool {
        policy.permits(address, port: target.port, purpose: purpose)
            && (target.isTLS || !policy.requiresTLS(address, port: target.port, purpose: purpose))
    }

    /// Never empty.
    func permittedAddresses(
        of target: Target, at destination: Destination, until deadline: NIODeadline,
        where isPermitted: (IPAddress) -> Bool
    ) async throws(ExchangeFailure) -> [IPAddress] {
        let addresses: [IPAddress]
        if let address = target.address {
            addresses = target.isIPv4Mapped ? [] : [address]
        } else {
            do {
                addresses = try await destination.answers.addresses(until: deadline)
            } catch {
                let isUnresolved = error == .nameNotResolved || error == .timedOut
                throw ExchangeFailure(error, isUnresolved ? .unreachable : .none)
            }
        }
        let permitted = addresses.filter(isPermitted)
        guard !permitted.isEmpty else { throw ExchangeFailure(.destinationRefused, .none) }
        return permitted
    }

    /// Tries one address after the other until a connection stands.
    private func send(
        _ hop: Hop, to addresses: [IPAddress], until deadline: NIODeadline
    ) async throws(ExchangeFailure) -> EgressResponse {
        var untried = addresses.prefix(limits.addressesTried)
        var mayRepeat = true
        while let address = untried.popFirst() {
            do {
                return try await send(hop, to: address, until: deadline)
            } catch {
                guard error.mayTryAgain else { throw error }
                if error.wasStale, mayRepeat {
                    mayRepeat = false
                    untried.insert(address, at: untried.startIndex)
                }
                if untried.isEmpty { throw error }
            }
        }
        throw ExchangeFailure(.connectFailed, .none)
    }

    private func send(
        _ hop: Hop, to address: IPAddress, until deadline: NIODeadline
    ) async throws(ExchangeFailure) -> EgressResponse {
        let outcome = await clients.withClient(for: ClientPool.Key(hop, at: address)) { client in
            await Exchange.run(hop, on: client, until: deadline)
        }
        return try (outcome ?? .failure(ExchangeFailure(.closed, .none))).get()
    }
}
