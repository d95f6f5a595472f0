import LosslessJSON

/// How often a connection is looked at on its own clock.
package struct CheckSchedule: Sendable {
    /// In seconds; `nil` for never.
    package let interval: Int?

    /// A shorter one is taken for this: a look costs the provider, too.
    package static let shortest = 60
    /// Ten times the interval at the most, for one that keeps failing.
    private static let longestBackoff = 10

    /// - Parameter override: the connection's own, in seconds; 0 for never.
    package init(integration: Integration?, override: Int?) {
        switch override {
        case 0?: interval = nil
        case let seconds?: interval = max(Self.shortest, seconds)
        case nil: interval = integration?.checkInterval
        }
    }

    /// Spread over the last half of the interval, so that what began together does not stay together.
    /// - Parameter failures: looks in a row that did not find it well; each doubles the interval.
    package func next(after now: Timestamp, failures: Int = 0, jitter: Double) -> Timestamp? {
        guard let interval else { return nil }
        let factor = min(Self.longestBackoff, 1 << min(failures, 8))
        return now.advanced(bySeconds: Int64(Double(interval * factor) * (0.5 + 0.5 * jitter)))
    }
}

extension StoreTransaction {
    /// Brings the sweep's clock and its notion of the host in line with a connection that somebody changed.
    func reschedule(
        _ changed: Connection, from old: Connection, catalog: any IntegrationCatalog, ambient: Ambient,
        at now: Timestamp
    ) throws {
        let isRetimed = changed.status != old.status || changed.checkInterval != old.checkInterval
        guard isRetimed || changed.config != old.config else { return }
        let integration = catalog.integration(of: changed)
        let mayHaveMoved = changed.config != old.config && integration?.originsDependOnConfig ?? false
        guard isRetimed || mayHaveMoved, var check = try check(of: changed.id, in: changed.workspaceID) else { return }
        if mayHaveMoved, let integration {
            let origins = try secrets(of: changed.id, in: changed.workspaceID)?.origins ?? []
            check.origin = integration.checkedHost(config: JSONObject(changed.config.slice), origins: origins)
        }
        if isRetimed {
            let schedule = CheckSchedule(integration: integration, override: changed.checkInterval)
            check.dueAt = changed.isSwept ? schedule.next(after: now, jitter: ambient.jitter()) : nil
        }
        try put(check)
    }

    /// What was left alone while it was of no use is looked at soon, since it is used again. Where it is looked at never, the
    /// sweep finds that out.
    package func resumeChecks(of changed: Connection, from old: Connection, at now: Timestamp) throws {
        guard changed.isSwept, !old.isSwept, var check = try check(of: changed.id, in: changed.workspaceID),
            check.dueAt == nil
        else { return }
        check.failures = 0
        check.dueAt = now
        try put(check)
    }

    /// New values were entered: what was broken may work now, and is looked at soon.
    func hastenChecks(ofUsersOf credential: CredentialID, in workspace: WorkspaceID, at now: Timestamp) throws {
        for connection in try connections(using: credential, in: workspace, limit: 100)
        where connection.status == .error {
            guard var check = try check(of: connection.id, in: workspace), check.dueAt != nil else { continue }
            check.failures = 0
            check.dueAt = now
            try put(check)
        }
    }
}
