/// What is read of tests and of statuses outside a unit of work.
package protocol CheckStore: Sendable {
    /// Over all workspaces, oldest first, found by an index. With `after`, those that follow it.
    func dueChecks(at: Timestamp, after: DueCheck?, limit: Int) async throws -> [DueCheck]
    /// Those of one host.
    func dueChecks(of host: CheckedHost, at: Timestamp, limit: Int) async throws -> [DueCheck]
    /// Of the connections to a host, the one that is looked at next, due or not; `nil` where none ever is.
    func nextCheck(of host: CheckedHost) async throws -> ConnectionKey?
    func check(of connection: ConnectionID, in workspace: WorkspaceID) async throws -> ConnectionCheck?
    func unreachableHosts() async throws -> [UnreachableHost]
    /// Tests that began before and never ended.
    func unfinishedTests(startedBefore: Timestamp, limit: Int) async throws -> [ConnectionKey]
    /// What a connection's timeline shows, newest first; with its credential's entries.
    func timeline(_ query: TimelineQuery) async throws -> [JournalRecord]
}

package protocol CheckTransaction {
    func check(of connection: ConnectionID, in workspace: WorkspaceID) throws -> ConnectionCheck?
    /// Inserts or replaces.
    func put(_ check: ConnectionCheck) throws
    /// Returns how many were moved.
    func move(_ checks: CheckMove) throws -> Int
    /// Inserts or replaces.
    func put(_ unreachable: UnreachableHost) throws
    func delete(unreachable host: CheckedHost) throws
}

package struct TimelineQuery: Sendable {
    package let workspace: WorkspaceID
    package let connection: ConnectionID
    package let credential: CredentialID?
    /// Nothing later than this.
    package var until: Timestamp?
    /// Entries before this one.
    package var before: EventID?
    package var limit: Int
    /// Only what says what the status is.
    package var onlyStatus = false

    package init(workspace: WorkspaceID, connection: ConnectionID, credential: CredentialID?, limit: Int) {
        self.workspace = workspace
        self.connection = connection
        self.credential = credential
        self.limit = limit
    }
}
