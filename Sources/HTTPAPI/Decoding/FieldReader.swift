import Connections
import LosslessJSON

/// Reads a body's fields one by one and collects everything that is wrong with them, in pydantic's words and in the order
/// of reading. Fields that nobody reads are ignored.
struct FieldReader {
    private let members: [(name: [UInt8], value: JSONSlice)]
    private let echoesInput: Bool
    private var problems: [ValidationProblem] = []

    /// Refuses a body that is missing or not an object. `echoesInput` is false for bodies with secrets, which may stand in
    /// the wrong field.
    init(_ body: JSONSlice?, echoesInput: Bool) throws {
        self.echoesInput = echoesInput
        guard let body else {
            throw APIError.invalidBody([
                ValidationProblem("missing", at: [.name("body")], "Field required", input: .null)
            ])
        }
        guard body.kind == .object else {
            throw APIError.invalidBody([
                ValidationProblem(
                    "model_attributes_type", at: [.name("body")],
                    "Input should be a valid dictionary or object to extract fields from",
                    input: body.kind == .null ? .null : nil)
            ])
        }
        members = body.members.map { ($0.key.utf8 ?? [], $0.value) }
    }

    /// Throws when anything was wrong. Called once, after the last field.
    func finish() throws {
        guard problems.isEmpty else { throw APIError.invalidBody(problems) }
    }

    mutating func refuse(_ problem: ValidationProblem) {
        var problem = problem
        if !echoesInput { problem.input = nil }
        problems.append(problem)
    }

    // MARK: Any field

    func slice(_ name: StaticString) -> JSONSlice? {
        let name = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        return members.first { $0.name.elementsEqual(name) }?.value
    }

    private mutating func patch<Value>(
        _ name: StaticString, _ read: (inout FieldReader, JSONSlice) -> Value?
    ) -> Patch<Value> {
        guard let slice = slice(name) else { return .absent }
        if slice.kind == .null { return .null }
        return read(&self, slice).map { .value($0) } ?? .absent
    }

    /// A field that must be there and not be null; the fallback is never used, since `finish` throws.
    private mutating func required<Value>(
        _ name: StaticString, fallback: Value, _ read: (inout FieldReader, JSONSlice) -> Value?
    ) -> Value {
        guard let slice = slice(name) else {
            refuse(ValidationProblem("missing", at: Self.place(name), "Field required"))
            return fallback
        }
        return read(&self, slice) ?? fallback
    }

    private static func place(_ name: StaticString) -> [ValidationProblem.Place] {
        [.name("body"), .name(name.description)]
    }

    // MARK: Strings

    /// Text for a column: U+0000 is refused, since not every engine keeps it.
    mutating func string(_ name: StaticString, length: ClosedRange<Int> = 0...255) -> Patch<String> {
        patch(name) { reader, slice in reader.string(slice, at: Self.place(name), length: length) }
    }

    mutating func requiredString(_ name: StaticString, length: ClosedRange<Int> = 0...255) -> String {
        required(name, fallback: "") { reader, slice in
            reader.string(slice, at: Self.place(name), length: length)
        }
    }

    private mutating func string(
        _ slice: JSONSlice, at place: [ValidationProblem.Place], length: ClosedRange<Int>
    ) -> String? {
        guard checkString(slice, at: place, length: length), let string = slice.string else { return nil }
        guard !string.utf8.contains(0) else {
            refuse(.value("U+0000 is not allowed here", at: place))
            return nil
        }
        return string
    }

    /// A string kept as its JSON literal, U+0000 and all.
    mutating func stringLiteral(_ name: StaticString, maxLength: Int) -> Patch<JSONSlice> {
        patch(name) { reader, slice in
            reader.checkString(slice, at: Self.place(name), length: 0...maxLength) ? slice : nil
        }
    }

    private mutating func checkString(
        _ slice: JSONSlice, at place: [ValidationProblem.Place], length: ClosedRange<Int>
    ) -> Bool {
        guard let count = slice.codePointCount else {
            refuse(
                ValidationProblem("string_type", at: place, "Input should be a valid string", input: slice.shown))
            return false
        }
        if count > length.upperBound {
            refuse(
                ValidationProblem(
                    "string_too_long", at: place,
                    "String should have at most \(length.upperBound) character\(length.upperBound == 1 ? "" : "s")",
                    input: slice.canonical, context: [("max_length", .number(length.upperBound))]))
            return false
        }
        if count < length.lowerBound {
            refuse(
                ValidationProblem(
                    "string_too_short", at: place,
                    "String should have at least \(length.lowerBound) character\(length.lowerBound == 1 ? "" : "s")",
                    input: slice.canonical, context: [("min_length", .number(length.lowerBound))]))
            return false
        }
        return true
    }

