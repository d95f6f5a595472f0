import Connections
import Storage
import Testing

@Suite struct KeyStoreTests {
    private static func key(_ number: UInt64, in workspace: WorkspaceID?) -> APIKey {
        APIKey(
            id: APIKeyID(ULID(high: 4, low: number)), workspaceID: workspace, label: "k", permissions: [.read, .admin],
            expiresAt: .t0, ipWhitelist: IPRange("10.0.0.0/8").map { [$0] }, collections: ["c"], createdBy: "test",
            createdAt: .t0, updatedAt: .t0)
    }

    private static func digest(_ byte: UInt8) -> TokenDigest {
        Array(repeating: byte, count: 32).withUnsafeBytes { TokenDigest($0) }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a key is found by its digest alone and comes back whole`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.store.write { try $0.insert(Self.key(1, in: fixture.a), digest: Self.digest(1)) }
            let found = try #require(try await fixture.store.apiKey(Self.digest(1)))
            #expect(found.permissions == [.read, .admin])
            #expect(found.expiresAt == .t0)
            #expect(found.ipWhitelist?.map(\.text) == ["10.0.0.0/8"])
            #expect(found.collections == ["c"])
            #expect(try await fixture.store.apiKey(Self.digest(2)) == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a workspace sees its own keys only, the instance all`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            try await fixture.store.write { tx in
                try tx.insert(Self.key(1, in: fixture.a), digest: Self.digest(1))
                try tx.insert(Self.key(2, in: fixture.b), digest: Self.digest(2))
                try tx.insert(Self.key(3, in: nil), digest: Self.digest(3))
            }
            let foreign = APIKeyID(ULID(high: 4, low: 2))
            #expect(try await fixture.store.apiKey(foreign, in: fixture.a) == nil)
            #expect(try await fixture.store.apiKey(foreign, in: nil) != nil)
            let page = PageRequest<APIKeyID>(limit: 10)
            #expect(try await fixture.store.apiKeys(in: fixture.a, page: page).total == 1)
            #expect(try await fixture.store.apiKeys(in: nil, page: page).total == 3)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a slug is taken once`(_ kind: StoreUnderTest) async throws {
        try await kind.run { fixture in
            let twin = Workspace(
                id: WorkspaceID(ULID(high: 1, low: 3)), name: "a", slug: "a", description: nil, createdBy: "test",
                createdAt: .t0, updatedAt: .t0)
            let error = await #expect(throws: StoreError.self) {
                try await fixture.store.write { try $0.insert(twin, wrappedDataKey: [1]) }
            }
            guard case .duplicate(.workspaceSlug) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}
