package import LosslessJSON

/// What a PUT asks for, field by field.
package struct ConnectionChange: Sendable {
    /// A JSON string of at most 255 code points.
    package var label: Patch<JSONSlice>
    /// A JSON object that replaces the whole config.
    package var config: Patch<JSONSlice>
    package var status: Patch<ConnectionStatus>
    package var externalID: Patch<String>
    /// A JSON array of strings.
    package var tags: Patch<JSONSlice>
    package var metadata: Patch<JSONSlice>

    package init(
        label: Patch<JSONSlice> = .absent, config: Patch<JSONSlice> = .absent,
        status: Patch<ConnectionStatus> = .absent, externalID: Patch<String> = .absent,
        tags: Patch<JSONSlice> = .absent, metadata: Patch<JSONSlice> = .absent
    ) {
        self.label = label
        self.config = config
        self.status = status
        self.externalID = externalID
        self.tags = tags
        self.metadata = metadata
    }

    /// Whether anything in it can be written: null leaves config, status, tags and metadata alone, and clears the others.
    package var isEffective: Bool {
        label.isPresent || externalID.isPresent || config.value != nil || status.value != nil || tags.value != nil
            || metadata.value != nil
    }
}

/// A config as it is stored, once the catalog has checked it and its secrets are sealed.
package struct StoredConfig: Sendable {
    package let masked: JSONText
    package let needsRebind: Bool

    package init(masked: JSONText, needsRebind: Bool) {
        self.masked = masked
        self.needsRebind = needsRebind
    }
}

extension Connection {
    /// Decides what a change makes of a row, and what the journal says of it. Pure: it reads nothing but its arguments.
    package func decide(
        _ change: ConnectionChange, config stored: StoredConfig?, at now: Timestamp
    ) -> (row: Connection, entries: [JournalEntry]) {
        var row = self
        row.label = change.label.clearing(label.map(\.slice))?.canonical
        row.externalID = change.externalID.clearing(externalID)
        if let tags = change.tags.value { row.tags = tags.canonical }
        if let metadata = change.metadata.value { row.metadata = metadata.canonical }
        if let stored {
            row.config = stored.masked
            row.needsRebind = stored.needsRebind
        }
        row.status = change.status.keeping(status)
        row.updatedAt = max(now, updatedAt)
        row.revision = revision + 1
        return (row, entries(for: change, row: row))
    }

    private func entries(for change: ConnectionChange, row: Connection) -> [JournalEntry] {
        var entries: [JournalEntry] = []
        let fields = change.writtenFields
        if !fields.isEmpty {
            var data = JSONWriter(capacity: 64)
            data.object { data in
                data.key("fields")
                data.array(fields) { data, field in data.plainString { $0.append(contentsOf: field.utf8) } }
                data.key("revision")
                data.value(Int(row.revision))
            }
            entries.append(
                JournalEntry(.connectionUpdated, in: workspaceID, subject: id.description, data: data.text))
        }
        if change.status.value != nil {
            var data = JSONWriter(capacity: 96)
            data.object { data in
                data.key("from")
                data.value(status.rawValue)
                data.key("to")
                data.value(row.status.rawValue)
                data.key("reason_code")
                data.value("asserted")
                data.key("revision")
                data.value(Int(row.revision))
            }
            entries.append(
                JournalEntry(.connectionStatusChanged, in: workspaceID, subject: id.description, data: data.text))
        }
        return entries
    }
}

extension ConnectionChange {
    /// The fields besides the status that are written.
    fileprivate var writtenFields: [String] {
        var fields: [String] = []
        if label.isPresent { fields.append("label") }
        if config.value != nil { fields.append("config") }
        if externalID.isPresent { fields.append("external_id") }
        if tags.value != nil { fields.append("tags") }
        if metadata.value != nil { fields.append("metadata") }
        return fields
    }
}
