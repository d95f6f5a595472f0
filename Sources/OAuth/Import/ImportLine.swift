/// A row of a file on its way in: as one of ours, or why it cannot be one.
package struct ImportLine: Sendable {
    /// From 1, as a person counts in the file.
    package let number: Int
    /// JSON, not looked into yet.
    package let row: Result<[UInt8], ImportRefusal>

    package init(number: Int, row: Result<[UInt8], ImportRefusal>) {
        self.number = number
        self.row = row
    }
}

/// Why a whole file is not taken. It repeats nothing of the file.
package struct ImportFileError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    init(_ reason: String, line: Int) { self.init("line \(line): \(reason)") }
}

/// Rows as the API takes them, one a line.
package enum NDJSONImport {
    package static func lines(of bytes: [UInt8]) -> [ImportLine] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
            .filter { !$0.element.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") } }
            .map { index, line in ImportLine(number: index + 1, row: .success(Array(line))) }
    }
}
