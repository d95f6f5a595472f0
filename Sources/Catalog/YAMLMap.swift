import Yams

/// What is wrong at a line of a YAML file.
struct YAMLProblem: Error {
    let line: Int?
    let reason: String
}

/// A mapping that is read key by key, each complaint with its line.
struct YAMLMap {
    private let mapping: Node.Mapping
    private let line: Int?

    init(_ node: Node) throws(YAMLProblem) {
        guard let mapping = node.mapping else { throw YAMLProblem(line: node.mark?.line, reason: "must be a mapping") }
        self.mapping = mapping
        line = node.mark?.line
    }

    /// Refuses keys that are not among these.
    func allow(_ keys: [String]) throws(YAMLProblem) {
        for (key, _) in mapping {
            guard let name = key.string, keys.contains(name) else {
                let name = key.string ?? ""
                let hint = nearest(to: name, among: keys).map { ": did you mean '\($0)'?" } ?? ""
                throw YAMLProblem(line: key.mark?.line ?? line, reason: "unknown key '\(name)'\(hint)")
            }
        }
    }

    func problem(_ key: String, _ reason: String) -> YAMLProblem {
        YAMLProblem(line: mapping[Node(key)]?.mark?.line ?? line, reason: "\(key) \(reason)")
    }

    func string(_ key: String) throws(YAMLProblem) -> String {
        guard let value = try optionalString(key) else { throw problem(key, "is required") }
        return value
    }

    func optionalString(_ key: String) throws(YAMLProblem) -> String? {
        guard let node = mapping[Node(key)] else { return nil }
        guard let scalar = node.scalar, !scalar.string.isEmpty else { throw problem(key, "must be text") }
        return scalar.string
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, _: Word.Type
    ) throws(YAMLProblem) -> Word where Word.RawValue == String {
        let text = try string(key)
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw problem(key, "must be one of \(words)")
        }
        return word
    }

    func boolean(_ key: String) throws(YAMLProblem) -> Bool? {
        guard let text = try optionalString(key) else { return nil }
        switch text {
        case "true": return true
        case "false": return false
        default: throw problem(key, "must be true or false")
        }
    }

    func integer(_ key: String) throws(YAMLProblem) -> Int? {
        guard let text = try optionalString(key) else { return nil }
        guard let value = Int(text), value >= 0 else { throw problem(key, "must be a whole number") }
        return value
    }

    func strings(_ key: String) throws(YAMLProblem) -> [String] {
        guard let node = mapping[Node(key)] else { return [] }
        guard let sequence = node.sequence else { throw problem(key, "must be a list of words") }
        var values: [String] = []
        for element in sequence {
            guard let text = element.scalar?.string else { throw problem(key, "must be a list of words") }
            values.append(text)
        }
        return values
    }

    func maps(_ key: String, isRequired: Bool = true) throws(YAMLProblem) -> [YAMLMap] {
        guard let node = mapping[Node(key)] else {
            if isRequired { throw problem(key, "is required") }
            return []
        }
        guard let sequence = node.sequence else { throw problem(key, "must be a list") }
        var maps: [YAMLMap] = []
        for element in sequence { maps.append(try YAMLMap(element)) }
        return maps
    }
}
