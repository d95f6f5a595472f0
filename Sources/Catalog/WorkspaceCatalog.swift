package import Connections
import LosslessJSON
import Synchronization

/// The built-in integrations and, behind them, each workspace's own. Those are in memory, since units of work ask for them; the
/// service that changes them in the store changes them here.
package final class WorkspaceCatalog: IntegrationCatalog {
    private let builtIn = BuiltInCatalog()
    private let own = Mutex<[WorkspaceID: [String: (integration: Integration, revision: Int64)]]>([:])

    package init() {}

    /// Reads what the store has. Returns the ids of definitions that this program does not understand any more.
    package func load(_ store: some IntegrationStore) async throws -> [String] {
        var unreadable: [String] = []
        for definition in try await store.integrationDefinitions() {
            do {
                put(try Self.parse(definition), of: definition)
            } catch {
                unreadable.append(definition.id)
            }
        }
        return unreadable
    }

    static func parse(_ definition: IntegrationDefinition) throws(CatalogFileError) -> Integration {
        try CatalogFile.parseWorkspaceDefined(definition.definition.string, id: definition.id)
    }

    func isBuiltIn(_ id: String) -> Bool { builtIn.integration(id) != nil }

    /// An older revision never takes the place of a newer one, in whatever order commits are noticed.
    func put(_ integration: Integration, of definition: IntegrationDefinition) {
        own.withLock { own in
            if let known = own[definition.workspaceID]?[definition.id], known.revision > definition.revision { return }
            own[definition.workspaceID, default: [:]][definition.id] = (integration, definition.revision)
        }
    }

    func remove(_ id: String, in workspace: WorkspaceID) {
        own.withLock { $0[workspace]?[id] = nil }
    }

    package func revision(_ id: String, in workspace: WorkspaceID) -> Int64? {
        own.withLock { $0[workspace]?[id]?.revision }
    }

    // MARK: IntegrationCatalog

    package func integration(_ id: String, in workspace: WorkspaceID) -> Integration? {
        builtIn.integration(id) ?? own.withLock { $0[workspace]?[id]?.integration }
    }

    package func all(in workspace: WorkspaceID) -> [Integration] {
        let mine = own.withLock { Array(($0[workspace] ?? [:]).values) }
        return (builtIn.all() + mine.map(\.integration)).sorted { $0.id < $1.id }
    }
}
