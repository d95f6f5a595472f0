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
    private let owner: String
    private let flights = Mutex<[GrantKey: Task<Result, Never>]>([:])
    private let circuit = AppCircuit()

    /// Outlives a token request and its repetition with the app's previous secret.
    private static let lease: Int64 = 300
    private static let burst = "invalid_grant_burst"
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
                self.flights.withLock { $0[key] = nil }
                return result
            }
            flights[key] = task
            return task
        }
    }

    /// What is under way.
    var running: Set<GrantKey> { flights.withLock { Set($0.keys) } }

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
        /// The app is in trouble for many refused grants at once already.
        let isAppInBurst: Bool
        let cause: Cause
    }

    private enum Claim {
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

    // MARK: Before

    private func claim(_ key: GrantKey, via: ConnectionID?, isForced: Bool, cause: Cause) async throws -> Claim {
        if pause.isPaused { return .done(.failed(GrantProblem(.paused))) }
        let first = try await store.write { tx in
            try self.claim(key, via: via, isForced: isForced, cause: cause, tx: tx)
        }
        guard case .discover(let issuer) = first else { return first }
        _ = try await discovery.endpoints(of: issuer)
        return try await store.write { tx in
            try self.claim(key, via: via, isForced: isForced, cause: cause, tx: tx)
        }
    }

    private func claim(
        _ key: GrantKey, via: ConnectionID?, isForced: Bool, cause: Cause, tx: any StoreTransaction
    ) throws -> Claim {
        let now = ambient.now()
        var situation = try reader.situation(key, via: via, tx: tx)
        let grant = situation.grant
        switch grant.state {
        case .dead: throw GrantProblem(.needsReauthorization, grant.lastFailure)
        case .suspended: throw GrantProblem(.suspended)
        case .held where !isForced: throw GrantProblem(.held)
        case .held, .live, .inDoubt: break
        }
        if let lease = grant.lease, lease.owner != owner, lease.until > now, !pause.isStoreExclusive {
            throw GrantProblem(.providerUnavailable, "refreshed_elsewhere")
        }
        let issuer = situation.method.issuer(filledFrom: situation.config)
        let discovered = issuer.flatMap { discovery.cached($0) }
        if let issuer, discovered == nil, situation.method.tokenURL == nil { return .discover(issuer: issuer) }
        let endpoints = situation.method.endpoints(filledFrom: situation.config, discovered: discovered)

        if let answer = grant.answer, let raw = try open(answer, situation, tx: tx) {
            situation.grant.lease = Grant.Lease(owner: owner, until: now.advanced(bySeconds: Self.lease))
            try tx.put(situation.grant)
            return .read(work(situation, endpoints, isSecondTry: false, cause: cause), raw)
        }
        guard isForced || grant.needsRefresh(at: now) else { return .done(.fresh(expiresAt: grant.accessExpiresAt)) }
        // Whoever asks while a grant is in doubt waits for its time: the old token is not presented once for each of them.
        if grant.state == .inDoubt, let due = grant.dueAt, due > now {
            throw GrantProblem(.outcomeUnknown, grant.lastFailure)
        }
        guard grant.isRefreshable else {
            return .done(try recordEnd(of: situation, at: now, cause: cause, tx: tx))
        }
        if grant.kind == .authorizationCode {
            guard let app = situation.app else { throw GrantProblem(.appMissing) }
            guard grant.clientID == nil || grant.clientID == app.clientID else {
                // No provider said so: it mends itself when the client's id is put back.
                throw GrantProblem(.appMissing, "client_changed")
            }
            guard isForced || circuit.admits(app, in: grant.workspaceID, at: now) else {
                throw GrantProblem(.appFailing, app.failure?.reason)
            }
        }
        guard !grant.kind.isSelfIssued else {
            try tx.put(situation.grant)
            return .ask(work(situation, endpoints, isSecondTry: false, cause: cause))
        }
        guard endpoints.refresh != nil else { throw GrantProblem(.providerUnavailable, "token_url_missing") }
        return try writeIntent(situation, endpoints, at: now, cause: cause, tx: tx)
    }

    /// Proves that the store takes writes, and leaves word of what is about to happen.
    private func writeIntent(
        _ situation: GrantSituation, _ endpoints: Endpoints, at now: Timestamp, cause: Cause,
        tx: any StoreTransaction
    ) throws -> Claim {
        var situation = situation
        let generation = situation.sealed.generation
        var isSecondTry = false
        if let intent = situation.grant.intent, intent.generation == generation {
            // The token may be spent. While the old access token lives, nobody needs to know.
            if let end = situation.grant.accessExpiresAt, end > now {
                situation.grant.leaveInDoubt("refresh_outcome_unknown", at: now, jitter: ambient.jitter())
                try tx.put(situation.grant)
                return .done(.failed(GrantProblem(.outcomeUnknown)))
            }
            guard situation.method.reuse == .retry else {
                return .done(
                    try recordDeath(
                        "refresh_outcome_unknown", of: situation, evidence: StatusEvidence("refresh_outcome_unknown"),
                        cause: cause, tx: tx))
            }
            isSecondTry = true
        }
        situation.grant.fence += 1
        situation.grant.lease = Grant.Lease(owner: owner, until: now.advanced(bySeconds: Self.lease))
        situation.grant.intent = Grant.Intent(generation: generation, at: now, isSecondTry: isSecondTry)
        // So that the scheduler finds it again should this process end here.
        situation.grant.dueAt = now.advanced(bySeconds: Self.lease)
        try tx.put(situation.grant)
        try tx.append(
            JournalEntry(
                .refreshStarted, in: situation.grant.workspaceID, subject: situation.grant.credentialID.description,
                data: .refresh(generation: generation, isSecondTry: isSecondTry)),
            id: ambient.id(), cause: cause)
        return .ask(work(situation, endpoints, isSecondTry: isSecondTry, cause: cause))
    }

    private func work(
        _ situation: GrantSituation, _ endpoints: Endpoints, isSecondTry: Bool, cause: Cause
    ) -> Work {
        Work(
            key: GrantKey(workspaceID: situation.grant.workspaceID, credentialID: situation.grant.credentialID),
            method: situation.method, config: situation.config,
            data: situation.data, recordKey: situation.recordKey, client: situation.client,
            appID: situation.app?.id, endpoints: endpoints,
            fence: situation.grant.fence, isSecondTry: isSecondTry || situation.grant.intent?.isSecondTry ?? false,
            isAppInBurst: situation.app?.failure?.reason == Self.burst, cause: cause)
    }

    private func open(_ answer: [UInt8], _ situation: GrantSituation, tx: any StoreTransaction) throws -> RawAnswer? {
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: situation.grant.workspaceID)
        let bytes = try keeper.open(
            answer: answer, of: situation.grant.credentialID, recordKey: situation.recordKey,
            fence: situation.grant.fence)
        return RawAnswer(bytes)
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
        // Ten minutes in the end: nobody else asks meanwhile, and a store that is full for longer needs its operator.
        var pauses = ([50, 200, 500, 1_000, 2_000, 4_000, 8_000] + Array(repeating: 15_000, count: 40))[...]
        while true {
            do {
                return try await store.write { tx in
                    guard var grant = try tx.grant(of: work.key.credentialID, in: work.key.workspaceID),
                        grant.fence == work.fence
                    else { return false }
                    let keeper = SecretKeeper(vault: self.vault, tx: tx, workspace: work.key.workspaceID)
                    grant.answer = try keeper.seal(
                        answer: raw.bytes, of: work.key.credentialID, recordKey: work.recordKey, fence: work.fence)
                    try tx.put(grant)
                    return true
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

    // MARK: After

    private func conclude(_ raw: RawAnswer, of work: Work) async throws -> Result {
        switch TokenOutcome(raw, method: work.method) {
        case .granted(var tokens, _):
            tokens.expiresAt = await Introspection(endpoint: endpoint).end(
                of: tokens, method: work.method, endpoints: work.endpoints, client: work.client, askedAt: raw.askedAt)
            let granted = tokens
            if let app = work.appID { circuit.noteSuccess(AppCircuit.Key(work.key.workspaceID, app)) }
            return try await store.write { tx in try self.accept(granted, of: work, tx: tx) }
        case .refused(let refusal):
            return try await store.write { tx in try self.record(refusal, of: work, tx: tx) }
        }
    }

    private func accept(_ tokens: Tokens, of work: Work, tx: any StoreTransaction) throws -> Result {
        let workspace = work.key.workspaceID
        guard var grant = try tx.grant(of: work.key.credentialID, in: workspace), grant.fence == work.fence,
            let stored = try tx.sealed(work.key.credentialID, in: workspace),
            var credential = try tx.credential(work.key.credentialID, in: workspace)
        else { return .fresh(expiresAt: nil) }
        let now = ambient.now()
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
        // What stands beside the tokens may have been changed meanwhile; entered tokens would have passed the fence.
        var data = try keeper.open(stored, of: credential.id, recordKey: work.recordKey)
        tokens.merge(into: &data)
        grant.accept(
            tokens, hasRefreshToken: data["refresh_token"]?.slice.string?.isEmpty == false, method: work.method,
            at: now, jitter: ambient.jitter())
        credential.expiresAt = tokens.expiresAt
        credential.updatedAt = max(now, credential.updatedAt)
        credential.revision += 1
        try tx.update(
            credential,
            sealed: keeper.seal(
                data, of: credential.id, recordKey: work.recordKey, generation: stored.generation + 1))
        try tx.put(grant)
        try tx.append(
            JournalEntry(
                .refreshed, in: workspace, subject: credential.id.description,
                data: .refreshed(generation: stored.generation + 1, tokens: tokens)),
            id: ambient.id(), cause: work.cause)
        try noteAppRecovered(work, tx: tx)
        try tx.setStatus(
            .active, from: [.expired], ofUsersOf: credential.id, in: workspace, evidence: StatusEvidence("refreshed"),
            ambient: ambient, cause: work.cause)
        return .fresh(expiresAt: tokens.expiresAt)
    }

    private func noteAppRecovered(_ work: Work, tx: any StoreTransaction) throws {
        guard let id = work.appID, var app = try tx.oauthApp(id, in: work.key.workspaceID), app.failure != nil else {
            return
        }
        app.failure = nil
        try tx.update(app, in: work.key.workspaceID)
        try tx.append(
            JournalEntry(.appRecovered, in: work.key.workspaceID, subject: id.description), id: ambient.id(),
            cause: work.cause)
    }

    // MARK: Refusals

    private func record(_ refusal: TokenRefusal, of work: Work, tx: any StoreTransaction) throws -> Result {
        let workspace = work.key.workspaceID
        guard var grant = try tx.grant(of: work.key.credentialID, in: workspace), grant.fence == work.fence
        else { return .fresh(expiresAt: nil) }
        let now = ambient.now()
        grant.answer = nil
        switch refusal.kind {
        case .grant: return try recordRefusedGrant(refusal, grant, of: work, at: now, tx: tx)
        case .app:
            grant.intent = work.isSecondTry ? grant.intent : nil
            grant.postpone(refusal.code, at: now, jitter: ambient.jitter(), atLeast: AppCircuit.pause)
            try noteAppFailure(refusal.code, of: work, at: now, tx: tx)
            try tx.put(grant)
            return .failed(GrantProblem(.appFailing, refusal.code))
        case .transient:
            if work.isSecondTry || refusal.mayHaveSpent(reuse: work.method.reuse) {
                grant.leaveInDoubt(refusal.code, at: now, jitter: ambient.jitter())
            } else {
                grant.intent = nil
                grant.postpone(refusal.code, at: now, jitter: ambient.jitter())
            }
            try record(grant, failure: refusal.code, httpStatus: refusal.httpStatus, of: work, tx: tx)
            return .failed(GrantProblem(.providerUnavailable, refusal.code))
        }
    }

    /// One refused grant is dead. Many at once are a sign of something else, and are kept for somebody to look at.
    private func recordRefusedGrant(
        _ refusal: TokenRefusal, _ grant: Grant, of work: Work, at now: Timestamp, tx: any StoreTransaction
    ) throws -> Result {
        var grant = grant
        if let app = work.appID, !work.isSecondTry,
            work.isAppInBurst || circuit.noteRefusedGrant(AppCircuit.Key(work.key.workspaceID, app), at: now)
        {
            grant.state = .held
            grant.intent = nil
            grant.lease = nil
            grant.dueAt = nil
            grant.lastFailure = refusal.code
            try noteAppFailure(Self.burst, of: work, at: now, tx: tx)
            try record(grant, failure: Self.burst, httpStatus: refusal.httpStatus, of: work, tx: tx)
            return .failed(GrantProblem(.held))
        }
        let reason = work.isSecondTry ? "refresh_outcome_unknown" : refusal.code
        grant.end(reason)
        try record(grant, failure: refusal.code, httpStatus: refusal.httpStatus, of: work, tx: tx)
        try tx.setStatus(
            .expired, ofUsersOf: work.key.credentialID, in: work.key.workspaceID,
            evidence: StatusEvidence(reason, httpStatus: refusal.httpStatus, providerCode: refusal.code),
            ambient: ambient, cause: work.cause)
        return .failed(GrantProblem(.needsReauthorization, reason))
    }

    private func noteAppFailure(_ code: String, of work: Work, at now: Timestamp, tx: any StoreTransaction) throws {
        guard let id = work.appID else { return }
        let isFirst = circuit.noteFailure(AppCircuit.Key(work.key.workspaceID, id), at: now)
        if var app = try tx.oauthApp(id, in: work.key.workspaceID) {
            guard app.failure == nil else { return }
            app.failure = OAuthApp.Failure(reason: code, since: now)
            try tx.update(app, in: work.key.workspaceID)
        } else if !isFirst {
            return
        }
        try tx.append(
            JournalEntry(.appFailing, in: work.key.workspaceID, subject: id.description, data: .reason(code)),
            id: ambient.id(), cause: work.cause)
        logger.warning("oauth app is refused", metadata: ["app.id": "\(id)", "error.code": "\(code)"])
    }

    private func record(
        _ grant: Grant, failure: String, httpStatus: Int?, of work: Work, tx: any StoreTransaction
    ) throws {
        try tx.put(grant)
        try tx.append(
            JournalEntry(
                .refreshFailed, in: grant.workspaceID, subject: grant.credentialID.description,
                data: .failure(failure, state: grant.state, httpStatus: httpStatus)),
            id: ambient.id(), cause: work.cause)
    }

    /// An access token that nothing can renew: at its end the connection is.
    private func recordEnd(
        of situation: GrantSituation, at now: Timestamp, cause: Cause, tx: any StoreTransaction
    ) throws -> Result {
        guard let end = situation.grant.accessExpiresAt, end <= now else {
            throw GrantProblem(.notOAuth, "no_refresh_token")
        }
        return try recordDeath(
            "access_token_expired", of: situation, evidence: StatusEvidence("access_token_expired"), cause: cause,
            tx: tx)
    }

    private func recordDeath(
        _ reason: String, of situation: GrantSituation, evidence: StatusEvidence, cause: Cause,
        tx: any StoreTransaction
    ) throws -> Result {
        var grant = situation.grant
        grant.end(reason)
        try tx.put(grant)
        try tx.append(
            JournalEntry(
                .refreshFailed, in: grant.workspaceID, subject: grant.credentialID.description,
                data: .failure(reason, state: grant.state, httpStatus: nil)),
            id: ambient.id(), cause: cause)
        try tx.setStatus(
            .expired, ofUsersOf: grant.credentialID, in: grant.workspaceID, evidence: evidence, ambient: ambient,
            cause: cause)
        return .failed(GrantProblem(.needsReauthorization, reason))
    }

    /// Moves a grant that cannot be worked on now out of the way of those that can.
    private func postpone(_ key: GrantKey, _ problem: GrantProblem) async {
        guard problem.code != .paused else { return }
        let now = ambient.now()
        do {
            try await store.write { tx in
                guard var grant = try tx.grant(of: key.credentialID, in: key.workspaceID),
                    let due = grant.dueAt, due <= now
                else { return }
                switch problem.code {
                case .needsReauthorization, .suspended, .held, .notInstalled: grant.dueAt = nil
                case .notOAuth, .secretRebindRequired, .unreadable, .inactive, .paused:
                    grant.dueAt = now.advanced(bySeconds: 3_600)
                case .appFailing, .appMissing, .outcomeUnknown, .providerUnavailable:
                    grant.dueAt = now.advanced(bySeconds: AppCircuit.pause + Int64(60 * self.ambient.jitter()))
                }
                try tx.put(grant)
            }
        } catch {
            logger.warning(
                "grant cannot be postponed",
                metadata: ["credential.id": "\(key.credentialID)", "error.reason": "\(error)"])
        }
    }
}

extension Grant {
    /// Whether the time has come: the access token ends, or the schedule says so.
    func needsRefresh(at now: Timestamp) -> Bool {
        if kind.isSelfIssued, accessExpiresAt == nil { return true }
        if let end = accessExpiresAt, end <= now.advanced(bySeconds: Refresher.leeway) { return true }
        return dueAt.map { $0 <= now } ?? false
    }
}

extension GrantProblem {
    init(_ error: DomainError) {
        switch error {
        case .refused(let code, _): self.init(Code(rawValue: code) ?? .providerUnavailable, code)
        case .upstream(let code, _): self.init(.providerUnavailable, code)
        default: self.init(.providerUnavailable)
        }
    }
}
