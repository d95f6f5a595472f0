package import Connections
import Logging
import LosslessJSON

/// Takes in connections with live grants from another system. What it makes is suspended: its access token is handed out while it
/// lasts, and its refresh token is presented by nobody here until it is activated.
package struct ImportService: Sendable {
    let services: OAuthServices
    let connections: ConnectionService

    /// Rows under way at once, so that they share the commits of the store.
    package static let window = 64

    package init(services: OAuthServices, connections: ConnectionService) {
        self.services = services
        self.connections = connections
    }

    /// What a row comes to, before the store has it.
    struct Outcome: Sendable {
        let status: ImportResult.Status
        let connection: ConnectionID
    }

    /// Ends a unit of work that was to show its outcome and to leave nothing.
    private struct Rehearsed: Error {
        let outcome: Outcome
    }

    /// Each row is a unit of work of its own: one that fails leaves its neighbours alone. Results come in the order of the entries.
    ///
    /// - Parameter isRehearsal: whether everything is done but the last step, and nothing is written.
    package func run(
        _ entries: [ImportEntry], in workspace: WorkspaceID, isRehearsal: Bool = false, cause: Cause
    ) async -> [ImportResult] {
        var results: [ImportResult] = []
        var rest = entries[...]
        while !rest.isEmpty {
            let window = rest.prefix(Self.window)
            rest = rest.dropFirst(Self.window)
            results += await withTaskGroup(of: (Int, ImportResult).self) { group in
                for (index, entry) in window.enumerated() {
                    group.addTask { (index, await run(entry, in: workspace, isRehearsal: isRehearsal, cause: cause)) }
                }
                return await group.reduce(into: [Int: ImportResult]()) { $0[$1.0] = $1.1 }
                    .sorted { $0.key < $1.key }.map(\.value)
            }
        }
        return results
    }

    private func run(
        _ entry: ImportEntry, in workspace: WorkspaceID, isRehearsal: Bool, cause: Cause
    ) async -> ImportResult {
        let row: ImportRow
        switch entry {
        case .refused(let result): return result
        case .row(let given): row = given
        }
        do {
            let outcome = try await services.store.write { tx in
                let outcome = try put(row, in: workspace, cause: cause, tx: tx)
                if isRehearsal { throw Rehearsed(outcome: outcome) }
                return outcome
            }
            return ImportResult(line: row.line, status: outcome.status, connectionID: outcome.connection)
        } catch let rehearsed as Rehearsed {
            let outcome = rehearsed.outcome
            // One that was to be made never was.
            return ImportResult(
                line: row.line, status: outcome.status,
                connectionID: outcome.status == .created ? nil : outcome.connection)
        } catch {
            return .failed(line: row.line, reasons(error))
        }
    }

    /// For the one who sent the row.
    func reasons(_ error: any Error) -> [String] {
        switch error {
        case let refusal as ImportRefusal: return refusal.errors
        case DomainError.validationFailed(let errors): return errors
        case DomainError.invalidConfig(let problems): return problems.map(\.message)
        case DomainError.conflict(let message, _), DomainError.refused(_, let message),
            DomainError.invalidField(_, let message):
            return [message]
        case is VaultError: return ["A stored secret does not open with this master key"]
        case StoreError.unavailable, StoreError.duplicate: return ["The store cannot take this now: send the row again"]
        default:
            services.logger.error("import of a row failed", metadata: ["error.type": "\(type(of: error))"])
            return ["The row could not be stored: the log says more"]
        }
    }
}
