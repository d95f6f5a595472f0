package import Connections
import LosslessJSON
import Yams

/// What is wrong with a catalog file, and where.
package struct CatalogFileError: Error, Sendable, CustomStringConvertible {
    package let file: String
    /// From 1; `nil` where the whole file is meant.
    package let line: Int?
    package let reason: String

    package init(file: String, line: Int?, reason: String) {
        self.file = file
        self.line = line
        self.reason = reason
    }

    package var description: String { line.map { "\(file):\($0): \(reason)" } ?? "\(file): \(reason)" }
}

/// One integration as a YAML file. Everything in it is checked, and every problem is told with its line.
package enum CatalogFile {
    package static func parse(_ text: String, file: String) throws(CatalogFileError) -> Integration {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw CatalogFileError(file: file, line: error.line, reason: error.reason)
        } catch {
            throw CatalogFileError(file: file, line: nil, reason: "is not YAML")
        }
        guard let root else { throw CatalogFileError(file: file, line: nil, reason: "is empty") }
        do {
            let name = file.split(separator: "/").last.map { $0.prefix { $0 != "." } } ?? ""
            return try integration(YAMLMap(root), fileName: String(name))
        } catch {
            throw CatalogFileError(file: file, line: error.line, reason: error.reason)
        }
    }

    private static func integration(_ map: YAMLMap, fileName: String) throws(YAMLProblem) -> Integration {
        try map.allow([
            "id", "name", "type", "category", "description", "docs_url", "base_url", "destination", "auth_methods",
            "config",
        ])
        let id = try map.string("id")
        guard isIdentifier(id, separator: "-") else {
            throw map.problem("id", "must be lower-case letters, digits and hyphens, beginning with a letter")
        }
        guard id == fileName else { throw map.problem("id", "must be the file's name, '\(fileName)'") }
        let config = try map.maps("config", isRequired: false).mapThrowing { map throws(YAMLProblem) in
            try field(map, secureByDefault: false)
        }
        let methods = try map.maps("auth_methods").mapThrowing(authMethod)
        guard !methods.isEmpty else { throw map.problem("auth_methods", "must name at least one method") }
        try refuseRepeated(methods.map(\.id), in: map, key: "auth_methods")
        try refuseRepeated(config.map(\.key), in: map, key: "config")
        let docsURL = try map.string("docs_url")
        guard URLTemplate.origin(of: docsURL) != nil else { throw map.problem("docs_url", "must be a URL") }
        let template = try baseURL(map, config: config)
        let destination = try destination(map, config: config)
        return Integration(
            id: id, name: try map.string("name"), type: try map.word("type", IntegrationType.self),
            category: try map.string("category"), description: try map.string("description"), docsURL: docsURL,
            baseURL: template, destinationKeys: destination, authMethods: methods,
            configFields: config)
    }

    private static func destination(_ map: YAMLMap, config: [Field]) throws(YAMLProblem) -> [String] {
        let keys = try map.strings("destination")
        for key in keys {
            guard let field = config.first(where: { $0.key == key }) else {
                throw map.problem("destination", "names '\(key)', which is no config field")
            }
            guard !field.isSecure else { throw map.problem("destination", "names '\(key)', which is secret") }
        }
        return keys
    }

    private static func baseURL(_ map: YAMLMap, config: [Field]) throws(YAMLProblem) -> URLTemplate? {
        guard let text = try map.optionalString("base_url") else { return nil }
        let template: URLTemplate
        do {
            template = try URLTemplate(text)
        } catch {
            throw map.problem("base_url", error.reason)
        }
        for variable in template.variables {
            guard let field = config.first(where: { $0.key == variable }) else {
                throw map.problem("base_url", "uses {\(variable)}, which is no config field")
            }
            guard field.isRequired, field.defaultValue == nil else {
                throw map.problem("base_url", "uses {\(variable)}, which must be required and without a default")
            }
            guard !field.isSecure else { throw map.problem("base_url", "uses {\(variable)}, which is secret") }
            guard field.kind == (template.isWholeURL ? .url : .text) || (!template.isWholeURL && field.kind == .select)
            else {
                throw map.problem("base_url", "{\(variable)}: a whole URL wants a field of type url, a part another")
            }
        }
        return template
    }

    private static func authMethod(_ map: YAMLMap) throws(YAMLProblem) -> AuthMethod {
        try map.allow(["id", "name", "type", "auth_type", "description", "fields"])
        let id = try map.string("id")
        guard isIdentifier(id, separator: "_") else {
            throw map.problem("id", "must be lower-case letters, digits and underscores, beginning with a letter")
        }
        let fields = try map.maps("fields", isRequired: false).mapThrowing { map throws(YAMLProblem) in
            try field(map, secureByDefault: true)
        }
        try refuseRepeated(fields.map(\.key), in: map, key: "fields")
        return AuthMethod(
            id: id, name: try map.string("name"), scheme: try map.word("type", AuthMethod.Scheme.self),
            authType: try map.word("auth_type", AuthType.self), description: try map.string("description"),
            fields: fields)
    }

    private static func field(_ map: YAMLMap, secureByDefault: Bool) throws(YAMLProblem) -> Field {
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
        let pattern = try map.optionalString("pattern")
        if let pattern, !FieldPattern.isValid(pattern) {
            throw map.problem("pattern", "is not a regular expression")
        }
        return Field(
            key: key, label: try map.string("label"), kind: kind,
            isRequired: try map.boolean("required") ?? false,
            isSecure: try map.boolean("secure") ?? secureByDefault,
            help: try map.optionalString("help"), placeholder: try map.optionalString("placeholder"),
            defaultValue: try defaultValue(map, kind: kind, options: options),
            minLength: try map.integer("min_length"), maxLength: try map.integer("max_length"), pattern: pattern,
            options: options)
    }

    /// As JSON text.
    private static func defaultValue(
        _ map: YAMLMap, kind: Field.Kind, options: [String]
    ) throws(YAMLProblem) -> String? {
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

    private static func refuseRepeated(_ names: [String], in map: YAMLMap, key: String) throws(YAMLProblem) {
        var seen = Set<String>()
        for name in names where !seen.insert(name).inserted { throw map.problem(key, "has '\(name)' twice") }
    }

    private static func isIdentifier(_ text: String, separator: Character) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first, letters.contains(first) else {
            return false
        }
        return text.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == separator.asciiValue }
    }
}

extension Array {
    fileprivate func mapThrowing<Result, Failure: Error>(
        _ transform: (Element) throws(Failure) -> Result
    ) throws(Failure) -> [Result] {
        var results: [Result] = []
        results.reserveCapacity(count)
        for element in self { results.append(try transform(element)) }
        return results
    }
}

extension YamlError {
    fileprivate var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: nil
        }
    }

    fileprivate var reason: String {
        switch self {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _): problem
        case .duplicatedKeysInMapping(let duplicates, _):
            "repeats \(duplicates.joined(separator: ", "))"
        default: "is not YAML"
        }
    }
}
