package import Connections
import Logging
import ServiceLifecycle

/// Does what is due: refreshes ahead of expiry, revocations, and the end of flows that nobody finished. An index finds it, so
/// that grants which are not due cost nothing.
package struct GrantScheduler: Service, CustomStringConvertible {
    private let services: OAuthServices
    private let refresher: Refresher
    private let backlog = RefreshBacklog()
    private let pressure: RequestPressure

    private static let batch = 512
    /// At the longest, while nothing is to do: what was put into the store meanwhile may be due earlier than what was known.
    private static let tick = Duration.seconds(1)
    /// While all of them are under way.
    private static let pause = Duration.milliseconds(10)

    /// - Parameter pressure: of our own API, which a thousand refreshes at once are not to hold up.
    package init(services: OAuthServices, refresher: Refresher, pressure: RequestPressure = .none) {
        self.services = services
        self.refresher = refresher
        self.pressure = pressure
    }

    package var description: String { "GrantScheduler" }

    package func run() async throws {
        // Each in its own time: a provider that never answers a revocation holds up no refresh.
        async let revocations: Void = loop(revocationRound)
        await loop(round)
        await revocations
        // A request that is under way may have spent a token: its answer is worth waiting for.
        await refresher.drain()
    }

    private func loop(_ round: @escaping @Sendable () async -> Bool) async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let isBusy = await round()
                try? await Task.sleep(for: isBusy ? Self.pause : await self.rest())
            }
        }
    }

    /// Until something is due. What is due already and was not done waits for the next tick.
    private func rest() async -> Duration {
        let now = services.ambient.now()
        guard let next = (try? await services.store.nextDue()) ?? nil, next > now else { return Self.tick }
        return min(Self.tick, .microseconds(next.microseconds - now.microseconds))
    }

    /// Revokes what is due, and waits for it. Returns whether there is more to do at once.
    package func revocationRound() async -> Bool {
        guard !services.pause.isPaused else { return false }
        do {
            return try await revokeDue(at: services.ambient.now())
        } catch {
            services.logger.warning("revocation round stopped short", metadata: ["error.reason": "\(error)"])
            return false
        }
    }

    /// Starts what is due and ends old flows. Returns whether there is more to do at once.
    package func round() async -> Bool {
        services.opened.forgetOld(at: services.ambient.now())
        services.apps.forgetOldClients(at: services.ambient.now())
        guard !services.pause.isPaused else { return false }
        do {
            let now = services.ambient.now()
            if refresher.isIdle {
                guard let next = try await services.store.nextDue(), next <= now else { return false }
            }
            let refreshed = try await refreshDue(at: now)
            let expired = backlog.isTimeForFlows(at: now) ? try await endFlows(at: now) : false
            return refreshed || expired
        } catch {
            services.logger.warning("scheduler stopped short", metadata: ["error.reason": "\(error)"])
            return false
        }
    }

    /// Starts what is due and does not wait for it: a provider that takes a minute holds up nobody else's grants.
    private func refreshDue(at now: Timestamp) async throws -> Bool {
        let running = refresher.running
        if let wanted = backlog.refill(running: running, at: now) {
            let due = try await services.store.dueGrants(at: now, except: wanted.except, limit: wanted.count)
            backlog.add(due, except: wanted.except, running: running)
        }
        for key in backlog.take(running: running, besideRequests: pressure.isHigh(at: now)) {
            let id = services.ambient.id(EventID.self).description
            let cause = Cause(principal: .system, requestID: id, at: services.ambient.now())
            _ = refresher.start(key, via: nil, isForced: false, cause: cause)
        }
        return !running.isEmpty || !refresher.isIdle
    }

    private func revokeDue(at now: Timestamp) async throws -> Bool {
        let due = try await services.store.dueRevocations(at: now, limit: 64)
        await withTaskGroup(of: Void.self) { group in
            for revocation in due {
                group.addTask {
                    do {
                        try await services.revoke(revocation)
                    } catch {
                        services.logger.warning(
                            "revocation stopped",
                            metadata: ["revocation.id": "\(revocation.id)", "error.reason": "\(error)"])
                    }
                }
            }
        }
        return due.count == 64
    }

    /// Tokens of a flow that was never confirmed are nobody's: the provider is told.
    private func endFlows(at now: Timestamp) async throws -> Bool {
        try await services.store.write { tx in
            let ended = try tx.deleteFlows(expiredBefore: now, limit: Self.batch)
            // Many providers end every token of a person and a client at once: a reconnection's would take the live one with it.
            for flow in ended where flow.stage == .awaitingConfirmation && flow.request.connectionID == nil {
                try revokeUnconfirmed(flow, at: now, tx: tx)
            }
            return ended.count == Self.batch
        }
    }

    private func revokeUnconfirmed(_ flow: AuthorizationFlow, at now: Timestamp, tx: any StoreTransaction) throws {
        let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: flow.workspaceID)
        guard let data = try? keeper.open(flow.sealed, of: flow.id.description, field: "harvest"),
            let harvest = Harvest(data),
            let app = try services.apps.app(flow.appID, in: flow.workspaceID, tx: tx),
            let method = try? services.apps.oauthMethod(
                flow.request.integration, flow.request.authMethodID, in: flow.workspaceID)
        else { return }
        let endpoints = services.discovery.knownEndpoints(of: method, filledFrom: harvest.config)
        let client = try? services.apps.client(app, method: method, in: flow.workspaceID, at: now, tx: tx)
        guard
            let order = RevocationOrder(
                tokens: harvest.tokens, method: method, endpoints: endpoints, client: client)
        else { return }
        try services.enqueue(
            order, connection: services.ambient.id(), integration: flow.request.integration, in: flow.workspaceID,
            at: now, tx: tx)
    }
}
