import Connections
import LosslessJSON
import Storage
import Testing

/// Going on as the original, over a real store.
@Suite struct ResumptionTests {
    private static func key(
        _ number: UInt64, _ label: String, in workspace: WorkspaceID?, status: Availability = .active,
        expiresAt: Timestamp? = nil
    ) -> APIKey {
        APIKey(
            id: id(number), workspaceID: workspace, label: label, status: status, permissions: .all,
            expiresAt: expiresAt, createdBy: "test", createdAt: .t0, updatedAt: .t0)
    }

    private static func id(_ number: UInt64) -> APIKeyID { APIKeyID(ULID(high: 4, low: number)) }

    private static let cause = Cause(
        principal: .console, requestID: "r", at: Timestamp.t0.advanced(bySeconds: 60))

    /// Not a hash: different for the tokens of a test.
    @Sendable private static func digest(_ token: String) -> TokenDigest {
        var bytes = [UInt8](repeating: 0, count: 32)
        for (index, byte) in token.utf8.enumerated() { bytes[index % 32] = bytes[index % 32] &* 31 &+ byte }
        return bytes.withUnsafeBytes { TokenDigest($0) }
    }

    private static func resumption(_ fixture: StoreFixture) -> (Resumption, APIKeyAuthenticator) {
        let authenticator = APIKeyAuthenticator(store: fixture.store, digester: digest)
        let ambient = Ambient(now: { cause.at }, randomBytes: { [UInt8](repeating: 7, count: $0) })
        return (Resumption(store: fixture.store, authenticator: authenticator, ambient: ambient), authenticator)
    }

    private static func fill(_ fixture: StoreFixture) async throws {
        try await fixture.store.write { tx in
            try tx.insert(key(1, "one", in: nil), digest: digest("t1"))
            try tx.insert(key(2, "twin", in: fixture.a), digest: digest("t2"))
            try tx.insert(key(3, "twin", in: fixture.b), digest: digest("t3"))
            try tx.insert(key(4, "off", in: fixture.a, status: .inactive), digest: digest("t4"))
            try tx.insert(key(5, "over", in: fixture.a, expiresAt: .t0), digest: digest("t5"))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `keys are disabled but for those that are named`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await Self.fill(fixture)
            let (resumption, authenticator) = Self.resumption(fixture)
            // In memory by now.
            #expect(try await authenticator.authenticate("t2", at: Self.cause.at) != nil)
            let outcome = try await resumption.run(keeping: ["one", Self.id(3).description], cause: Self.cause)
            #expect(outcome.kept.map(\.id) == [Self.id(1), Self.id(3)])
            #expect(outcome.disabled.map(\.id) == [Self.id(2), Self.id(5)])
            #expect(outcome.made == nil)
            for (token, mayEnter) in [("t1", true), ("t2", false), ("t3", true), ("t4", false), ("t5", false)] {
                let entered = try await authenticator.authenticate(token, at: Self.cause.at) != nil
                #expect(entered == mayEnter, "\(token)")
            }
            let stored = try await fixture.store.write { try InstanceEpoch.stored($0) }
            #expect(stored == outcome.epoch)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `with none kept, one is made that may do everything`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await Self.fill(fixture)
            let (resumption, authenticator) = Self.resumption(fixture)
            let outcome = try await resumption.run(keeping: [], cause: Self.cause)
            #expect(outcome.disabled.count == 4)
            let made = try #require(outcome.made)
            let principal = try #require(try await authenticator.authenticate(made.token, at: Self.cause.at))
            #expect(principal.isInstanceWide)
            #expect(principal.permissions == .all)
        }
    }

    @Test(arguments: ["nobody", "twin", "off", "over"])
    func `a name that is no one usable key's changes nothing`(_ name: String) async throws {
        try await StoreUnderTest.sqlite.run { fixture in
            try await Self.fill(fixture)
            let (resumption, authenticator) = Self.resumption(fixture)
            await #expect(throws: DomainError.self) {
                try await resumption.run(keeping: ["one", name], cause: Self.cause)
            }
            #expect(try await authenticator.authenticate("t2", at: Self.cause.at) != nil)
            let epoch = try await fixture.store.write { try InstanceEpoch.stored($0) }
            #expect(epoch == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `grants at risk are counted, and the first are told with their connections`(
        _ kind: StoreUnderTest
    ) async throws {
        try await kind.run { fixture in
            try await fixture.insert(StoreFixture.connection(1, in: fixture.a, externalID: "e1"))
            try await fixture.store.write { tx in
                try tx.put(StoreFixture.fullGrant(in: fixture.a))
                try tx.put(StoreFixture.fullGrant(in: fixture.b))
            }
            let (resumption, _) = Self.resumption(fixture)
            let (total, first) = try await resumption.atRisk(limit: 1)
            #expect(total == 2)
            #expect(first.count == 1)
            let all = try await resumption.atRisk(limit: 10).first
            #expect(all.compactMap { $0.connection?.externalID } == ["e1"])
        }
    }
}
