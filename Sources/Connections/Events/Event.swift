package import LosslessJSON

/// An entry of the journal as the outside may know it.
package struct Event: Sendable {
    /// Its place in the order of commits, over all workspaces. Never shown: it would tell one tenant of the others' volume.
    package let position: Int64
    package let record: JournalRecord
    /// For events of a credential, the connections that use it as the event is read, at most `maxConnections`.
    package let connections: [ConnectionID]

    package static let maxConnections = 100

    package init(position: Int64, record: JournalRecord, connections: [ConnectionID] = []) {
        self.position = position
        self.record = record
        self.connections = connections
    }

    package var id: EventID { record.id }
}

extension JournalEntry.Kind {
    /// Whether it is told to the outside. Entries of other kinds are the audit trail's alone.
    package var isEvent: Bool {
        switch self {
        case .connectionCreated, .connectionUpdated, .connectionDeleted, .connectionStatusChanged, .connectionRecovered,
            .connectionNeedsReauthorization, .connectionExpiring, .connectionIdentityChanged, .connectionReconnected,
            .tested, .refreshed, .refreshFailed, .revoked, .revocationFailed, .credentialExpiring, .appFailing,
            .appRecovered, .appExpiring, .apiKeyExpiring, .hostUnreachable, .hostRecovered, .webhookDisabled:
            true
        case .testStarted, .credentialCreated, .credentialUpdated, .credentialDeleted, .apiKeyCreated, .apiKeyUpdated,
            .apiKeyDeleted, .workspaceCreated, .workspaceUpdated, .workspaceDeleted, .oauthAppCreated,
            .oauthAppUpdated, .oauthAppDeleted, .refreshStarted, .tokenRead, .grantImported, .grantActivated,
            .integrationCreated, .integrationUpdated, .integrationDeleted, .webhookCreated, .webhookUpdated,
            .webhookDeleted, .webhookTest, .webhookReplayed, .instanceRestored, .instanceResumed:
            false
        }
    }

    /// Every kind that `isEvent`.
    package static let events = allCases.filter(\.isEvent)

    /// Whether its subject may be a credential, which connections use.
    package var isOfCredential: Bool { rawValue.utf8.starts(with: "credential.".utf8) }
}

extension JSONWriter {
    /// An event as lists, streams and webhooks show it.
    package mutating func event(_ event: Event) {
        let record = event.record
        object { json in
            json.key("id")
            json.plainString { record.id.append(to: &$0) }
            json.key("type")
            json.plainString { $0.append(contentsOf: record.kind.rawValue.utf8) }
            json.key("timestamp")
            json.plainString { record.at.append(to: &$0) }
            json.key("workspace_id")
            if let workspace = record.workspaceID {
                json.plainString { workspace.append(to: &$0) }
            } else {
                json.null()
            }
            json.key("sequence")
            if let sequence = record.subjectSequence { json.value(Int(sequence)) } else { json.null() }
            json.key("actor")
            json.value(record.actor)
            json.key("request_id")
            json.value(record.requestID)
            json.key("data")
            json.object { json in
                json.subject(of: record)
                if record.kind.isOfCredential {
                    json.key("connection_ids")
                    json.array(event.connections) { json, id in json.plainString { id.append(to: &$0) } }
                }
                json.members(of: record.data)
            }
        }
    }

    /// What it is about, under the name of its kind.
    private mutating func subject(of record: JournalRecord) {
        let subject = record.subject
        switch subject.prefix(while: { $0 != "_" }) {
        case "conn": key("connection_id")
        case "cred": key("credential_id")
        case "app": key("app_id")
        case "key": key("api_key_id")
        case "whk": key("webhook_id")
        default:
            guard record.kind == .hostUnreachable || record.kind == .hostRecovered else { return }
            key("host")
        }
        value(subject)
    }
}
