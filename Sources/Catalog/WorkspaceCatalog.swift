package import Connections
import LosslessJSON
import Synchronization

/// The built-in integrations and, behind them, each workspace's own. Those are in memory, since units of work ask for them; the
/// service that changes them in the store changes them here.
package final class WorkspaceCatalog: IntegrationCatalog {
    /// Where a change stands in the order of the store's writes.
    struct Order: Sendable, Comparable {
        fileprivate let number: UInt64

        static func < (a: Self, b: Self) -> Bool { a.number < b.number }
    }

    private struct Name: Hashable {
        let workspace: WorkspaceID
        let id: String
    }

    private struct State {
        var own: [WorkspaceID: [String: (integration: Integration, revision: Int64, order: Order)]] = [:]
        var lastOrder: UInt64 = 0
        /// What was deleted lately, so that an older change which is noticed later does not bring it back.
        var deleted: [Name: Order] = [:]
        var deletedInTurn: [Name] = []
    }

    private let builtIn = BuiltInCatalog()
    private let state = Mutex(State())

    /// More deletions than this are never under way at once.
    private static let maxDeleted = 1_000

    package init() {}

    /// Reads what the store has. Returns the ids of definitions that this program does not understand any more.
    package func load(_ store: some IntegrationStore) async throws -> [String] {
        var unreadable: [String] = []
        for definition in try await store.integrationDefinitions() {
            do {
                put(try Self.parse(definition), of: definition, order: nextOrder())
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

    // MARK: Changes

    /// To be taken within the unit of work, after the row was written: units that write one row run one after the other.
    func nextOrder() -> Order {
        state.withLock { state in
            state.lastOrder += 1
            return Order(number: state.lastOrder)
        }
    }

    /// An older change never takes the place of a newer one, in whatever order commits are noticed.
    func put(_ integration: Integration, of definition: IntegrationDefinition, order: Order) {
        state.withLock { state in
            let name = Name(workspace: definition.workspaceID, id: definition.id)
            if let known = state.own[name.workspace]?[name.id], known.order > order { return }
            if let deleted = state.deleted[name], deleted > order { return }
            state.own[name.workspace, default: [:]][name.id] = (integration, definition.revision, order)
        }
    }

    func remove(_ id: String, in workspace: WorkspaceID, order: Order) {
        state.withLock { state in
            let name = Name(workspace: workspace, id: id)
            if let known = state.own[workspace]?[id], known.order > order { return }
            state.own[workspace]?[id] = nil
            if state.deleted.updateValue(order, forKey: name) == nil { state.deletedInTurn.append(name) }
            guard state.deletedInTurn.count > Self.maxDeleted else { return }
            state.deleted[state.deletedInTurn.removeFirst()] = nil
        }
    }

    package func revision(_ id: String, in workspace: WorkspaceID) -> Int64? {
        guard !isBuiltIn(id) else { return nil }
        return state.withLock { $0.own[workspace]?[id]?.revision }
    }

    // MARK: IntegrationCatalog

    package func integration(_ id: String, in workspace: WorkspaceID) -> Integration? {
        builtIn.integration(id) ?? state.withLock { $0.own[workspace]?[id]?.integration }
    }

    package func all(in workspace: WorkspaceID) -> [Integration] {
        let mine = state.withLock { Array(($0.own[workspace] ?? [:]).values) }
        return (builtIn.all() + mine.map(\.integration)).sorted { $0.id < $1.id }
    }

    package func forget(_ workspace: WorkspaceID) {
        state.withLock { $0.own[workspace] = nil }
    }
}
