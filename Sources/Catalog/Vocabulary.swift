import Connections

/// What `{name}` in a template may stand for.
struct Vocabulary {
    private let names: [String]

    init(fields: [Field], config: [Field], hasTokens: Bool) {
        names = (fields + config).map(\.key) + (hasTokens ? Tokens.keys : [])
    }

    /// A text whose every `{name}` is known.
    func template(_ map: DefinitionMap, _ key: String) throws(DefinitionProblem) -> String {
        let text = try map.string(key)
        try check(text, map, key)
        return text
    }

    func optionalTemplate(_ map: DefinitionMap, _ key: String) throws(DefinitionProblem) -> String? {
        map.has(key) ? try template(map, key) : nil
    }

    /// The map's values are templates.
    func templates(_ map: DefinitionMap?) throws(DefinitionProblem) -> [(name: String, value: String)] {
        guard let map else { return [] }
        let texts = try map.texts()
        for text in texts { try check(text.value, map, text.name) }
        return texts
    }

    private func check(_ text: String, _ map: DefinitionMap, _ key: String) throws(DefinitionProblem) {
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else { throw map.problem(key, "has a { without }") }
            let name = String(rest[rest.index(after: open)..<close])
            guard names.contains(name) else {
                let hint = nearest(to: name, among: names).map { ": did you mean {\($0)}?" } ?? ""
                throw map.problem(key, "uses {\(name)}, which is no field of the method and no config field\(hint)")
            }
            rest = rest[rest.index(after: close)...]
        }
    }
}
