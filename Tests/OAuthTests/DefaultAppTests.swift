import Connections
import LosslessJSON
import Storage
import TestSupport
import Testing

@testable import OAuth

/// Apps of the operator's file, as the API shows them.
@Suite struct DefaultAppTests {
    @Test func `an app of the file shows what this process has seen, in each workspace by itself`() async throws {
        try await Room.run { room in
            let app = OAuthApp(
                id: .numbered(77), workspaceID: nil, integration: room.integration.id, authMethodID: "oauth2",
                label: nil,
                clientID: "shared", clientSecret: nil, scopes: [], clientAuthentication: .none, returnURLs: [],
                authorizeParameters: .emptyObject, config: .emptyObject, createdBy: "file", createdAt: .t0,
                updatedAt: .t0)
            let circuit = AppCircuit()
            let apps = OAuthAppService(
                store: room.store, vault: room.vault, catalog: room.services.catalog, ambient: room.ambient,
                defaults: [app], circuit: circuit)
            func shown(in workspace: WorkspaceID) async throws -> [OAuthApp.Failure?] {
                let page = try await apps.list(OAuthAppQuery(workspace: workspace, page: PageRequest(limit: 10)))
                let listed = try #require(page.items.first { $0.id == app.id })
                return [listed.failure, try await apps.find(app.id, in: workspace).failure]
            }
            let before = try await shown(in: Room.workspace)
            #expect(before == [nil, nil])
            let key = AppCircuit.Key(Room.workspace, app.id)
            _ = circuit.noteFailure(key, reason: "invalid_client", at: .t0)
            let failure = OAuthApp.Failure(reason: "invalid_client", since: .t0)
            #expect(try await shown(in: Room.workspace) == [failure, failure])
            #expect(try await shown(in: .numbered(2)) == [nil, nil])
            circuit.noteSuccess(key)
            #expect(try await shown(in: Room.workspace) == [nil, nil])
        }
    }
}
