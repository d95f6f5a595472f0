import Connections
import LosslessJSON

/// A value in the store that the program cannot have written.
struct UnreadableRow: Error {
    let column: Int
}

extension SQLRow {
    func text(_ column: Int) -> String {
        String(decoding: buffer(column), as: UTF8.self)
    }

    func optionalText(_ column: Int) -> String? {
        isNull(column) ? nil : text(column)
    }

    func bytes(_ column: Int) -> [UInt8] {
        Array(buffer(column))
    }

    func json(_ column: Int) -> JSONText {
        JSONText(unchecked: bytes(column))
    }

    func optionalJSON(_ column: Int) -> JSONText? {
        isNull(column) ? nil : json(column)
    }

    func bool(_ column: Int) -> Bool {
        int64(column) != 0
    }

    func time(_ column: Int) -> Timestamp {
        Timestamp(microseconds: int64(column))
    }

    func optionalTime(_ column: Int) -> Timestamp? {
        isNull(column) ? nil : time(column)
    }

    func id<Kind>(_ column: Int) throws -> Identifier<Kind> {
        guard let id = Identifier<Kind>(utf8: buffer(column)) else { throw UnreadableRow(column: column) }
        return id
    }

    func optionalID<Kind>(_ column: Int) throws -> Identifier<Kind>? {
        isNull(column) ? nil : try id(column)
    }

    func word<Word: RawRepresentable>(_ column: Int) throws -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: text(column)) else { throw UnreadableRow(column: column) }
        return word
    }

    /// A JSON array of strings.
    func strings(_ column: Int) -> [String] {
        json(column).slice.elements.compactMap(\.string)
    }
}

extension SQLValue {
    static func id<Kind>(_ id: Identifier<Kind>) -> SQLValue {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        id.append(to: &bytes)
        return .utf8(bytes)
    }

    static func id<Kind>(_ id: Identifier<Kind>?) -> SQLValue { id.map { .id($0) } ?? .null }

    static func int(_ number: Int?) -> SQLValue { number.map { .int(Int64($0)) } ?? .null }

    static func text(_ text: String?) -> SQLValue { text.map { .text($0) } ?? .null }

    static func json(_ json: JSONText?) -> SQLValue { json.map { .utf8($0.bytes) } ?? .null }

    static func word(_ word: some RawRepresentable<String>) -> SQLValue { .text(word.rawValue) }

    static func time(_ time: Timestamp?) -> SQLValue { time.map { .int($0.microseconds) } ?? .null }

    static func bool(_ bool: Bool) -> SQLValue { .int(bool ? 1 : 0) }

    static func strings(_ strings: [String]?) -> SQLValue {
        guard let strings else { return .null }
        var writer = JSONWriter(capacity: 128)
        writer.strings(strings)
        return .utf8(writer.bytes)
    }
}
