import Connections
import OAuth

/// Moving in from the command line.
extension AdminHandler {
    func importRows(_ request: ImportRequest) async throws -> [ImportedRow] {
        let workspace = try await resolve(request.workspace)
        var reader = ImportReader()
        let entries = request.rows.map { reader.read(Array($0.json.utf8), line: $0.line) }
        let results = await instance.imports.run(
            entries, in: workspace, isRehearsal: request.isRehearsal, cause: cause)
        var rows: [ImportedRow] = []
        for result in results {
            var row = ImportedRow(result)
            if request.activates, let id = result.connectionID {
                switch await instance.imports.activate(id, in: workspace, cause: cause) {
                case .activated: row.isActivated = true
                case .nothing: break
                case .failed(let errors): row.errors += errors
                }
            }
            rows.append(row)
        }
        return rows
    }

    func activateImported(_ workspace: String?, integration: String?) async throws -> ActivationSummary {
        let (activated, failures) = try await instance.imports.activateAll(
            in: try await resolve(workspace), integration: integration, cause: cause)
        return ActivationSummary(
            activated: activated,
            failures: failures.map { .init(connectionID: $0.connection.description, errors: $0.errors) })
    }
}

extension ImportedRow {
    init(_ result: ImportResult) {
        self.init(
            line: result.line, status: result.status.rawValue, connectionID: result.connectionID?.description,
            errors: result.errors)
    }
}
