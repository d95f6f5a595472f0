package import Connections
package import LosslessJSON
import Synchronization

/// A regular expression that a whole value must match. Compiled once and kept. It matches code points, so that a combining
/// mark cannot hide the character before it.
enum FieldPattern {
    /// Regex is not Sendable, so each stays behind a lock of its own and is used there.
    private final class Compiled: Sendable {
        private let regex: Mutex<Regex<AnyRegexOutput>>

        init?(_ pattern: String) {
            guard let regex = try? Regex(pattern) else { return nil }
            self.regex = Mutex(regex.matchingSemantics(.unicodeScalar))
        }

        func matches(_ value: String) -> Bool {
            regex.withLock { regex in (try? regex.wholeMatch(in: value)) != nil }
        }
    }

    private static let compiled = Mutex<[String: Compiled]>([:])
    private static let capacity = 1_000

    /// Bytes of a pattern.
    static let maxLength = 512
    /// Bytes of a value that has one.
    static let maxValueLength = 8 << 10

    static func isValid(_ pattern: String) -> Bool {
        (try? Regex(pattern)) != nil
    }

    static func matches(_ value: String, _ pattern: String) -> Bool {
        let regex = compiled.withLock { compiled -> Compiled? in
            if let known = compiled[pattern] { return known }
            if compiled.count >= capacity { compiled.removeAll() }
            let new = Compiled(pattern)
            compiled[pattern] = new
            return new
        }
        return regex?.matches(value) ?? false
    }
}

extension Field {
    /// What is wrong with a value, in the contract's words; `nil` when nothing is. It never repeats the value.
    func problem(with value: JSONText?) -> FieldProblem? {
        guard let value, value != .null else {
            return isRequired && defaultValue == nil ? problem("is required") : nil
        }
        let slice = value.slice
        switch kind {
        case .boolean: return slice.kind == .boolean ? nil : problem("must be true or false")
        case .integer: return slice.kind == .number && value.isInteger ? nil : problem("must be an integer")
        case .number: return slice.kind == .number ? nil : problem("must be a number")
        case .text, .password, .email, .url, .select:
            guard let text = slice.string else { return problem("must be text") }
            return problem(withText: text)
        }
    }

    private func problem(withText text: String) -> FieldProblem? {
        if text.isEmpty { return isRequired ? problem("is required") : nil }
        // The mask stands for a stored value, which was checked when it was entered.
        if isSecure, text == Secret.mask { return nil }
        switch kind {
        case .email where !text.isEmailAddress: return problem("must be a valid email address")
        case .url where URLTemplate.origin(of: text) == nil: return problem("must be a valid URL")
        case .select where !options.contains(text):
            return problem("must be one of: \(options.joined(separator: ", "))")
        default: break
        }
        let length = text.unicodeScalars.count
        if let minLength, length < minLength { return problem("must be at least \(minLength) characters") }
        if let maxLength, length > maxLength { return problem("must be at most \(maxLength) characters") }
        if let pattern {
            guard text.utf8.count <= FieldPattern.maxValueLength else {
                return problem("must be at most \(FieldPattern.maxValueLength) bytes")
            }
            guard FieldPattern.matches(text, pattern) else { return problem("has an invalid format") }
        }
        return nil
    }

    private func problem(_ reason: String) -> FieldProblem {
        FieldProblem(key: key, message: "Field '\(label)' \(reason)")
    }
}

extension IntegrationCatalog {
    package func problems(credentials: JSONObject, method: AuthMethod) -> [FieldProblem] {
        var problems = method.fields.compactMap { $0.problem(with: credentials[$0.key]) }
        problems += credentials.members.filter { $0.value.slice.string == Secret.mask }.map { member in
            let label = method.fields.first { $0.key == member.name }?.label ?? member.name
            return FieldProblem(
                key: member.name, message: "Field '\(label)' is masked, but nothing is stored to keep")
        }
        guard !method.isFreeForm else { return problems }
        let known = method.fields.map(\.key) + (method.oauth == nil ? [] : Tokens.keys)
        for member in credentials.members where !known.contains(member.name) {
            // Only a short, plain key is repeated: anything else may be a secret in the wrong place.
            let isPlain = member.name.utf8.count <= 40 && member.name.utf8.allSatisfy { $0.isKeyCharacter }
            let name = isPlain ? "credential field '\(member.name)'" : "credential field"
            let hint =
                nearest(to: member.name, among: known).map { ": did you mean '\($0)'?" }
                ?? (known.isEmpty ? ": this method takes none" : ": use \(known.joined(separator: ", "))")
            problems.append(FieldProblem(key: member.name, message: "Unknown \(name)\(hint)"))
        }
        return problems
    }

    package func problems(config: JSONObject, of integration: Integration) -> [FieldProblem] {
        var problems = integration.configFields.compactMap { $0.problem(with: config[$0.key]) }
        guard problems.isEmpty, let baseURL = integration.baseURL, !baseURL.variables.isEmpty,
            baseURL.origin(filledFrom: config) == nil
        else { return problems }
        for field in integration.configFields where baseURL.variables.contains(field.key) {
            let fits = config[field.key]?.slice.string.map(URLTemplate.fitsOneLabelOrSegment) ?? true
            if !fits {
                problems.append(
                    FieldProblem(key: field.key, message: "Field '\(field.label)' must be letters, digits and hyphens"))
            }
        }
        return problems
    }
}

extension JSONText {
    var isInteger: Bool {
        bytes.allSatisfy { ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) || $0 == UInt8(ascii: "-") }
    }
}

extension UInt8 {
    fileprivate var isKeyCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}

extension String {
    /// Something before one `@`, and a dotted host after it: as much as can be known without sending mail.
    fileprivate var isEmailAddress: Bool {
        let parts = split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, utf8.count <= 254, !contains(where: \.isWhitespace) else {
            return false
        }
        let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        return labels.count >= 2 && labels.allSatisfy { !$0.isEmpty }
    }
}
