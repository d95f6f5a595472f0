package import Connections
import Egress
import Logging
import LosslessJSON
import Synchronization

/// Keeps grants alive. A refresh token is presented only after it was written down that it will be, and what the provider
/// answers is kept before anybody reads it; so a crash at any step leaves what the next start needs.
package final class Refresher: Sendable {
    package enum Result: Sendable {
        /// New tokens, or somebody else got them first.
        case fresh(expiresAt: Timestamp?)
        case failed(GrantProblem)
    }

    let store: any Store
    let vault: any SecretVault
    let reader: GrantReader
    let endpoint: TokenEndpoint
    let discovery: Discovery
    let ambient: Ambient
    let logger: Logger
    let pause: InstancePause
    /// Names this process in leases.
    let owner: String
    private let flights = Mutex<[GrantKey: Task<Result, Never>]>([:])
    let circuit = AppCircuit()
    package let meter = RefreshMeter()

    /// Outlives a token request and its repetition with the app's previous secret.
    static let lease: Int64 = 300
    static let burst = "invalid_grant_burst"
    /// An access token that ends sooner than this is not handed out.
    static let leeway: Int64 = 10

    package init(services: OAuthServices) {
        store = services.store
        vault = services.vault
        reader = services.reader
        endpoint = services.endpoint
        discovery = services.discovery
        ambient = services.ambient
        logger = services.logger
        pause = services.pause
        owner = ambient.id(EventID.self).description
    }

    /// One flight per credential: who comes while it is under way waits for it. A caller that goes away does not end it, since
    /// a refresh token may be spent by then.
    package func refresh(_ key: GrantKey, via: ConnectionID?, isForced: Bool, cause: Cause) async -> Result {
        await start(key, via: via, isForced: isForced, cause: cause).value
    }

    func start(_ key: GrantKey, via: ConnectionID?, isForced: Bool, cause: Cause) -> Task<Result, Never> {
        flights.withLock { flights in
            if let running = flights[key] { return running }
            let task = Task {
                let result = await self.attempt(key, via: via, isForced: isForced, cause: cause)
                self.meter.count(result)
                self.flights.withLock { $0[key] = nil }
                return result
            }
            flights[key] = task
            return task
        }
    }

    /// What is under way.
    var running: Set<GrantKey> { flights.withLock { Set($0.keys) } }

    var isIdle: Bool { flights.withLock { $0.isEmpty } }

    /// Waits for what is under way.
    package func drain() async {
        for flight in flights.withLock({ Array($0.values) }) { _ = await flight.value }
    }

    // MARK: One refresh

    /// What was written down before asking the provider.
    struct Work: Sendable {
        let key: GrantKey
        let method: OAuthMethod
        let config: JSONObject
        let data: JSONObject
        let recordKey: Secret
        let client: OAuthClient?
        let appID: OAuthAppID?
        let endpoints: Endpoints
        let fence: Int64
        let isSecondTry: Bool
        /// Of the sealed data that `data` was opened from.
        let generation: Int64
        let isAppFailing: Bool
        /// The app is in trouble for many refused grants at once already.
        let isAppInBurst: Bool
        let cause: Cause
    }

    enum Claim {
        case ask(Work)
        /// A crash came between the answer and its reading.
        case read(Work, RawAnswer)
        case discover(issuer: String)
        case done(Result)
    }

    private func attempt(_ key: GrantKey, via: ConnectionID?, isForced: Bool, cause: Cause) async -> Result {
        do {
            let work: Work
            let raw: RawAnswer
            switch try await claim(key, via: via, isForced: isForced, cause: cause) {
            case .done(let result): return result
            case .discover: throw GrantProblem(.providerUnavailable, "discovery_failed")
            case .read(let kept, let answer): (work, raw) = (kept, answer)
            case .ask(let claimed):
                work = claimed
                do {
                    raw = try await ask(claimed)
                } catch let error as EgressError {
                    return try await recordSilence(error, of: claimed)
                }
                guard try await keep(raw, of: claimed) else { return .fresh(expiresAt: nil) }
            }
            return try await conclude(raw, of: work)
        } catch let problem as GrantProblem {
            await postpone(key, problem)
            return .failed(problem)
        } catch let error as DomainError {
            let problem = GrantProblem(error)
            await postpone(key, problem)
            return .failed(problem)
        } catch {
            logger.warning(
                "refresh stopped", metadata: ["credential.id": "\(key.credentialID)", "error.reason": "\(error)"])
            let problem =
                error is VaultError
                ? GrantProblem(.unreadable)
                : GrantProblem(.providerUnavailable, error is EgressError ? "discovery_failed" : "store_unavailable")
            await postpone(key, problem)
            return .failed(problem)
        }
    }
    // MARK: Asking

    private func ask(_ work: Work) async throws -> RawAnswer {
        let request = try await TokenRequestBuilder(now: ambient.now(), id: ambient.id(EventID.self).description)
            .request(for: work)
        return try await endpoint.send(request, as: work.client, method: work.method)
    }

    /// Before anybody reads it. Returns whether this flight is still the newest. The old token is spent by now, so a store that
    /// does not take it is asked again and again.
    private func keep(_ raw: RawAnswer, of work: Work) async throws -> Bool {
        guard work.method.grant == .authorizationCode else { return true }
        let answer = try vault.seal(
            answer: raw.bytes, of: work.key, recordKey: work.recordKey, fence: work.fence)
        // Ten minutes in the end: nobody else asks meanwhile, and a store that is full for longer needs its operator.
        var pauses = ([50, 200, 500, 1_000, 2_000, 4_000, 8_000] + Array(repeating: 15_000, count: 40))[...]
        while true {
            do {
                return try await store.write { tx in
                    try tx.keep(
                        answer: answer, of: work.key.credentialID, in: work.key.workspaceID, fence: work.fence)
                }
            } catch let error as StoreError {
                guard let pause = pauses.popFirst() else { throw error }
                try await Task.sleep(for: .milliseconds(pause))
            }
        }
    }

    /// The provider gave no answer. Where the request surely never left, nothing is spent.
    private func recordSilence(_ error: EgressError, of work: Work) async throws -> Result {
        let wasSent = error.mayHaveBeenSent
        return try await store.write { tx in
            guard var grant = try tx.grant(of: work.key.credentialID, in: work.key.workspaceID),
                grant.fence == work.fence
            else { return .fresh(expiresAt: nil) }
            let now = self.ambient.now()
            if wasSent, !grant.kind.isSelfIssued {
                grant.leaveInDoubt(error.description, at: now, jitter: self.ambient.jitter())
            } else {
                if !work.isSecondTry { grant.intent = nil }
                grant.postpone(error.description, at: now, jitter: self.ambient.jitter())
            }
            try self.record(grant, failure: error.description, httpStatus: nil, of: work, tx: tx)
            return .failed(GrantProblem(wasSent ? .outcomeUnknown : .providerUnavailable, error.description))
        }
    }
}
