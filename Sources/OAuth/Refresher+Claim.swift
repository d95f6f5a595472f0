import Connections
import LosslessJSON

/// Before the provider is asked: whether it is to be, and what is written down first.
extension Refresher {
    func claim(_ key: GrantKey, via: ConnectionID?, isForced: Bool, cause: Cause) async throws -> Claim {
        if pause.isPaused { return .done(.failed(GrantProblem(.paused))) }
        let prepared = await prepare(key, via: via)
        let first = try await store.write { tx in
            try self.claim(
                self.situation(key, via: via, prepared: prepared, tx: tx), isForced: isForced, cause: cause, tx: tx)
        }
        guard case .discover(let issuer) = first else { return first }
        _ = try await discovery.endpoints(of: issuer)
        return try await store.write { tx in
            try self.claim(
                self.reader.situation(key, via: via, tx: tx), isForced: isForced, cause: cause, tx: tx)
        }
    }

    /// A situation that was read and opened beside the writer, so that nobody waits for that.
    struct PreparedSituation: Sendable {
        let situation: GrantSituation
        let versions: TokenStanding.Versions
    }

    /// `nil` where there is none yet, or something is wrong: the writer finds out what.
    private func prepare(_ key: GrantKey, via: ConnectionID?) async -> PreparedSituation? {
        try? await store.read { tx in
            let situation = try self.reader.situation(key, via: via, tx: tx)
            guard !situation.isGrantUnwritten,
                let standing = try tx.tokenStanding(of: situation.connection.id, in: key.workspaceID)
            else { return nil }
            return PreparedSituation(situation: situation, versions: standing.versions)
        }
    }

    /// What was prepared, with the grant as it is now, if nothing else has changed since.
    private func situation(
        _ key: GrantKey, via: ConnectionID?, prepared: PreparedSituation?, tx: any StoreTransaction
    ) throws -> GrantSituation {
        guard let prepared,
            let standing = try tx.tokenStanding(of: prepared.situation.connection.id, in: key.workspaceID),
            standing.versions == prepared.versions, standing.isUsable,
            let grant = try tx.grant(of: key.credentialID, in: key.workspaceID),
            grant.appID == prepared.situation.grant.appID, grant.clientID == prepared.situation.grant.clientID
        else { return try reader.situation(key, via: via, tx: tx) }
        var situation = prepared.situation
        situation.grant = grant
        return situation
    }

    private func claim(
        _ found: GrantSituation, isForced: Bool, cause: Cause, tx: any StoreTransaction
    ) throws -> Claim {
        let now = ambient.now()
        var situation = found
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
    func writeIntent(
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

    func work(
        _ situation: GrantSituation, _ endpoints: Endpoints, isSecondTry: Bool, cause: Cause
    ) -> Work {
        Work(
            key: GrantKey(workspaceID: situation.grant.workspaceID, credentialID: situation.grant.credentialID),
            method: situation.method, config: situation.config,
            data: situation.data, recordKey: situation.recordKey, client: situation.client,
            appID: situation.app?.id, endpoints: endpoints,
            fence: situation.grant.fence, isSecondTry: isSecondTry || situation.grant.intent?.isSecondTry ?? false,
            generation: situation.sealed.generation, isAppFailing: situation.app?.failure != nil,
            isAppInBurst: situation.app?.failure?.reason == Self.burst, cause: cause)
    }

    func open(_ answer: [UInt8], _ situation: GrantSituation, tx: any StoreTransaction) throws -> RawAnswer? {
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: situation.grant.workspaceID)
        let bytes = try keeper.open(
            answer: answer, of: situation.grant.credentialID, recordKey: situation.recordKey,
            fence: situation.grant.fence)
        return RawAnswer(bytes)
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