    // MARK: Words and times

    mutating func word<Word: RawRepresentable & CaseIterable & Sendable>(
        _ name: StaticString, _: Word.Type = Word.self
    ) -> Patch<Word> where Word.RawValue == String {
        patch(name) { reader, slice in reader.word(slice, at: Self.place(name)) }
    }

    mutating func requiredWord<Word: RawRepresentable & CaseIterable & Sendable>(
        _ name: StaticString, fallback: Word
    ) -> Word where Word.RawValue == String {
        required(name, fallback: fallback) { reader, slice in reader.word(slice, at: Self.place(name)) }
    }

    private mutating func word<Word: RawRepresentable & CaseIterable>(
        _ slice: JSONSlice, at place: [ValidationProblem.Place]
    ) -> Word? where Word.RawValue == String {
        if let word = slice.string.flatMap({ Word(rawValue: $0) }) { return word }
        refuse(.notAWord(Word.self, at: place, input: slice.shown))
        return nil
    }

    mutating func time(_ name: StaticString) -> Patch<Timestamp> {
        patch(name) { reader, slice in
            if let time = slice.string.flatMap({ Timestamp(rfc3339: $0) }) { return time }
            reader.refuse(
                ValidationProblem(
                    "datetime_parsing", at: Self.place(name),
                    "Input should be a valid datetime as in 2026-01-31T12:00:00Z", input: slice.shown,
                    context: [("error", JSONText("invalid RFC 3339 date-time"))]))
            return nil
        }
    }

    /// A number without a fraction, however it is written: 1.0 is one, too.
    private static func integer(_ text: String) -> Int? {
        Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
    }

    mutating func integer(_ name: StaticString, in range: ClosedRange<Int>) -> Patch<Int> {
        patch(name) { reader, slice in
            let place = Self.place(name)
            guard slice.kind == .number, let number = Self.integer(String(decoding: slice.raw, as: UTF8.self)) else {
                reader.refuse(
                    ValidationProblem("int_type", at: place, "Input should be a valid integer", input: slice.shown))
                return nil
            }
            if number < range.lowerBound {
                reader.refuse(
                    ValidationProblem(
                        "greater_than_equal", at: place,
                        "Input should be greater than or equal to \(range.lowerBound)", input: slice.canonical,
                        context: [("ge", .number(range.lowerBound))]))
            } else if number > range.upperBound {
                reader.refuse(
                    ValidationProblem(
                        "less_than_equal", at: place,
                        "Input should be less than or equal to \(range.upperBound)", input: slice.canonical,
                        context: [("le", .number(range.upperBound))]))
            }
            return number
        }
    }

    mutating func boolean(_ name: StaticString) -> Patch<Bool> {
        patch(name) { reader, slice in
            if let boolean = slice.boolean { return boolean }
            reader.refuse(ValidationProblem("bool_type", at: Self.place(name), "Input should be a valid boolean"))
            return nil
        }
    }

    // MARK: Containers

    /// An object. It is never repeated in an error, since it could carry a secret.
    mutating func object(_ name: StaticString) -> Patch<JSONSlice> {
        patch(name) { reader, slice in reader.object(slice, at: Self.place(name)) }
    }

    private mutating func object(_ slice: JSONSlice, at place: [ValidationProblem.Place]) -> JSONSlice? {
        guard slice.kind == .object else {
            refuse(ValidationProblem("dict_type", at: place, "Input should be a valid dictionary"))
            return nil
        }
        return slice
    }

    /// An object of texts, as its JSON.
    mutating func texts(_ name: StaticString) -> Patch<JSONText> {
        patch(name) { reader, slice in
            guard let object = reader.object(slice, at: Self.place(name)) else { return nil }
            for member in object.members where member.value.kind != .string {
                let place = Self.place(name) + [.name(member.key.string ?? "")]
                reader.refuse(ValidationProblem("string_type", at: place, "Input should be a valid string"))
                return nil
            }
            return object.canonical
        }
    }

