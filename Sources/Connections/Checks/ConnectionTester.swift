import LosslessJSON
import Synchronization

/// What a test says, as its caller sees it.
package struct TestResult: Sendable {
    package let report: ProbeReport
    package let checkedAt: Timestamp
    /// Another account answers than the last time.
    package let hasIdentityChanged: Bool

    package init(report: ProbeReport, checkedAt: Timestamp, hasIdentityChanged: Bool = false) {
        self.report = report
        self.checkedAt = checkedAt
        self.hasIdentityChanged = hasIdentityChanged
    }
}

/// Finds out whether connections work, and makes of it what the evidence allows.
package final class ConnectionTester: Sendable {
    private let store: any Store
    private let vault: any SecretVault
    private let catalog: any IntegrationCatalog
    private let prober: any Prober
    private let grants: any GrantUse
    private let ambient: Ambient
    package let meter = CheckMeter()
    /// Tests that somebody waits for, one for each connection: who comes meanwhile waits for the same one.
    private let flights = Mutex<[ConnectionKey: Task<TestResult, any Error>]>([:])

    /// A test that has not ended after this many seconds never will: its process is gone.
    package static let longest: Int64 = 300

    package init(
        store: any Store, vault: any SecretVault, catalog: any IntegrationCatalog, prober: any Prober,
        grants: any GrantUse, ambient: Ambient
    ) {
        self.store = store
        self.vault = vault
        self.catalog = catalog
        self.prober = prober
        self.grants = grants
        self.ambient = ambient
    }

    // MARK: On demand

    /// Tests a stored connection; its status is `testing` meanwhile. Throws for one that may not be used.
    package func test(_ id: ConnectionID, in workspace: WorkspaceID, cause: Cause) async throws -> TestResult {
        let key = ConnectionKey(workspaceID: workspace, connectionID: id)
        return try await flights.withLock { flights in
            if let running = flights[key] { return running }
            let task = Task {
                defer { self.flights.withLock { $0[key] = nil } }
                let connection = try await self.begin(key, cause: cause)
                let report = await self.look(at: connection, depth: .full, cause: cause)
                return try await self.conclude(report, of: key, isSwept: false, cause: cause)
            }
            flights[key] = task
            return task
        }.value
    }

    /// Tests what is not stored, and leaves nothing behind.
    package func test(_ target: ProbeTarget) async -> TestResult {
        if let grant = target.method.oauth?.grant, grant.isSelfIssued, target.data["access_token"] == nil {
            return TestResult(report: .needsStoring(target.integration), checkedAt: ambient.now())
        }
        return TestResult(report: await prober.probe(target), checkedAt: ambient.now())
    }

    /// Writes down that a test is under way, so that a crash is seen and undone.
    private func begin(_ key: ConnectionKey, cause: Cause) async throws -> Connection {
        try await store.write { [ambient, catalog] tx in
            guard let connection = try tx.connection(key.connectionID, in: key.workspaceID) else {
                throw DomainError.notFound(.connection)
            }
            guard connection.status != .inactive else {
                throw DomainError.refused(
                    code: "connection_inactive",
                    message: "Connection is inactive: set its status to active, then test it")
            }
            guard !connection.needsRebind else {
                throw DomainError.refused(
                    code: "secret_rebind_required",
                    message: "The destination of the secret changed: enter the credentials again")
            }
            var check = try tx.check(of: key, or: connection, catalog: catalog)
            guard
                let change = StatusChange(
                    from: connection.status, to: .testing, on: StatusEvidence("test_started"))
            else { return connection }  // Somebody says that it is being tested: it stays so.
            check.running = ConnectionCheck.RunningTest(
                startedAt: cause.at, status: connection.status, reason: connection.statusReason,
                since: connection.statusSince)
            try tx.put(check)
            var changed = connection
            let started = changed.note(.testStarted)
            try tx.append(started, id: ambient.id(), cause: cause)
            return try tx.write(change, to: changed, from: connection, ambient: ambient, cause: cause)
        }
    }

    // MARK: On its own clock

    /// Looks at a connection whose turn it is. Nothing shows meanwhile; bad news is looked at twice before it is believed.
    package func recheck(_ key: ConnectionKey, cause: Cause) async throws -> TestResult? {
        guard let connection = try await store.connection(key.connectionID, in: key.workspaceID),
            isLookedAt(connection)
        else {
            try await endSweep(of: key)
            return nil
        }
        let known = try await store.check(of: key.connectionID, in: key.workspaceID)
        if try await findHiddenHost(of: connection, known) { return nil }
        var report = await look(at: connection, depth: depth(after: known, at: cause.at), cause: cause)
        if report.verdict == .invalid, connection.status == .active {
            report = await look(at: connection, depth: .full, cause: cause)
        }
        // Somebody who stops us has stopped the probe, too, and what that found says nothing.
        try Task.checkCancellation()
        return try await conclude(report, of: key, isSwept: true, cause: cause)
    }

    /// Where only the credential tells the host, it is written down by a fingerprint before anybody is asked, so that the sweep
    /// knows what goes to one host. Returns whether it was news: the connection is due still.
    private func findHiddenHost(of connection: Connection, _ known: ConnectionCheck?) async throws -> Bool {
        guard let known, known.origin.isEmpty || CheckedHost.isHidden(known.origin),
            let integration = catalog.integration(of: connection),
            let method = integration.authMethod(connection.authMethodID), method.oauth == nil,
            let (config, data) = try? await open(connection, integration: integration),
            let host = prober.hiddenOrigin(
                of: ProbeTarget(integration: integration, method: method, config: config, data: data, depth: .brief))
        else { return false }
        return try await store.write { [vault] tx in
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: connection.workspaceID)
            let origin = CheckedHost.hiddenOrigin(fingerprint: try keeper.fingerprint(host))
            guard var check = try tx.check(of: connection.id, in: connection.workspaceID), check.origin != origin else {
                return false
            }
            check.origin = origin
            try tx.put(check)
            return true
        }
    }

    /// Whether its status and its schedule are those of a connection that is looked at on its own clock.
    private func isLookedAt(_ connection: Connection) -> Bool {
        connection.isSwept
            && CheckSchedule(integration: catalog.integration(of: connection), override: connection.checkInterval)
                .interval != nil
    }

    /// A certificate is seen in full depth only: at the first look, and while the one that was seen ends soon, so that nobody is
    /// warned of one that was renewed long ago.
    private func depth(after known: ConnectionCheck?, at now: Timestamp) -> ProbeTarget.Depth {
        guard let known, known.origin.hasPrefix("https://") else { return .brief }
        let endsSoon = known.certificateExpiresAt.map { $0 < now.advanced(bySeconds: 31 * 86_400) } ?? false
        return known.verdict == nil || endsSoon ? .full : .brief
    }

    /// It comes back when its status or its schedule does.
    private func endSweep(of key: ConnectionKey) async throws {
        try await store.write { [self] tx in
            guard var check = try tx.check(of: key.connectionID, in: key.workspaceID),
                try tx.connection(key.connectionID, in: key.workspaceID).map(isLookedAt) != true
            else { return }
            check.dueAt = nil
            try tx.put(check)
        }
    }

    // MARK: After a crash

    /// Takes back `testing` where the process that tested is gone. Returns how many there were.
    package func undoUnfinished(startedBefore time: Timestamp, cause: Cause) async throws -> Int {
        let keys = try await store.unfinishedTests(startedBefore: time, limit: 500)
        let running = flights.withLock { Set($0.keys) }
        for key in keys where !running.contains(key) {
            try await store.write { [ambient] tx in
                guard var check = try tx.check(of: key.connectionID, in: key.workspaceID),
                    let test = check.running, test.startedAt < time,
                    let connection = try tx.connection(key.connectionID, in: key.workspaceID)
                else { return }
                check.running = nil
                check.dueAt = check.dueAt ?? time
                try tx.put(check)
                guard connection.status == .testing,
                    let change = StatusChange(endingTest: test, on: StatusEvidence("test_interrupted"))
                else { return }
                try tx.write(change, to: connection, from: connection, ambient: ambient, cause: cause)
            }
        }
        return keys.count
    }

    // MARK: Looking

    private func look(
        at connection: Connection, depth: ProbeTarget.Depth, cause: Cause
    ) async -> ProbeReport {
        guard let integration = catalog.integration(of: connection),
            let method = integration.authMethod(connection.authMethodID)
        else { return .unknownIntegration }
        do {
            guard method.oauth != nil else {
                let (config, data) = try await open(connection, integration: integration)
                return await prober.probe(
                    ProbeTarget(integration: integration, method: method, config: config, data: data, depth: depth))
            }
            let report = try await lookWithToken(
                at: connection, integration, method, depth: depth, isForced: false, cause: cause)
            // A token that is refused may have been revoked while its grant lives: another one tells.
            guard report.verdict == .invalid, report.decidingLayer == .auth, !report.isGrantGone else { return report }
            return try await lookWithToken(
                at: connection, integration, method, depth: depth, isForced: true, cause: cause)
        } catch is VaultError {
            return .unreadable
        } catch {
            return .notNow
        }
    }

    private func lookWithToken(
        at connection: Connection, _ integration: Integration, _ method: AuthMethod, depth: ProbeTarget.Depth,
        isForced: Bool, cause: Cause
    ) async throws -> ProbeReport {
        switch try await grants.open(connection, isForced: isForced, cause: cause) {
        case .ready(let config, let data):
            return await prober.probe(
                ProbeTarget(integration: integration, method: method, config: config, data: data, depth: depth))
        case .gone(let reason): return .grantGone(integration, reason: reason)
        case .unavailable(let reason): return .noToken(integration, reason: reason)
        }
    }

    private func open(
        _ connection: Connection, integration: Integration
    ) async throws -> (config: JSONObject, data: JSONObject) {
        try await store.read { [vault] tx in
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: connection.workspaceID)
            let masked = JSONObject(connection.config.slice)
            guard let secrets = try tx.secrets(of: connection.id, in: connection.workspaceID),
                let sealed = try tx.sealed(connection.credentialID, in: connection.workspaceID),
                let origins = integration.origins(config: masked, method: connection.authMethodID)
            else { throw VaultError(.doesNotOpen) }
            var config = masked
            if let sealedConfig = secrets.config {
                for member in try keeper.open(sealedConfig, of: connection.id, towards: origins).members {
                    config[member.name] = member.value
                }
            }
            return (
                config, try keeper.open(sealed, for: connection, secrets: secrets, towards: origins)
            )
        }
    }

    // MARK: Concluding

    private func conclude(
        _ report: ProbeReport, of key: ConnectionKey, isSwept: Bool, cause: Cause
    ) async throws -> TestResult {
        let now = ambient.now()
        meter.note(report.verdict)
        return try await store.write { [ambient, catalog, vault] tx in
            guard let row = try tx.connection(key.connectionID, in: key.workspaceID) else {
                throw DomainError.notFound(.connection)
            }
            var changed = row
            var entries: [JournalEntry] = []
            var check = try tx.check(of: key, or: row, catalog: catalog)
            let test = check.running
            if !isSwept {
                check.running = nil
                entries.append(changed.note(.tested, data: report.evidence(verdict: true)))
            }
            let hasIdentityChanged = try check.take(
                report, vault: vault, workspace: key.workspaceID, tx: tx)
            if hasIdentityChanged { entries.append(changed.note(.connectionIdentityChanged)) }
            let schedule = CheckSchedule(
                integration: catalog.integration(of: row), override: row.checkInterval)
            changed.lastCheckedAt = now
            let change: StatusChange? =
                if row.status == .testing, !isSwept, let test {
                    report.change(ending: test)
                } else {
                    report.change(from: row.status)
                }
            if let change {
                changed.revision += 1
                changed.updatedAt = max(now, row.updatedAt)
                entries += change.apply(to: &changed, at: now)
            }
            try tx.update(changed, from: row, searchText: nil)
            check.dueAt =
                changed.isSwept
                ? schedule.next(after: now, failures: check.failures, jitter: ambient.jitter()) : nil
            try tx.put(check)
            let ended = Cause(principal: cause.principal, requestID: cause.requestID, at: now)
            for entry in entries { try tx.append(entry, id: ambient.id(), cause: ended) }
            return TestResult(report: report, checkedAt: now, hasIdentityChanged: hasIdentityChanged)
        }
    }
}

