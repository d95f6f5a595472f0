import Connections
import LosslessJSON
import Storage
import Synchronization
import TestSupport
import Testing

/// What tests make of statuses, over a real store.
@Suite struct ConnectionTesterTests {
    // MARK: Verdicts

    struct Case: CustomTestStringConvertible, Sendable {
        let from: ConnectionStatus
        let verdict: ProbeReport
        let to: ConnectionStatus
        /// Of the status afterwards.
        let reason: String?
        /// The entries that follow `connection.tested`.
        let entries: [String]

        init(
            _ from: ConnectionStatus, _ verdict: ProbeReport, _ to: ConnectionStatus, reason: String?,
            _ entries: [String]
        ) {
            (self.from, self.verdict, self.to, self.reason, self.entries) = (from, verdict, to, reason, entries)
        }

        var testDescription: String { "\(from) and \(verdict.reasonCode) is \(to)" }
    }

    private static let changed = "connection.status_changed"
    private static let recovered = "connection.recovered"
    private static let reauthorize = "connection.needs_reauthorization"
    private static let gone = ProbeReport.invalid(isGrantGone: true)

    static let cases = [
        Case(.active, .valid(), .active, reason: "verified", [changed]),
        Case(.active, .invalid(), .error, reason: "credential_rejected", [changed]),
        Case(.active, gone, .expired, reason: "grant_gone", [changed, reauthorize]),
        Case(.active, .inconclusive, .active, reason: nil, [changed]),
        Case(.active, .unreachable, .active, reason: nil, [changed]),
        Case(.error, .valid(), .active, reason: "verified", [changed, recovered]),
        Case(.error, .invalid(), .error, reason: "credential_rejected", [changed]),
        Case(.error, gone, .expired, reason: "grant_gone", [changed, reauthorize]),
        Case(.error, .inconclusive, .error, reason: "asserted", [changed]),
        Case(.expired, .valid(), .active, reason: "verified", [changed, recovered]),
        // What is expired is not merely in error.
        Case(.expired, .invalid(), .expired, reason: "credential_rejected", [changed]),
        Case(.expired, gone, .expired, reason: "grant_gone", [changed]),
        Case(.expired, .inconclusive, .expired, reason: "asserted", [changed]),
        Case(.testing, .valid(), .active, reason: "verified", [changed]),
        Case(.testing, .invalid(), .error, reason: "credential_rejected", [changed]),
        Case(.testing, .inconclusive, .testing, reason: "asserted", []),
    ]

