import Connections
import LosslessJSON
import Storage
import TestSupport
import Testing

/// The status is the projection of the journal, whatever happened.
@Suite struct StatusHistoryTests {
    private static let histories = 1_000
    /// Each has a store of its own: a process that begins ends the tests of all in its store.
    private static let tellers = 8

    @Test func `in 1,000 histories the journal tells every status that there was`() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for teller in 0..<Self.tellers {
                group.addTask {
                    try await TestStore.run { kept in
                        for number in stride(from: teller, to: Self.histories, by: Self.tellers) {
                            let history = try await StatusHistory(seed: UInt64(number), over: kept)
                            try await history.run(steps: 12)
                            try await Self.check(history, number: number)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func check(_ history: StatusHistory, number: Int) async throws {
        let store = history.room.kept.store
        let hint: Comment = "history \(number): \(history.steps)"
        let row = try #require(await history.room.connection(history.id), hint)
        let stored = StatusMoment(status: row.status, reason: row.statusReason, since: row.statusSince)

        let query = TimelineQuery(
            workspace: CheckRoom.workspace, connection: history.id, credential: nil, limit: 1_000)
        let entries = try await store.timeline(query).reversed()
        #expect(fold(Array(entries), hint) == stored, hint)
        // Whoever gets them can put them in order.
        let sequences = entries.compactMap(\.subjectSequence)
        #expect(sequences == sequences.sorted(), hint)
        #expect(Set(sequences).count == entries.count, hint)

        let timeline = TimelineService(store: store)
        func told(at instant: Timestamp) async throws -> StatusMoment? {
            try await timeline.page(
                of: history.id, in: CheckRoom.workspace, at: instant, before: nil, limit: 10
            ).moment
        }
        #expect(try await told(at: Timestamp(microseconds: Timestamp.t0.microseconds - 1)) == nil, hint)
        let points = history.points
        for (index, point) in points.enumerated() {
            #expect(try await told(at: point.at) == point.moment, hint)
            let end = index + 1 < points.count ? points[index + 1].at : point.at.advanced(bySeconds: 1_000_000)
            let last = end.microseconds - 1
            #expect(try await told(at: Timestamp(microseconds: last)) == point.moment, hint)
        }
    }

    /// Goes from status to status as the entries say, each from where the one before had led to.
    private static func fold(_ entries: [JournalRecord], _ hint: Comment) -> StatusMoment? {
        var moment: StatusMoment?
        for entry in entries {
            guard let next = StatusMoment(entry) else { continue }
            if entry.kind == .connectionStatusChanged {
                let from = JSONObject(entry.data.slice).text(at: "from")
                #expect(from == moment?.status.rawValue, hint)
            }
            moment = next
        }
        return moment
    }
}
