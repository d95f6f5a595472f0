import Connections
import LosslessJSON

/// Reads a query's parameters and collects what is wrong with them. Of equal names the last counts, but for lists; unknown
/// ones are ignored.
struct QueryReader {
    let values: [String: String]
    private let lists: [String: [String]]
    private var problems: [ValidationProblem] = []

    init(_ query: String?) {
        var values: [String: String] = [:]
        var lists: [String: [String]] = [:]
        for pair in (query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = percentDecoded(parts[0], plusIsSpace: true) ?? String(parts[0])
            let raw = parts.count > 1 ? parts[1] : ""
            let value = percentDecoded(raw, plusIsSpace: true) ?? String(raw)
            values[name] = value
            lists[name, default: []].append(value)
        }
        self.values = values
        self.lists = lists
    }

    func finish() throws {
        guard problems.isEmpty else { throw APIError.invalidBody(problems) }
    }

    mutating func refuse(_ name: String, _ message: String) {
        problems.append(.value(message, at: [.name("query"), .name(name)]))
    }

    // MARK: Values

    func text(_ name: String) -> String? { values[name] }

    /// What is written once or several times, each with one value or several between commas.
    func texts(_ name: String) -> [String] {
        (lists[name] ?? []).flatMap { $0.split(separator: ",").map(String.init) }
    }

    mutating func requiredText(_ name: String) -> String {
        guard let text = values[name] else {
            problems.append(
                ValidationProblem("missing", at: [.name("query"), .name(name)], "Field required", input: .null))
            return ""
        }
        return text
    }

    /// A number past what fits counts as the greatest that does, as a list that far in is empty anyway.
    mutating func integer(_ name: String, default fallback: Int, _ range: ClosedRange<Int>) -> Int {
        guard let text = values[name] else { return fallback }
        let place: [ValidationProblem.Place] = [.name("query"), .name(name)]
        guard let number = Self.number(text) else {
            problems.append(
                ValidationProblem(
                    "int_parsing", at: place, "Input should be a valid integer, unable to parse string as an integer",
                    input: JSONText(text)))
            return fallback
        }
        if number < range.lowerBound {
            problems.append(
                ValidationProblem(
                    "greater_than_equal", at: place,
                    "Input should be greater than or equal to \(range.lowerBound)", input: JSONText(text),
                    context: [("ge", .number(range.lowerBound))]))
        } else if number > range.upperBound {
            problems.append(
                ValidationProblem(
                    "less_than_equal", at: place, "Input should be less than or equal to \(range.upperBound)",
                    input: JSONText(text), context: [("le", .number(range.upperBound))]))
        }
        return number
    }

    private static func number(_ text: String) -> Int? {
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text) ?? (text.hasPrefix("-") ? .min : .max)
    }

    mutating func boolean(_ name: String) -> Bool {
        guard let text = values[name] else { return false }
        switch text.lowercased() {
        case "true", "1", "yes", "on", "t", "y": return true
        case "false", "0", "no", "off", "f", "n": return false
        default:
            problems.append(
                ValidationProblem(
                    "bool_parsing", at: [.name("query"), .name(name)],
                    "Input should be a valid boolean, unable to interpret input", input: JSONText(text)))
            return false
        }
    }

    /// RFC 3339.
    mutating func time(_ name: String) -> Timestamp? {
        guard let text = values[name] else { return nil }
        if let time = Timestamp(rfc3339: text) { return time }
        problems.append(
            ValidationProblem(
                "datetime_parsing", at: [.name("query"), .name(name)],
                "Input should be a valid datetime, such as 2030-01-31T12:00:00Z", input: JSONText(text)))
        return nil
    }

    mutating func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, _: Word.Type = Word.self
    ) -> Word? where Word.RawValue == String {
        guard let text = values[name] else { return nil }
        if let word = Word(rawValue: text) { return word }
        problems.append(
            .notAWord(Word.self, at: [.name("query"), .name(name)], input: JSONText(text)))
        return nil
    }

    // MARK: Pages

    static let maxLimit = 1_000
    /// Past any list, and far enough from the greatest integer to be reckoned with.
    private static let maxSkip = 1 << 53

    mutating func page<Kind>(cursor: Bool = false) -> PageRequest<Identifier<Kind>> {
        let skip = min(integer("skip", default: 0, 0...Int.max), Self.maxSkip)
        let limit = integer("limit", default: 100, 1...Self.maxLimit)
        guard cursor, let text = values["cursor"] else { return PageRequest(skip: skip, limit: limit) }
        guard let id: Identifier<Kind> = Cursor.decode(text) else {
            refuse("cursor", "use next_cursor of an earlier page as it came")
            return PageRequest(limit: limit)
        }
        // Generated clients send skip=0, the documented default, with everything.
        if skip != 0 { refuse("cursor", "cursor and skip exclude each other") }
        return PageRequest(limit: limit, after: id)
    }
}

/// A place in a list: the id of the last row seen, versioned, in letters that need no escaping.
/// It tells nothing of rows: an id of another workspace is only a point in the order.
enum Cursor {
    private static let prefix = "c1_"

    static func encode<Kind>(_ id: Identifier<Kind>) -> String { prefix + id.ulidText }

    static func decode<Kind>(_ text: String) -> Identifier<Kind>? {
        guard text.hasPrefix(prefix) else { return nil }
        return Array(text.utf8.dropFirst(prefix.utf8.count)).withUnsafeBytes { ULID($0) }.map { Identifier($0) }
    }
}
