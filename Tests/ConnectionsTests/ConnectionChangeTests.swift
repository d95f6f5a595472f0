import Connections
import LosslessJSON
import TestSupport
import Testing

/// What a PUT makes of a row, field by field, and what the journal says of it.
@Suite struct ConnectionChangeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let change: ConnectionChange
        let config: StoredConfig?
        let isEffective: Bool
        /// Turns the row before into the row after, revision and time aside.
        let expect: @Sendable (inout Connection) -> Void
        let journal: [String]
    }

    /// The columns that a change may touch.
    struct Snapshot: Equatable {
        let label: JSONText?
        let config: JSONText
        let status: ConnectionStatus
        let externalID: String?
        let tags: JSONText
        let metadata: JSONText
        let needsRebind: Bool

        init(_ row: Connection) {
            label = row.label
            config = row.config
            status = row.status
            externalID = row.externalID
            tags = row.tags
            metadata = row.metadata
            needsRebind = row.needsRebind
        }
    }

    static let before = Connection(
        id: .numbered(1), workspaceID: .numbered(2), credentialID: .numbered(3), integration: "slack",
        integrationType: .connectors, authMethodID: "bot_token", userID: "user-1", label: .literal("\"Old\""),
        config: .literal("{\"a\":1}"), status: .active, externalID: "ext-1", tags: .literal("[\"t\"]"),
        metadata: .literal("{\"m\":1}"), needsRebind: false, createdBy: "console", createdAt: .t0, updatedAt: .t0,
        revision: 7)

    /// What the journal says of a status that a user says it is. The same again is no new beginning.
    static func asserted(_ from: ConnectionStatus, _ to: ConnectionStatus) -> String {
        let since = (from == to ? before.statusSince : now).rfc3339
        return #"{"from":"\#(from.rawValue)","to":"\#(to.rawValue)","reason_code":"asserted","#
            + #""status_reason":"asserted","status_since":"\#(since)","revision":8}"#
    }

    static let now = Timestamp.t0.advanced(bySeconds: 60)

    @Test(arguments: ConnectionChangeTests.cases)
    func decides(_ expected: Case) {
        #expect(expected.change.isEffective == expected.isEffective)
        let (row, entries) = Self.before.decide(expected.change, config: expected.config, at: Self.now)
        var after = Self.before
        expected.expect(&after)
        #expect(Snapshot(row) == Snapshot(after))
        #expect(entries.map { "\($0.kind.rawValue) \($0.data.string)" } == expected.journal)
        for entry in entries {
            #expect(entry.workspaceID == Self.before.workspaceID)
            #expect(entry.subject == Self.before.id.description)
        }
    }

    @Test(arguments: ConnectionChangeTests.cases)
    func leavesAlone(_ expected: Case) {
        let (row, _) = Self.before.decide(expected.change, config: expected.config, at: Self.now)
        #expect(row.revision == 8)
        #expect(row.updatedAt == Self.now)
        #expect(row.createdAt == Self.before.createdAt)
        #expect(row.id == Self.before.id)
        #expect(row.workspaceID == Self.before.workspaceID)
        #expect(row.credentialID == Self.before.credentialID)
        #expect(row.userID == Self.before.userID)
        #expect(row.authMethodID == Self.before.authMethodID)
    }

    @Test func timeNeverGoesBack() {
        let change = ConnectionChange(status: .value(.error))
        let (row, _) = Self.before.decide(change, config: nil, at: Timestamp.t0.advanced(bySeconds: -60))
        #expect(row.updatedAt == Self.before.updatedAt)
        #expect(row.revision == 8)
    }

    @Test(arguments: ConnectionStatus.allCases, ConnectionStatus.allCases)
    func everyStatusMayFollowEveryOther(_ from: ConnectionStatus, _ to: ConnectionStatus) {
        var before = Self.before
        before.status = from
        let (row, entries) = before.decide(ConnectionChange(status: .value(to)), config: nil, at: Self.now)
        #expect(row.status == to)
        #expect(entries.map(\.data.string) == [Self.asserted(from, to)])
    }

    @Test func theJournalRepeatsNoValue() {
        let change = ConnectionChange(
            label: .value(.literal("\"planted\"")), config: .value(.literal("{\"planted\":1}")),
            externalID: .value("planted"), tags: .value(.literal("[\"planted\"]")),
            metadata: .value(.literal("{\"planted\":1}")))
        let stored = StoredConfig(masked: .literal("{\"planted\":1}"), needsRebind: false)
        let (_, entries) = Self.before.decide(change, config: stored, at: Self.now)
        #expect(!entries.isEmpty)
        for entry in entries { #expect(!entry.data.string.contains("planted")) }
    }
}
