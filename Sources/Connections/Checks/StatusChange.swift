import LosslessJSON

/// Evidence for a status, as the journal keeps it.
package struct StatusEvidence: Sendable, Equatable {
    package let reasonCode: String
    package let layer: CheckLayer?
    package let httpStatus: Int?
    /// The provider's own code, never its text.
    package let providerCode: String?

    package init(
        _ reasonCode: String, layer: CheckLayer? = nil, httpStatus: Int? = nil, providerCode: String? = nil
    ) {
        self.reasonCode = reasonCode
        self.layer = layer
        self.httpStatus = httpStatus
        self.providerCode = providerCode
    }

    /// What a user says needs none.
    package static let asserted = StatusEvidence("asserted")
}

extension ConnectionStatus {
    /// What the service itself may make of it. `inactive` comes and goes by a user's word only, and what is expired is not
    /// merely in error: new tokens or a success end it.
    package func mayBecome(_ next: ConnectionStatus) -> Bool {
        switch (self, next) {
        case (.active, .testing), (.active, .error), (.active, .expired), (.testing, .active), (.testing, .error),
            (.testing, .expired), (.error, .testing), (.error, .active), (.error, .expired), (.expired, .testing),
            (.expired, .active):
            true
        default: false
        }
    }
}

/// A change of status. What the service has no right to cannot be made.
package struct StatusChange: Sendable, Equatable {
    package let from: ConnectionStatus
    package let to: ConnectionStatus
    package let evidence: StatusEvidence
    private let isAsserted: Bool
    /// Where it goes back to a status that it had, it has had it since then and for that reason.
    private let before: ConnectionCheck.RunningTest?
    private var isInconclusive = false

    /// `nil` where it would be no change, or one that only a user may make.
    package init?(from: ConnectionStatus, to: ConnectionStatus, on evidence: StatusEvidence) {
        guard from.mayBecome(to) else { return nil }
        (self.from, self.to, self.evidence, isAsserted, before) = (from, to, evidence, false, nil)
    }

    /// At the end of a test: a status that it had before is the same one still.
    package init?(
        from: ConnectionStatus, to: ConnectionStatus, after test: ConnectionCheck.RunningTest,
        on evidence: StatusEvidence
    ) {
        guard from.mayBecome(to) else { return nil }
        (self.from, self.to, self.evidence, isAsserted, before) = (from, to, evidence, false, test)
    }

    /// A test that found out nothing leaves the reason as it was, too.
    package init?(endingTest test: ConnectionCheck.RunningTest, on evidence: StatusEvidence) {
        self.init(from: .testing, to: test.status, after: test, on: evidence)
        isInconclusive = true
    }

    /// A user's word: any status from any other, and the same again.
    package init(asserting to: ConnectionStatus, from: ConnectionStatus) {
        (self.from, self.to, evidence, isAsserted, before) = (from, to, .asserted, true, nil)
    }

    /// Changes the row, all but its revision, and returns what the journal is to say of it.
    package func apply(to row: inout Connection, at now: Timestamp) -> [JournalEntry] {
        row.status = to
        row.statusReason = isInconclusive ? before?.reason : evidence.reasonCode
        if let before, before.status == to {
            row.statusSince = before.since
        } else if from != to {
            row.statusSince = now
        }
        var entries = [row.note(.connectionStatusChanged, data: data(of: row))]
        guard !isAsserted else { return entries }
        // A test in between is no step of its own.
        let last = before?.status ?? from
        switch to {
        case .active where last == .error || last == .expired: entries.append(row.note(.connectionRecovered, data: why))
        case .expired where last != .expired:
            entries.append(row.note(.connectionNeedsReauthorization, data: why))
        default: break
        }
        return entries
    }

    /// With what the row says from now on, so that the last entry alone tells what the status is.
    private func data(of row: Connection) -> JSONText {
        var data = JSONWriter(capacity: 240)
        data.object { data in
            data.key("from")
            data.value(from.rawValue)
            data.key("to")
            data.value(to.rawValue)
            evidence.write(to: &data)
            data.key("status_reason")
            data.value(row.statusReason)
            data.key("status_since")
            data.plainString { row.statusSince.append(to: &$0) }
            data.key("revision")
            data.value(Int(row.revision))
        }
        return data.text
    }

    private var why: JSONText {
        var data = JSONWriter(capacity: 64)
        data.object { evidence.write(to: &$0) }
        return data.text
    }
}

extension StatusEvidence {
    /// As members of an object.
    func write(to data: inout JSONWriter) {
        data.key("reason_code")
        data.value(reasonCode)
        if let layer {
            data.key("layer")
            data.value(layer.rawValue)
        }
        if let httpStatus {
            data.key("http_status")
            data.value(httpStatus)
        }
        if let providerCode {
            data.key("provider_code")
            data.value(providerCode)
        }
    }
}

extension StoreTransaction {
    /// Moves one connection, on evidence, and returns it as it stands then: untouched where the change is none or not ours.
    @discardableResult
    package func setStatus(
        _ status: ConnectionStatus, of connection: Connection, evidence: StatusEvidence, ambient: Ambient, cause: Cause
    ) throws -> Connection {
        guard let change = StatusChange(from: connection.status, to: status, on: evidence) else { return connection }
        var changed = connection
        changed.revision += 1
        changed.updatedAt = max(cause.at, connection.updatedAt)
        let entries = change.apply(to: &changed, at: cause.at)
        try update(changed, from: connection, searchText: nil)
        for entry in entries { try append(entry, id: ambient.id(), cause: cause) }
        try resumeChecks(of: changed, from: connection, at: cause.at)
        return changed
    }

    /// Sets the status of every connection that uses a credential, on evidence. An inactive one stays as the user left it.
    /// - Parameter from: the only statuses that are changed: a new token heals an expired connection, and says nothing of one
    ///   that has another error.
    package func setStatus(
        _ status: ConnectionStatus, from: [ConnectionStatus] = [.active, .testing, .error, .expired],
        ofUsersOf credential: CredentialID, in workspace: WorkspaceID,
        evidence: StatusEvidence, ambient: Ambient, cause: Cause
    ) throws {
        for connection in try connections(using: credential, in: workspace, limit: .max)
        where from.contains(connection.status) {
            try setStatus(status, of: connection, evidence: evidence, ambient: ambient, cause: cause)
        }
    }
}
