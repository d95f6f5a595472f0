package import Connections

/// What is wrong with a definition of an integration, and where.
package struct CatalogFileError: Error, Sendable, CustomStringConvertible {
    package let file: String
    /// From 1; `nil` where the whole file is meant.
    package let line: Int?
    /// The keys that lead there; places in lists are numbers from 0. Empty where the whole file is meant.
    package let path: [String]
    package let reason: String

    package init(file: String, line: Int?, path: [String] = [], reason: String) {
        self.file = file
        self.line = line
        self.path = path
        self.reason = reason
    }

    package var description: String { line.map { "\(file):\($0): \(reason)" } ?? "\(file): \(reason)" }
}

/// One integration as a YAML file. Everything in it is checked, and every problem is told with its line.
package enum CatalogFile {
    /// Where the id comes from.
    private enum Naming {
        case file(String)
        /// It may be left out where it is known without it.
        case known(String?)
    }

    package static func parse(_ text: String, file: String) throws(CatalogFileError) -> Integration {
        let name = file.split(separator: "/").last.map { $0.prefix { $0 != "." } } ?? ""
        return try located(in: file) { () throws(DefinitionProblem) in
            try integration(
                DefinitionMap(DefinitionNode(yaml: text)), naming: .file(String(name)), isWorkspaceDefined: false)
        }
    }

    /// The same as JSON, written by a workspace.
    /// - Parameter id: what the definition's `id` must be, or is where the definition leaves it out.
    package static func parseWorkspaceDefined(
        _ json: String, id: String? = nil
    ) throws(CatalogFileError) -> Integration {
        try located(in: id ?? "integration") { () throws(DefinitionProblem) in
            try integration(DefinitionMap(DefinitionNode(json: json)), naming: .known(id), isWorkspaceDefined: true)
        }
    }

    private static func located(
        in file: String, _ body: () throws(DefinitionProblem) -> Integration
    ) throws(CatalogFileError) -> Integration {
        do {
            return try body()
        } catch {
            throw CatalogFileError(file: file, line: error.line, path: error.path, reason: error.reason)
        }
    }

    private static func integration(
        _ map: DefinitionMap, naming: Naming, isWorkspaceDefined: Bool
    ) throws(DefinitionProblem) -> Integration {
        try map.allow([
            "id", "name", "type", "category", "description", "docs_url", "base_url", "destination", "auth_methods",
            "config", "identity", "test", "check_interval",
        ])
        let id = try identifier(map, naming: naming)
        let config = try map.maps("config", isRequired: false).map { map throws(DefinitionProblem) in
            try field(map, secureByDefault: false)
        }
        try refuseRepeated(config.map(\.key), in: map, key: "config")
        let methods = try map.maps("auth_methods").map { map throws(DefinitionProblem) in
            try authMethod(map, config: config)
        }
        guard !methods.isEmpty else { throw map.problem("auth_methods", "must name at least one method") }
        try refuseRepeated(methods.map(\.id), in: map, key: "auth_methods")
        let docsURL = try map.string("docs_url")
        guard URLTemplate.origin(of: docsURL) != nil else { throw map.problem("docs_url", "must be a URL") }
        let baseURL = try baseURL(map, config: config, methods: methods)
        let type = try map.word("type", IntegrationType.self)
        let probe = try probe(map, baseURL: baseURL, config: config, methods: methods)
        return Integration(
            id: id, name: try map.string("name"), type: type, category: try map.string("category"),
            description: try map.string("description"), docsURL: docsURL, baseURL: baseURL,
            destinationKeys: try destination(map, config: config), authMethods: methods, configFields: config,
            identity: try identity(map, baseURL: baseURL, config: config, methods: methods, probe: probe),
            probe: probe, checkInterval: try checkInterval(map, type: type, isTested: probe != nil),
            isWorkspaceDefined: isWorkspaceDefined)
    }

    private static func identifier(_ map: DefinitionMap, naming: Naming) throws(DefinitionProblem) -> String {
        let id: String
        if case .known(let known?) = naming, !map.has("id") { id = known } else { id = try map.string("id") }
        guard isIdentifier(id, separator: "-") else {
            throw map.problem("id", "must be lower-case letters, digits and hyphens, beginning with a letter")
        }
        switch naming {
        case .file(let name) where id != name: throw map.problem("id", "must be the file's name, '\(name)'")
        case .known(let known?) where id != known: throw map.problem("id", "must be '\(known)'")
        case .file, .known: return id
        }
    }

    private static func baseURL(
        _ map: DefinitionMap, config: [Field], methods: [AuthMethod]
    ) throws(DefinitionProblem) -> URLTemplate? {
        guard let template = try urlTemplate(map, "base_url", config: config) else { return nil }
        let fromQuery = methods.flatMap { $0.oauth?.callbackKeep.map(\.key) ?? [] }
        if template.isWholeURL, let key = template.variables.first(where: fromQuery.contains) {
            throw map.problem("base_url", "uses {\(key)}, which anybody can write into the callback's query")
        }
        return template
    }

    private static func destination(_ map: DefinitionMap, config: [Field]) throws(DefinitionProblem) -> [String] {
        let keys = try map.strings("destination")
        for key in keys {
            guard let field = config.first(where: { $0.key == key }) else {
                throw map.problem("destination", "names '\(key)', which is no config field")
            }
            guard !field.isSecure else { throw map.problem("destination", "names '\(key)', which is secret") }
        }
        return keys
    }

    static func refuseRepeated(
        _ names: [String], in map: DefinitionMap, key: String
    ) throws(DefinitionProblem) {
        var seen = Set<String>()
        for name in names where !seen.insert(name).inserted { throw map.problem(key, "has '\(name)' twice") }
    }

    static func isIdentifier(_ text: String, separator: Character) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first, letters.contains(first) else {
            return false
        }
        return text.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == separator.asciiValue }
    }
}