    /// Secret data by key. Each key is looked at by itself, so their number is bounded.
    mutating func secrets(_ name: StaticString) -> Patch<JSONObject> {
        patch(name) { reader, slice in reader.secrets(slice, at: Self.place(name)) }
    }

    mutating func requiredSecrets(_ name: StaticString) -> JSONObject {
        required(name, fallback: JSONObject()) { reader, slice in reader.secrets(slice, at: Self.place(name)) }
    }

    private static let maxSecrets = 256

    private mutating func secrets(_ slice: JSONSlice, at place: [ValidationProblem.Place]) -> JSONObject? {
        guard let slice = object(slice, at: place) else { return nil }
        let object = JSONObject(slice)
        guard object.members.count <= Self.maxSecrets else {
            refuse(.tooLong("Dictionary", at: place, max: Self.maxSecrets, actual: object.members.count))
            return nil
        }
        return object
    }

    /// A list of strings, kept as it is written too.
    mutating func strings(
        _ name: StaticString, count: ClosedRange<Int>, length: ClosedRange<Int>
    ) -> Patch<(slice: JSONSlice, values: [String])> {
        patch(name) { reader, slice in
            let values = reader.list(slice, name, count: count) { reader, element, place in
                reader.string(element, at: place, length: length)
            }
            return values.map { (slice, $0) }
        }
    }

    mutating func words<Word: RawRepresentable & CaseIterable & Sendable>(
        _ name: StaticString, _: Word.Type = Word.self
    ) -> Patch<[Word]> where Word.RawValue == String {
        patch(name) { reader, slice in
            reader.list(slice, name, count: 0...64) { reader, element, place in reader.word(element, at: place) }
        }
    }

    mutating func ipRanges(_ name: StaticString) -> Patch<[IPRange]> {
        patch(name) { reader, slice in
            reader.list(slice, name, count: 0...256) { reader, element, place in
                if let range = element.string.flatMap({ IPRange($0) }) { return range }
                reader.refuse(
                    .value("an IP address or a block as in 10.0.0.0/8 is wanted", at: place, input: element.shown))
                return nil
            }
        }
    }

    private mutating func list<Element>(
        _ slice: JSONSlice, _ name: StaticString, count: ClosedRange<Int>,
        _ read: (inout FieldReader, JSONSlice, [ValidationProblem.Place]) -> Element?
    ) -> [Element]? {
        guard slice.kind == .array else {
            refuse(ValidationProblem("list_type", at: Self.place(name), "Input should be a valid list"))
            return nil
        }
        let elements = slice.elements
        guard elements.count <= count.upperBound else {
            refuse(.tooLong("List", at: Self.place(name), max: count.upperBound, actual: elements.count))
            return nil
        }
        let before = problems.count
        let values = elements.enumerated().compactMap { index, element in
            read(&self, element, Self.place(name) + [.index(index)])
        }
        return problems.count == before ? values : nil
    }
}

extension ValidationProblem {
    fileprivate static func tooLong(_ kind: String, at place: [Place], max: Int, actual: Int) -> ValidationProblem {
        ValidationProblem(
            "too_long", at: place, "\(kind) should have at most \(max) items after validation, not \(actual)",
            context: [
                ("field_type", JSONText(kind)), ("max_length", .number(max)), ("actual_length", .number(actual)),
            ])
    }

    /// `'a', 'b' or 'c'`, as pydantic lists an enum.
    static func notAWord<Word: RawRepresentable & CaseIterable>(
        _: Word.Type, at place: [Place], input: JSONText?
    ) -> ValidationProblem where Word.RawValue == String {
        let words = Word.allCases.map { "'\($0.rawValue)'" }
        let expected =
            words.count < 2
            ? words.joined() : "\(words.dropLast().joined(separator: ", ")) or \(words[words.count - 1])"
        return ValidationProblem(
            "enum", at: place, "Input should be \(expected)", input: input, context: [("expected", JSONText(expected))])
    }
}

extension JSONSlice {
    /// The value as an error may repeat it: whole when it is a scalar, not at all when it is a container.
    fileprivate var shown: JSONText? {
        switch kind {
        case .object, .array: nil
        default: raw.count <= 1_024 ? canonical : nil
        }
    }
}

extension JSONText {
    static func number(_ number: Int) -> JSONText { JSONText(unchecked: Array(String(number).utf8)) }
}
