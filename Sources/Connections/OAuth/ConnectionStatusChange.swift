import LosslessJSON

/// Evidence for a status, as the journal keeps it.
package struct StatusEvidence: Sendable, Equatable {
    package let reasonCode: String
    package let httpStatus: Int?
    /// The provider's own code, never its text.
    package let providerCode: String?

    package init(_ reasonCode: String, httpStatus: Int? = nil, providerCode: String? = nil) {
        self.reasonCode = reasonCode
        self.httpStatus = httpStatus
        self.providerCode = providerCode
    }
}

extension StoreTransaction {
    /// Sets the status of every connection that uses a credential, on evidence. An inactive one stays as the user left it.
    /// - Parameter from: the only statuses that are changed: a new token heals an expired connection, and says nothing of one
    ///   that has another error.
    package func setStatus(
        _ status: ConnectionStatus, from: [ConnectionStatus] = [.active, .testing, .error, .expired],
        ofUsersOf credential: CredentialID, in workspace: WorkspaceID,
        evidence: StatusEvidence, ambient: Ambient, cause: Cause
    ) throws {
        for connection in try connections(using: credential, in: workspace, limit: .max)
        where connection.status != status && from.contains(connection.status) {
            var changed = connection
            changed.status = status
            changed.revision += 1
            changed.updatedAt = max(cause.at, connection.updatedAt)
            try update(changed, from: connection, searchText: nil)
            try append(connection.statusChange(to: changed, evidence: evidence), id: ambient.id(), cause: cause)
        }
    }
}

extension Connection {
    package func statusChange(to changed: Connection, evidence: StatusEvidence) -> JournalEntry {
        var data = JSONWriter(capacity: 160)
        data.object { data in
            data.key("from")
            data.value(status.rawValue)
            data.key("to")
            data.value(changed.status.rawValue)
            data.key("reason_code")
            data.value(evidence.reasonCode)
            if let httpStatus = evidence.httpStatus {
                data.key("http_status")
                data.value(httpStatus)
            }
            if let providerCode = evidence.providerCode {
                data.key("provider_code")
                data.value(providerCode)
            }
            data.key("revision")
            data.value(Int(changed.revision))
        }
        return JournalEntry(
            .connectionStatusChanged, in: workspaceID, subject: id.description, data: data.text)
    }
}
