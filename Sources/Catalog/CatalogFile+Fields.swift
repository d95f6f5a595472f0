import Connections
import LosslessJSON

extension CatalogFile {
    static func field(_ map: DefinitionMap, secureByDefault: Bool) throws(DefinitionProblem) -> Field {
        try map.allow([
            "key", "label", "type", "required", "secure", "help", "placeholder", "default", "min_length",
            "max_length", "pattern", "options",
        ])
        let key = try map.string("key")
        guard isIdentifier(key, separator: "_") else {
            throw map.problem("key", "must be lower-case letters, digits and underscores, beginning with a letter")
        }
        let kind = try map.word("type", Field.Kind.self)
        let options = try map.strings("options")
        guard (kind == .select) == !options.isEmpty else {
            throw map.problem("options", "belong to type select, which needs them")
        }
        return Field(
            key: key, label: try map.string("label"), kind: kind,
            isRequired: try map.boolean("required") ?? false,
            isSecure: try map.boolean("secure") ?? secureByDefault,
            help: try map.optionalString("help"), placeholder: try map.optionalString("placeholder"),
            defaultValue: try defaultValue(map, kind: kind, options: options),
            minLength: try map.integer("min_length"), maxLength: try map.integer("max_length"),
            pattern: try pattern(map), options: options)
    }

    private static func pattern(_ map: DefinitionMap) throws(DefinitionProblem) -> String? {
        guard let pattern = try map.optionalString("pattern") else { return nil }
        guard pattern.utf8.count <= FieldPattern.maxLength else {
            throw map.problem("pattern", "is longer than \(FieldPattern.maxLength) bytes")
        }
        guard FieldPattern.isValid(pattern) else { throw map.problem("pattern", "is not a regular expression") }
        guard PatternCost.isBounded(pattern) else {
            throw map.problem("pattern", "could take long to match: use one * or + at most, and repeat no choices")
        }
        return pattern
    }

    /// As JSON text.
    private static func defaultValue(
        _ map: DefinitionMap, kind: Field.Kind, options: [String]
    ) throws(DefinitionProblem) -> String? {
        guard let text = try map.optionalString("default") else { return nil }
        switch kind {
        case .integer:
            guard isNumber(text), JSONText(unchecked: Array(text.utf8)).isInteger else {
                throw map.problem("default", "must be an integer")
            }
            return text
        case .number:
            guard isNumber(text) else { throw map.problem("default", "must be a number") }
            return text
        case .boolean:
            guard let value = try map.boolean("default") else { return nil }
            return value ? "true" : "false"
        case .select:
            guard options.contains(text) else { throw map.problem("default", "must be one of the options") }
        case .text, .password, .email, .url: break
        }
        return JSONText(text).string
    }

    private static func isNumber(_ text: String) -> Bool {
        (try? JSONSlice(parsing: Array(text.utf8)))?.kind == .number
    }
}
