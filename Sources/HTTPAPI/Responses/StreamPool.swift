import Connections
import Synchronization

/// Bounds how many streams of events there are at once, and how many of them are one workspace's.
package final class StreamPool: Sendable {
    private struct State {
        var total = 0
        var byWorkspace: [WorkspaceID: Int] = [:]
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let capacityPerWorkspace: Int

    package init(capacity: Int = 256, capacityPerWorkspace: Int = 64) {
        self.capacity = capacity
        self.capacityPerWorkspace = capacityPerWorkspace
    }

    /// A place, which is given back when the last holder lets go of it.
    final class Place: Sendable {
        private let pool: StreamPool
        private let workspace: WorkspaceID

        fileprivate init(_ pool: StreamPool, _ workspace: WorkspaceID) {
            self.pool = pool
            self.workspace = workspace
        }

        deinit { pool.giveBack(workspace) }
    }

    /// `nil` while there is none.
    func place(for workspace: WorkspaceID) -> Place? {
        let isFree = state.withLock { state in
            let own = state.byWorkspace[workspace] ?? 0
            guard state.total < capacity, own < capacityPerWorkspace else { return false }
            state.total += 1
            state.byWorkspace[workspace] = own + 1
            return true
        }
        return isFree ? Place(self, workspace) : nil
    }

    private func giveBack(_ workspace: WorkspaceID) {
        state.withLock { state in
            state.total -= 1
            let own = (state.byWorkspace[workspace] ?? 1) - 1
            state.byWorkspace[workspace] = own > 0 ? own : nil
        }
    }
}