    @Test(arguments: cases)
    func `a test makes of a status what its verdict allows`(_ expected: Case) async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            room.clock.advance(seconds: 10)
            if expected.from != .active { try await room.put(expected.from, id) }
            let since = try #require(await room.connection(id)).statusSince
            room.clock.advance(seconds: 10)
            room.prober.answer(expected.verdict)
            let result = try await room.test(id)
            #expect(result.report.reasonCode == expected.verdict.reasonCode)
            #expect(result.checkedAt == room.clock.now)
            let row = try #require(await room.connection(id))
            #expect(row.status == expected.to)
            #expect(row.statusReason == expected.reason)
            // A status that it had before the test is the same one still.
            #expect(row.statusSince == (expected.to == expected.from ? since : room.clock.now))
            #expect(row.lastCheckedAt == room.clock.now)
            let journal = try await room.kept.journal()
            let tested = try #require(journal.lastIndex(of: "connection.tested"))
            #expect(Array(journal[(tested + 1)...]) == expected.entries)
            let check = try #require(await room.check(id))
            #expect(check.running == nil)
            #expect(check.verdict == expected.verdict.verdict)
            #expect((check.dueAt == nil) == ![.active, .error].contains(expected.to))
        }
    }

    @Test(arguments: cases.filter { [.active, .error].contains($0.from) })
    func `a look on its own clock does the same, and shows nothing meanwhile`(_ expected: Case) async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            if expected.from != .active { try await room.put(expected.from, id) }
            let before = try await room.kept.journal().count
            room.clock.advance(seconds: 10)
            room.prober.answer(expected.verdict)
            let result = try await room.recheck(id)
            #expect(result?.report.reasonCode == expected.verdict.reasonCode)
            #expect(try await room.status(id) == expected.to)
            let entries = Array(try await room.kept.journal()[before...])
            #expect(entries == (expected.from == expected.to ? [] : expected.entries))
        }
    }

    @Test func `one that is inactive is not tested, and one that is nobody's neither`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            try await room.put(.inactive, id)
            let before = try await room.kept.journal()
            await #expect(throws: DomainError.self) { try await room.test(id) }
            await #expect(throws: DomainError.notFound(.connection)) { try await room.test(.numbered(99)) }
            #expect(try await room.recheck(id) == nil)
            #expect(room.prober.count == 0)
            #expect(try await room.kept.journal() == before)
        }
    }

    // MARK: While it is under way

    /// Holds whoever asks until it is told to go on.
    private final class Brake: Sendable {
        private let (asked, signal) = AsyncStream.makeStream(of: Void.self)
        private let (open, release) = AsyncStream.makeStream(of: Void.self)

        func hold(_ report: ProbeReport) async -> ProbeReport {
            signal.yield()
            _ = await open.first { true }
            return report
        }

        func waitUntilAsked() async { _ = await asked.first { true } }

        func letGo() { release.finish() }
    }

    @Test func `it shows as testing, and whoever comes meanwhile waits for the same test`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            let brake = Brake()
            room.prober.answer { _ in await brake.hold(.valid()) }
            async let first = room.test(id)
            await brake.waitUntilAsked()
            #expect(try await room.status(id) == .testing)
            #expect(try await room.connection(id)?.statusReason == "test_started")
            async let second = room.test(id)
            async let third = room.test(id)
            for _ in 0..<100 { await Task.yield() }
            brake.letGo()
            let results = try await [first, second, third]
            #expect(results.allSatisfy { $0.report.verdict == .valid })
            #expect(room.prober.count == 1)
            #expect(try await room.kept.journal().filter { $0 == "connection.tested" }.count == 1)
            #expect(try await room.status(id) == .active)
        }
    }

    static let assertions: [(ConnectionStatus, ProbeReport, ConnectionStatus)] = [
        (.inactive, .invalid(), .inactive), (.inactive, .valid(), .inactive), (.active, .invalid(), .error),
        (.active, .inconclusive, .active), (.expired, .inconclusive, .expired), (.error, .valid(), .active),
    ]

    @Test(arguments: assertions)
    func `what a user says during a test holds, and the verdict is of that`(
        _ said: ConnectionStatus, _ report: ProbeReport, _ after: ConnectionStatus
    ) async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            let brake = Brake()
            room.prober.answer { _ in await brake.hold(report) }
            async let result = room.test(id)
            await brake.waitUntilAsked()
            try await room.put(said, id)
            #expect(try await room.status(id) == said)
            brake.letGo()
            _ = try await result
            #expect(try await room.status(id) == after)
            #expect(try await room.check(id)?.running == nil)
        }
    }

    @Test func `a connection that goes during its test is gone`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            let brake = Brake()
            room.prober.answer { _ in await brake.hold(.valid()) }
            let test = Task { try await room.test(id) }
            await brake.waitUntilAsked()
            try await room.connections.delete(id, in: CheckRoom.workspace, if: .none, cause: room.kept.cause)
            brake.letGo()
            await #expect(throws: DomainError.notFound(.connection)) { try await test.value }
            #expect(try await room.kept.journal().last == "credential.deleted")
        }
    }

    // MARK: After a crash

    @Test(arguments: [ConnectionStatus.active, .error, .expired])
    func `a test that nobody ended is undone as if it had not been`(_ status: ConnectionStatus) async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            room.clock.advance(seconds: 5)
            if status != .active { try await room.put(status, id) }
            let before = try #require(await room.connection(id))
            room.clock.advance(seconds: 5)
            try await room.crashInTest(of: id)
            room.clock.advance(seconds: 5)
            let tester = room.restartedTester
            let cause = room.kept.cause
            #expect(try await tester.undoUnfinished(startedBefore: room.clock.now, cause: cause) == 1)
            #expect(try await tester.undoUnfinished(startedBefore: room.clock.now, cause: cause) == 0)
            let after = try #require(await room.connection(id))
            #expect(after.status == status)
            #expect(after.statusReason == before.statusReason)
            #expect(after.statusSince == before.statusSince)
            #expect(after.lastCheckedAt == nil)
        }
    }

    @Test func `nothing is undone that a user has decided on since, or that is under way here`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            try await room.crashInTest(of: id)
            room.clock.advance(seconds: 5)
            // By the process that tests.
            _ = try await room.tester.undoUnfinished(startedBefore: room.clock.now, cause: room.kept.cause)
            #expect(try await room.status(id) == .testing)
            try await room.put(.inactive, id)
            _ = try await room.restartedTester.undoUnfinished(startedBefore: room.clock.now, cause: room.kept.cause)
            #expect(try await room.status(id) == .inactive)
            #expect(try await room.check(id)?.running == nil)
        }
    }

    // MARK: Identity, certificates, hosts

    @Test func `another account than before is told of`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            var told: [Bool] = []
            for account in ["me", "me", "you", "you"] {
                room.prober.answer(.valid(account: account))
                told.append(try await room.test(id).hasIdentityChanged)
            }
            #expect(told == [false, false, true, false])
            room.prober.answer(.valid(account: "me"))
            #expect(try await room.recheck(id)?.hasIdentityChanged == true)
            #expect(try await room.kept.journal().filter { $0 == "connection.identity_changed" }.count == 2)
        }
    }

    @Test func `a certificate that ends soon is seen again`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect()[0]
            func depth(certificateDays: Int64?) async throws -> ProbeTarget.Depth? {
                var report = ProbeReport.valid()
                report.certificateExpiresAt = certificateDays.map { room.clock.now.advanced(bySeconds: $0 * 86_400) }
                room.prober.answer(report)
                _ = try await room.recheck(id)
                return room.prober.targets.last?.depth
            }
            #expect(try await depth(certificateDays: 60) == .full)
            #expect(try await depth(certificateDays: nil) == .brief)
            #expect(try await depth(certificateDays: 20) == .brief)
            #expect(try await depth(certificateDays: 90) == .full)
            #expect(try await depth(certificateDays: nil) == .brief)
        }
    }

    @Test func `a connection that moves to another host is counted there`() async throws {
        try await CheckRoom.run { room in
            let id = try await room.connect(to: "https://old.test")[0]
            #expect(try await room.check(id)?.origin == "https://old.test")
            var config = JSONObject()
            config["base_url"] = JSONText("https://new.test/v1")
            _ = try await room.connections.update(
                id, in: CheckRoom.workspace, to: ConnectionChange(config: .value(config.text.slice)), if: .none,
                cause: room.kept.cause)
            #expect(try await room.check(id)?.origin == "https://new.test")
        }
    }
}

extension CheckRoom {
    /// A process that ends while it tests: its test begins, and never ends.
    func crashInTest(of id: ConnectionID) async throws {
        let (begun, signal) = AsyncStream.makeStream(of: Void.self)
        prober.answer { _ in
            signal.yield()
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
            return .valid()
        }
        let cause = kept.cause
        _ = Task { [tester] in try await tester.test(id, in: Self.workspace, cause: cause) }
        _ = await begun.first { true }
    }
}