extension Connection {
    /// What is used is looked at, and what was found broken, too, since it may heal.
    package var isSwept: Bool { status == .active || status == .error }
}

extension ConnectionCheck {
    /// Keeps what a report says. Returns whether another account answers than before.
    fileprivate mutating func take(
        _ report: ProbeReport, vault: any SecretVault, workspace: WorkspaceID, tx: any StoreTransaction
    ) throws -> Bool {
        verdict = report.verdict
        failures = report.verdict == .valid ? 0 : failures + 1
        if let end = report.certificateExpiresAt { certificateExpiresAt = end }
        guard let found = report.account else { return false }
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
        let fresh = Grant.Account(label: found.label, fingerprint: try keeper.fingerprint(found.subject))
        defer { account = fresh }
        return account.map { $0.fingerprint != fresh.fingerprint } ?? false
    }
}

extension StoreTransaction {
    fileprivate func check(
        of key: ConnectionKey, or connection: Connection, catalog: any IntegrationCatalog
    ) throws -> ConnectionCheck {
        if let known = try check(of: key.connectionID, in: key.workspaceID), !known.origin.isEmpty { return known }
        let origins = try secrets(of: key.connectionID, in: key.workspaceID)?.origins ?? []
        var check =
            try check(of: key.connectionID, in: key.workspaceID)
            ?? ConnectionCheck(workspaceID: key.workspaceID, connectionID: key.connectionID, origin: "")
        check.origin =
            catalog.integration(of: connection)?
            .checkedHost(config: JSONObject(connection.config.slice), origins: origins) ?? ""
        return check
    }

