package import Connections
import LosslessJSON
import Storage

/// A tester over a real store, with an integration whose connections each have a host of their choice, and a prober that
/// answers as the test says.
package struct CheckRoom: Sendable {
    package static let workspace = TestStore.workspace
    /// In seconds.
    package static let interval = 3_600
    private static let batch = 500

    package let kept: TestStore
    package let prober: ScriptedProber
    package let tester: ConnectionTester
    package let connections: ConnectionService
    private let integration: Integration

    /// - Parameter hidesHosts: whether only the credential tells where a connection goes.
    package static func run(
        hidesHosts: Bool = false, _ body: @Sendable (CheckRoom) async throws -> Void
    ) async throws {
        try await TestStore.run { try await body(CheckRoom($0, hidesHosts: hidesHosts)) }
    }

    package init(_ kept: TestStore, hidesHosts: Bool = false) throws {
        self.kept = kept
        prober = ScriptedProber()
        let url = Field(key: "base_url", label: "Base URL", kind: .url, isRequired: true, isSecure: false)
        integration = Integration(
            id: "sample", name: "Sample", type: hidesHosts ? .storage : .api, category: "http", description: "",
            docsURL: "", baseURL: hidesHosts ? nil : try URLTemplate("{base_url}"), destinationKeys: [],
            authMethods: [
                AuthMethod(
                    id: "bearer", name: "Bearer", scheme: .bearer, authType: .accessToken, description: "",
                    fields: [Field(key: "token", label: "Token", kind: .password, isRequired: true, isSecure: true)])
            ], configFields: hidesHosts ? [] : [url],
            probe: hidesHosts ? .postgresql : .request(TestRequest(url: "/me")), checkInterval: Self.interval)
        if hidesHosts { prober.hide { $0.hiddenHost } }
        let catalog = FixedCatalog(integration)
        tester = ConnectionTester(
            store: kept.store, vault: kept.vault, catalog: catalog, prober: prober, grants: NoGrants(),
            ambient: kept.ambient)
        connections = ConnectionService(
            store: kept.store, vault: kept.vault, catalog: catalog, ambient: kept.ambient)
    }

    /// Another one over the same store, as a process has that was started after a crash.
    package var restartedTester: ConnectionTester {
        ConnectionTester(
            store: kept.store, vault: kept.vault, catalog: FixedCatalog(integration), prober: prober,
            grants: NoGrants(),
            ambient: kept.ambient)
    }

    package var clock: TestClock { kept.clock }

    // MARK: Connections

    /// Makes connections to a host.
    /// - Parameter interval: their own, in seconds.
    @discardableResult
    package func connect(
        _ count: Int = 1, to origin: String = "https://a.test", in workspace: WorkspaceID = workspace,
        interval: Int? = nil
    ) async throws -> [ConnectionID] {
        var ids: [ConnectionID] = []
        while ids.count < count {
            let size = min(Self.batch, count - ids.count)
            let cause = kept.cause
            ids += try await kept.store.write { tx in
                try (0..<size).map { _ in
                    try connections.create(
                        draft(origin, interval: interval), integration: integration, in: workspace, cause: cause, tx: tx
                    ).id
                }
            }
        }
        return ids
    }

    private func draft(_ origin: String, interval: Int?) -> ConnectionDraft {
        var (config, data) = (JSONObject(), JSONObject())
        if integration.baseURL == nil {
            data["token"] = JSONText(origin)
        } else {
            config["base_url"] = JSONText(origin)
            data["token"] = JSONText("token")
        }
        return ConnectionDraft(
            integration: integration.id, integrationType: integration.type, authMethodID: "bearer",
            credential: .inline(data), label: nil, config: config, userID: nil, externalID: nil, tags: nil,
            metadata: nil, checkInterval: interval)
    }

    package func connection(_ id: ConnectionID) async throws -> Connection? {
        try await kept.store.connection(id, in: Self.workspace)
    }

    package func status(_ id: ConnectionID) async throws -> ConnectionStatus? { try await connection(id)?.status }

    package func check(_ id: ConnectionID) async throws -> ConnectionCheck? {
        try await kept.store.check(of: id, in: Self.workspace)
    }

    // MARK: What is done to them

    /// A user's PUT.
    package func put(_ status: ConnectionStatus, _ id: ConnectionID) async throws {
        _ = try await connections.update(
            id, in: Self.workspace, to: ConnectionChange(status: .value(status)), if: .none, cause: kept.cause)
    }

    package func test(_ id: ConnectionID) async throws -> TestResult {
        try await tester.test(id, in: Self.workspace, cause: kept.cause)
    }

    package func recheck(_ id: ConnectionID) async throws -> TestResult? {
        try await tester.recheck(
            ConnectionKey(workspaceID: Self.workspace, connectionID: id),
            cause: Cause(principal: .system, requestID: "s", at: clock.now))
    }
}

extension ProbeTarget {
    /// In a room that hides hosts.
    package var hiddenHost: String? { data["token"]?.slice.string }
}

/// There are no tokens here.
private struct NoGrants: GrantUse {
    func open(_: Connection, isForced _: Bool, cause _: Cause) async throws -> OpenedGrant {
        .unavailable(reason: "not_oauth")
    }
}
