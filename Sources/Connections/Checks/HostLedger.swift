import LosslessJSON

/// Writes down which hosts do not answer, once for each time, and moves the checks of their connections out of the way. No
/// connection's status is touched by it.
package struct HostLedger: Sendable {
    private let store: any Store
    private let ambient: Ambient

    /// Checks that are moved in one unit of work: others wait for the writer meanwhile.
    private static let batch = 1_000
    /// In seconds: how long checks of a host that does not answer are put off, and over how much time they are spread then.
    private static let postponement: Int64 = UnreachableHost.longestPause
    /// In seconds: over how much time they come back once it answers.
    private static let returnSpread: Int64 = 600

    package init(store: any Store, ambient: Ambient) {
        self.store = store
        self.ambient = ambient
    }

    /// Those that did not answer when they were asked last.
    package func hosts() async throws -> [UnreachableHost] { try await store.unreachableHosts() }

    /// Tells of a host that does not answer, and puts its connections off. Nothing is done for a workspace that is gone.
    package func lose(_ unreachable: UnreachableHost, because reason: String, cause: Cause) async throws {
        let host = unreachable.host
        try await store.write { [ambient] tx in
            guard try tx.workspace(host.workspaceID) != nil else { return }
            try tx.put(unreachable)
            try tx.append(
                JournalEntry(
                    .hostUnreachable, in: host.workspaceID, subject: host.origin,
                    data: .members { data in
                        data.key("reason_code")
                        data.value(reason)
                    }),
                id: ambient.id(), cause: cause)
        }
        try await postpone(host, at: cause.at)
    }

    /// Keeps when it is asked next.
    package func put(_ unreachable: UnreachableHost) async throws {
        try await store.write { tx in
            guard try tx.workspace(unreachable.host.workspaceID) != nil else { return }
            try tx.put(unreachable)
        }
    }

    /// Puts off what has become due meanwhile.
    package func postpone(_ host: CheckedHost, at now: Timestamp) async throws {
        try await move(
            CheckMove(
                of: host, dueThrough: now, to: now.advanced(bySeconds: Self.postponement),
                spread: Self.postponement, limit: Self.batch))
    }

    /// Tells that it answers again, and brings back what was put off.
    package func find(_ unreachable: UnreachableHost, cause: Cause) async throws {
        let host = unreachable.host
        try await store.write { [ambient] tx in
            guard try tx.workspace(host.workspaceID) != nil else { return }
            try tx.delete(unreachable: host)
            try tx.append(
                JournalEntry(
                    .hostRecovered, in: host.workspaceID, subject: host.origin,
                    data: .members { data in
                        data.key("unreachable_since")
                        data.plainString { unreachable.since.append(to: &$0) }
                    }),
                id: ambient.id(), cause: cause)
        }
        // What was due as late as this anyway may come a little sooner.
        try await move(
            CheckMove(
                of: host, dueAfter: cause.at.advanced(bySeconds: Self.returnSpread),
                dueThrough: cause.at.advanced(bySeconds: 2 * Self.postponement), to: cause.at,
                spread: Self.returnSpread, limit: Self.batch))
    }

    /// No connection goes there any more.
    package func forget(_ host: CheckedHost) async throws {
        try await store.write { try $0.delete(unreachable: host) }
    }

    private func move(_ move: CheckMove) async throws {
        while try await store.write({ try $0.move(move) }) == move.limit {}
    }
}

extension JSONText {
    /// An object for the journal.
    static func members(_ write: (inout JSONWriter) -> Void) -> JSONText {
        var data = JSONWriter(capacity: 96)
        data.object(write)
        return data.text
    }
}
