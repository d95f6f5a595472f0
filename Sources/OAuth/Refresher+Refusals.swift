import Connections
import Logging
import LosslessJSON

/// What a refusal means: for the grant, for the app, or for nobody.
extension Refresher {
    func record(_ refusal: TokenRefusal, of work: Work, tx: any StoreTransaction) throws -> Result {
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
    func recordRefusedGrant(
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

    func noteAppFailure(_ code: String, of work: Work, at now: Timestamp, tx: any StoreTransaction) throws {
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

    func record(
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
    func recordEnd(
        of situation: GrantSituation, at now: Timestamp, cause: Cause, tx: any StoreTransaction
    ) throws -> Result {
        guard let end = situation.grant.accessExpiresAt, end <= now else {
            throw GrantProblem(.notOAuth, "no_refresh_token")
        }
        return try recordDeath(
            "access_token_expired", of: situation, evidence: StatusEvidence("access_token_expired"), cause: cause,
            tx: tx)
    }

    func recordDeath(
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
    func postpone(_ key: GrantKey, _ problem: GrantProblem) async {
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

extension GrantProblem {
    init(_ error: DomainError) {
        switch error {
        case .refused(let code, _): self.init(Code(rawValue: code) ?? .providerUnavailable, code)
        case .upstream(let code, _): self.init(.providerUnavailable, code)
        default: self.init(.providerUnavailable)
        }
    }
}
