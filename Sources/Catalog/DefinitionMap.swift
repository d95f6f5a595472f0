/// A map of a definition that is read key by key, each complaint with its line.
struct DefinitionMap {
    let path: [String]
    private let members: [DefinitionNode.Member]
    private let line: Int?

    init(_ node: DefinitionNode, path: [String] = []) throws(DefinitionProblem) {
        guard case .map(let members) = node.content else {
            throw DefinitionProblem(line: node.line, path: path, reason: "must be a mapping")
        }
        var seen = Set<String>()
        for member in members where !seen.insert(member.name).inserted {
            throw DefinitionProblem(line: member.line, path: path + [member.name], reason: "repeats \(member.name)")
        }
        self.members = members
        self.path = path
        line = node.line
    }

    /// Refuses keys that are not among these.
    func allow(_ keys: [String]) throws(DefinitionProblem) {
        for member in members where !keys.contains(member.name) {
            let hint = nearest(to: member.name, among: keys).map { ": did you mean '\($0)'?" } ?? ""
            throw DefinitionProblem(
                line: member.line ?? line, path: path + [member.name], reason: "unknown key '\(member.name)'\(hint)")
        }
    }

    func problem(_ key: String, _ reason: String) -> DefinitionProblem {
        DefinitionProblem(line: self[key]?.line ?? line, path: path + [key], reason: "\(key) \(reason)")
    }

    func has(_ key: String) -> Bool { self[key] != nil }

    private subscript(key: String) -> DefinitionNode? { members.first { $0.name == key }?.value }

    // MARK: Text

    func string(_ key: String) throws(DefinitionProblem) -> String {
        guard let value = try optionalString(key) else { throw problem(key, "is required") }
        return value
    }

    func optionalString(_ key: String) throws(DefinitionProblem) -> String? {
        guard let node = self[key] else { return nil }
        guard case .text(let text) = node.content, !text.isEmpty else { throw problem(key, "must be text") }
        return text
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, _: Word.Type
    ) throws(DefinitionProblem) -> Word where Word.RawValue == String {
        guard let word = try optionalWord(key, Word.self) else { throw problem(key, "is required") }
        return word
    }

    func optionalWord<Word: RawRepresentable & CaseIterable>(
        _ key: String, _: Word.Type
    ) throws(DefinitionProblem) -> Word? where Word.RawValue == String {
        try optionalWord(key, among: Word.allCases.map(\.rawValue)).flatMap(Word.init)
    }

    func optionalWord(_ key: String, among words: [String]) throws(DefinitionProblem) -> String? {
        guard let text = try optionalString(key) else { return nil }
        guard words.contains(text) else { throw problem(key, "must be one of \(words.joined(separator: ", "))") }
        return text
    }

    func boolean(_ key: String) throws(DefinitionProblem) -> Bool? {
        try optionalString(key).map { text throws(DefinitionProblem) in
            switch text {
            case "true": true
            case "false": false
            default: throw problem(key, "must be true or false")
            }
        }
    }

    func integer(_ key: String) throws(DefinitionProblem) -> Int? {
        guard let text = try optionalString(key) else { return nil }
        guard let value = Int(text), value >= 0 else { throw problem(key, "must be a whole number") }
        return value
    }

    /// A time span from a second to ten years.
    func seconds(_ key: String) throws(DefinitionProblem) -> Int? {
        guard let text = try optionalString(key) else { return nil }
        guard let value = Int(text), Self.spans.contains(value) else {
            throw problem(key, "must be a whole number of seconds from 1 to \(Self.spans.upperBound)")
        }
        return value
    }

    private static let spans = 1...315_360_000

    // MARK: Several values

    func strings(_ key: String) throws(DefinitionProblem) -> [String] {
        guard let node = self[key] else { return [] }
        guard case .list(let elements) = node.content else { throw problem(key, "must be a list of words") }
        return try elements.map { element throws(DefinitionProblem) in
            guard case .text(let text) = element.content else { throw problem(key, "must be a list of words") }
            return text
        }
    }

    /// A list, or one that need not be written as a list.
    func oneOrMoreStrings(_ key: String) throws(DefinitionProblem) -> [String] {
        guard case .text = self[key]?.content else { return try strings(key) }
        return [try string(key)]
    }

    /// The value of every key, for a map whose keys the file chooses.
    func texts() throws(DefinitionProblem) -> [(name: String, value: String)] {
        try members.map { member throws(DefinitionProblem) in
            guard !member.name.isEmpty else {
                throw DefinitionProblem(line: member.line, path: path, reason: "a key has no name")
            }
            return (member.name, try string(member.name))
        }
    }

    func map(_ key: String) throws(DefinitionProblem) -> DefinitionMap? {
        guard let node = self[key] else { return nil }
        guard case .map = node.content else { throw problem(key, "must be a mapping") }
        return try DefinitionMap(node, path: path + [key])
    }

    func maps(_ key: String, isRequired: Bool = true) throws(DefinitionProblem) -> [DefinitionMap] {
        guard let node = self[key] else {
            if isRequired { throw problem(key, "is required") }
            return []
        }
        guard case .list(let elements) = node.content else { throw problem(key, "must be a list") }
        return try elements.enumerated().map { index, element throws(DefinitionProblem) in
            try DefinitionMap(element, path: path + [key, "\(index)"])
        }
    }
}
