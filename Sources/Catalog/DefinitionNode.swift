import LosslessJSON
import Yams

/// What is wrong with a definition, and where.
struct DefinitionProblem: Error {
    /// From 1.
    let line: Int?
    /// The keys that lead there; places in lists are numbers from 0.
    var path: [String] = []
    let reason: String
}

/// A value of an integration's definition, out of YAML or JSON. Numbers and truth values are text as they were written:
/// what they are to be, the key decides.
struct DefinitionNode {
    struct Member {
        let name: String
        let line: Int?
        let value: DefinitionNode
    }

    enum Content {
        case text(String)
        case list([DefinitionNode])
        case map([Member])
    }

    let content: Content
    let line: Int?

    /// Bytes.
    static let maxSize = 64 << 10
    /// With what aliases stand for counted each time.
    static let maxCount = 10_000

    private static func checkSize(_ text: String) throws(DefinitionProblem) {
        guard text.utf8.count <= maxSize else {
            throw DefinitionProblem(line: nil, reason: "is larger than \(maxSize) bytes")
        }
    }
}

// MARK: YAML

extension DefinitionNode {
    init(yaml text: String) throws(DefinitionProblem) {
        try Self.checkSize(text)
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw DefinitionProblem(line: error.line, reason: error.reason)
        } catch {
            throw DefinitionProblem(line: nil, reason: "is not YAML")
        }
        guard let root else { throw DefinitionProblem(line: nil, reason: "is empty") }
        var remaining = Self.maxCount
        try self.init(root, remaining: &remaining)
    }

    /// Yams shares what an alias stands for; here it is copied, so the copies are counted before they are made.
    private init(_ node: Node, remaining: inout Int) throws(DefinitionProblem) {
        remaining -= 1
        line = node.mark?.line
        guard remaining >= 0 else {
            throw DefinitionProblem(line: line, reason: "more than \(Self.maxCount) values, those of aliases counted")
        }
        switch node {
        case .scalar(let scalar): content = .text(scalar.string)
        case .sequence(let sequence):
            var elements: [DefinitionNode] = []
            for element in sequence { elements.append(try DefinitionNode(element, remaining: &remaining)) }
            content = .list(elements)
        case .mapping(let mapping):
            var members: [Member] = []
            for (key, value) in mapping {
                guard let name = key.scalar?.string else {
                    throw DefinitionProblem(line: key.mark?.line ?? line, reason: "a key must be text")
                }
                let value = try DefinitionNode(value, remaining: &remaining)
                members.append(Member(name: name, line: key.mark?.line, value: value))
            }
            content = .map(members)
        case .alias:
            throw DefinitionProblem(line: line, reason: "an alias that stands for nothing")
        }
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

// MARK: JSON

extension DefinitionNode {
    /// Read as JSON rather than as the YAML that it nearly is: YAML has no surrogate pairs, and JSON no aliases.
    /// Members that are null count as absent.
    init(json text: String) throws(DefinitionProblem) {
        try Self.checkSize(text)
        let bytes = Array(text.utf8)
        let lines = LineCounter(bytes)
        do {
            self.init(try JSONSlice(parsing: bytes), lines: lines)
        } catch {
            throw DefinitionProblem(line: lines.line(at: error.offset), reason: error.code.rawValue)
        }
    }

    private init(_ slice: JSONSlice, lines: LineCounter) {
        line = lines.line(at: slice.raw.startIndex)
        switch slice.kind {
        case .string: content = .text(slice.string ?? "")
        case .number, .boolean: content = .text(String(decoding: slice.raw, as: UTF8.self))
        // In a list null is nothing that a key could want.
        case .null: content = .map([])
        case .array: content = .list(slice.elements.map { DefinitionNode($0, lines: lines) })
        case .object:
            content = .map(
                slice.members.filter { $0.value.kind != .null }.map { member in
                    Member(
                        name: member.key.string ?? "", line: lines.line(at: member.key.raw.startIndex),
                        value: DefinitionNode(member.value, lines: lines))
                })
        }
    }
}

private struct LineCounter {
    private let ends: [Int]

    init(_ bytes: [UInt8]) {
        ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
    }

    func line(at offset: Int) -> Int {
        var range = ends.startIndex..<ends.endIndex
        while let first = range.first {
            let middle = first + range.count / 2
            range = ends[middle] < offset ? (middle + 1)..<range.upperBound : first..<middle
        }
        return range.lowerBound + 1
    }
}
