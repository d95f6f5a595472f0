package import Connections
import LosslessJSON

/// What became of one row.
package struct ImportResult: Sendable {
    package enum Status: String, Sendable {
        case created
        /// It is here already, as the row has it.
        case unchanged
        /// It waited to be activated and took what the row has.
        case updated
        case failed
    }

    package let line: Int
    package let status: Status
    package let connectionID: ConnectionID?
    package let errors: [String]

    package init(line: Int, status: Status, connectionID: ConnectionID? = nil, errors: [String] = []) {
        self.line = line
        self.status = status
        self.connectionID = connectionID
        self.errors = errors
    }

    package static func failed(line: Int, _ errors: [String]) -> ImportResult {
        ImportResult(line: line, status: .failed, errors: errors)
    }
}

/// A line of an import: a row, or why there is none.
package enum ImportEntry: Sendable {
    case row(ImportRow)
    case refused(ImportResult)
}

/// Reads the lines of one import one after the other, and refuses a connection that stands in it twice: which of the two has the
/// newer tokens, only their owner knows.
package struct ImportReader: Sendable {
    private struct Key: Hashable {
        let integration: String
        /// As bytes, as the store compares it.
        let externalID: [UInt8]
    }

    private var lines: [Key: Int] = [:]

    /// In bytes.
    package static let maxRowSize = 64 << 10
    package static let maxRows = 10_000

    package init() {}

    package mutating func read(_ line: ImportLine) -> ImportEntry {
        switch line.row {
        case .success(let bytes): read(bytes, line: line.number)
        case .failure(let refusal): .refused(.failed(line: line.number, refusal.errors))
        }
    }

    package mutating func read(_ bytes: [UInt8], line: Int) -> ImportEntry {
        guard bytes.count <= Self.maxRowSize else { return .refused(.tooLarge(line: line)) }
        do {
            let row = try ImportRow(JSONSlice(parsing: bytes), line: line)
            let key = Key(integration: row.integration, externalID: Array(row.externalID.utf8))
            if let earlier = lines[key] {
                return .refused(.failed(line: line, ["The same integration and external_id stand in line \(earlier)"]))
            }
            lines[key] = line
            return .row(row)
        } catch let refusal as ImportRefusal {
            return .refused(.failed(line: line, refusal.errors))
        } catch {
            return .refused(.failed(line: line, ["Not JSON: \(error)"]))
        }
    }
}

extension ImportResult {
    package static func tooLarge(line: Int) -> ImportResult {
        .failed(line: line, ["A row has at most \(ImportReader.maxRowSize) bytes"])
    }
}