    /// `changed` has what was noted of it already.
    @discardableResult
    fileprivate func write(
        _ change: StatusChange, to changed: Connection, from row: Connection, ambient: Ambient, cause: Cause
    ) throws -> Connection {
        var changed = changed
        changed.revision += 1
        changed.updatedAt = max(cause.at, row.updatedAt)
        let entries = change.apply(to: &changed, at: cause.at)
        try update(changed, from: row, searchText: nil)
        for entry in entries { try append(entry, id: ambient.id(), cause: cause) }
        return changed
    }
}

extension ProbeReport {
    /// What the verdict makes of a status. Unknown makes nothing.
    fileprivate func change(from status: ConnectionStatus) -> StatusChange? {
        switch verdict {
        case .valid: StatusChange(from: status, to: .active, on: statusEvidence)
        case .invalid: StatusChange(from: status, to: isGrantGone ? .expired : .error, on: statusEvidence)
        case .inconclusive: nil
        }
    }

    /// The same at the end of a test that showed as `testing`: what it was before comes back unless the verdict says otherwise.
    fileprivate func change(ending test: ConnectionCheck.RunningTest) -> StatusChange? {
        switch verdict {
        case .valid: StatusChange(from: .testing, to: .active, after: test, on: statusEvidence)
        // What is expired stays so until new tokens come, whatever else is wrong with it.
        case .invalid:
            StatusChange(
                from: .testing, to: isGrantGone || test.status == .expired ? .expired : .error, after: test,
                on: statusEvidence)
        case .inconclusive: StatusChange(endingTest: test, on: statusEvidence)
        }
    }

    package var statusEvidence: StatusEvidence {
        StatusEvidence(
            reasonCode, layer: decidingLayer, httpStatus: httpStatus, providerCode: providerCode)
    }

    fileprivate func evidence(verdict shows: Bool) -> JSONText {
        var data = JSONWriter(capacity: 128)
        data.object { data in
            data.key("verdict")
            data.value(verdict.rawValue)
            statusEvidence.write(to: &data)
        }
        return data.text
    }
}
