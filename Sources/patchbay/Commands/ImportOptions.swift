import ArgumentParser
import OAuth

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What every kind of import has in common: where to, how far, and how its outcome is told.
struct ImportOptions: ParsableArguments {
    @Option(help: "A workspace's id. Default: the workspace 'default'.")
    var workspace: String?

    @Flag(help: "Say what would become of each row, and write nothing.")
    var dryRun = false

    @Flag(help: "Activate what the file names: from here on it is refreshed here. Stop the other system first.")
    var activate = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard !dryRun || !activate else { throw ValidationError("--dry-run and --activate exclude each other") }
    }

    static func read(_ file: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw AdminClient.Failed(description: "\(file) cannot be read")
        }
        return [UInt8](data)
    }

    /// Rows and bytes of one request to the store.
    private static let batch = (rows: 200, bytes: 1 << 20)

    func run(_ lines: [ImportLine]) async throws {
        var reader = ImportReader()
        var report = ImportReport(isRehearsal: dryRun)
        var waiting: [ImportRequest.Row] = []
        var size = 0
        try await AdminClient.session { ask in
            func flush() async throws {
                guard !waiting.isEmpty else { return }
                let request = ImportRequest(
                    workspace: workspace, rows: waiting, isRehearsal: dryRun, activates: activate)
                guard case .imported(let rows) = try await ask(.importRows(request)) else { return }
                report.rows += rows
                (waiting, size) = ([], 0)
            }
            for line in lines {
                switch reader.read(line) {
                case .refused(let result): report.rows.append(ImportedRow(result))
                case .row(let row):
                    guard case .success(let json) = line.row else { continue }
                    if !row.hasRefreshToken { report.rowsWithoutRefreshToken += 1 }
                    waiting.append(ImportRequest.Row(line: line.number, json: String(decoding: json, as: UTF8.self)))
                    size += json.count
                    if waiting.count >= Self.batch.rows || size >= Self.batch.bytes { try await flush() }
                }
            }
            try await flush()
        }
        report.rows.sort { $0.line < $1.line }
        try output.print(report) { report.text }
        if report.hasFailures { throw ExitCode.failure }
    }
}

/// What a whole import came to.
struct ImportReport: Encodable {
    let isRehearsal: Bool
    var rows: [ImportedRow] = []
    var rowsWithoutRefreshToken = 0

    init(isRehearsal: Bool) { self.isRehearsal = isRehearsal }

    enum CodingKeys: String, CodingKey {
        case rows
        case isRehearsal = "dry_run"
        case rowsWithoutRefreshToken = "rows_without_refresh_token"
    }

    var hasFailures: Bool { rows.contains { !$0.errors.isEmpty } }

    var text: String {
        var lines = rows.map { row in
            var parts = ["\(row.line)", row.status]
            if let id = row.connectionID { parts.append(id) }
            if row.isActivated { parts.append("activated") }
            return parts.joined(separator: "  ") + row.errors.map { "\n    \($0)" }.joined()
        }
        let counts = ["created", "updated", "unchanged", "failed"].map { status in
            "\(rows.count { $0.status == status }) \(status)"
        }
        lines.append(counts.joined(separator: ", ") + (isRehearsal ? "; nothing was written" : ""))
        if rowsWithoutRefreshToken > 0 {
            lines.append(
                "\(rowsWithoutRefreshToken) without a refresh token: they end with their access tokens "
                    + "(Nango gives it only with ?refresh_token=true)")
        }
        return lines.joined(separator: "\n")
    }
}
