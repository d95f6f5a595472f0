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
    /// In seconds; 0 for never.
    package var checkInterval: Patch<Int>

    package init(
        label: Patch<JSONSlice> = .absent, config: Patch<JSONSlice> = .absent,
        status: Patch<ConnectionStatus> = .absent, externalID: Patch<String> = .absent,
        tags: Patch<JSONSlice> = .absent, metadata: Patch<JSONSlice> = .absent,
        checkInterval: Patch<Int> = .absent
    ) {
        self.label = label
        self.config = config
        self.status = status
        self.externalID = externalID
        self.tags = tags
        self.metadata = metadata
        self.checkInterval = checkInterval
    }

    /// Whether anything in it can be written: null leaves config, status, tags and metadata alone, and clears the others.
    package var isEffective: Bool {
        label.isPresent || externalID.isPresent || checkInterval.isPresent || config.value != nil || status.value != nil
            || tags.value != nil
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
        row.checkInterval = change.checkInterval.clearing(checkInterval)
        row.updatedAt = max(now, updatedAt)
        row.revision = revision + 1
        var entries: [JournalEntry] = []
        let fields = change.writtenFields
        if !fields.isEmpty { entries.append(row.note(.connectionUpdated, data: row.data(written: fields))) }
        if let status = change.status.value {
            entries += StatusChange(asserting: status, from: row.status).apply(to: &row, at: now)
        }
        return (row, entries)
    }

    private func data(written fields: [String]) -> JSONText {
        var data = JSONWriter(capacity: 64)
        data.object { data in
            data.key("fields")
            data.array(fields) { data, field in data.plainString { $0.append(contentsOf: field.utf8) } }
            data.key("revision")
            data.value(Int(revision))
        }
        return data.text
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
        if checkInterval.isPresent { fields.append("check_interval") }
        return fields
    }
}
