import Connections
import LosslessJSON

/// A table of tokens with a header, as a database exports it.
package struct CSVImport {
    /// Where a column's values go.
    private enum Place {
        case text(String)
        /// Words with spaces or commas between.
        case words(String)
        /// A member of an object.
        case member(of: String, String)
    }

    private static let texts = [
        "integration", "auth_method_id", "external_id", "user_id", "label", "client_id", "app_id",
    ]
    private static let lists = ["scopes", "tags"]
    private static let objects = ["config", "metadata", "credentials"]

    /// For rows that name none.
    private let integration: String?

    package init(integration: String?) {
        self.integration = integration
    }

    package func lines(of bytes: [UInt8]) throws(ImportFileError) -> [ImportLine] {
        var reader = CSVReader(bytes)
        guard let header = try reader.next() else { throw ImportFileError("the file is empty") }
        var places: [Place] = []
        for (index, name) in header.fields.enumerated() { places.append(try place(of: name, number: index + 1)) }
        guard Set(header.fields).count == header.fields.count else {
            throw ImportFileError("a column stands in the header twice", line: header.line)
        }
        var lines: [ImportLine] = []
        while let record = try reader.next() {
            guard record.fields.count == places.count else {
                let refusal = ImportRefusal(["The row has \(record.fields.count) fields, the header \(places.count)"])
                lines.append(ImportLine(number: record.line, row: .failure(refusal)))
                continue
            }
            lines.append(ImportLine(number: record.line, row: .success(row(record.fields, places).bytes)))
        }
        return lines
    }

    /// The name is not repeated: without a header, it would be somebody's token.
    private func place(of name: String, number: Int) throws(ImportFileError) -> Place {
        if Self.texts.contains(name) { return .text(name) }
        if Self.lists.contains(name) { return .words(name) }
        if Tokens.keys.contains(name) { return .member(of: "credentials", name) }
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        if parts.count == 2, Self.objects.contains(parts[0]) { return .member(of: parts[0], parts[1]) }
        let known = Self.texts + Self.lists + Tokens.keys + Self.objects.map { "\($0).NAME" }
        throw ImportFileError("column \(number) of the header is none of \(known.joined(separator: ", "))")
    }

    /// An empty field is none.
    private func row(_ fields: [String], _ places: [Place]) -> JSONText {
        var row = JSONObject()
        row["integration"] = integration.map { JSONText($0) }
        var objects: [String: JSONObject] = [:]
        for (field, place) in zip(fields, places) where !field.isEmpty {
            switch place {
            case .text(let name): row[name] = JSONText(field)
            case .words(let name):
                var words = JSONWriter(capacity: 64)
                words.strings(field.split { $0 == " " || $0 == "," }.map(String.init))
                row[name] = words.text
            case .member(let object, let name): objects[object, default: JSONObject()][name] = JSONText(field)
            }
        }
        for name in Self.objects { row[name] = objects[name]?.text }
        return row.text
    }
}
