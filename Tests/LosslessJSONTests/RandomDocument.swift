import TestSupport

/// A value of any shape, made from a seed, that knows its own canonical text without asking the code under test.
indirect enum RandomDocument {
    case scalar(String)
    case array([RandomDocument])
    case object([Member])

    struct Member {
        let name: RandomString
        let value: RandomDocument
    }

    init(depth: Int, using random: inout SplitMix64) {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &random) {
        case 0: self = .scalar(["true", "false", "null"].randomElement(using: &random) ?? "null")
        case 1, 2: self = .scalar(Self.number(using: &random))
        case 3, 4: self = .scalar(RandomString(using: &random).literal)
        case 5:
            let count = Int.random(in: 0...4, using: &random)
            self = .array((0..<count).map { _ in RandomDocument(depth: depth - 1, using: &random) })
        default:
            // Few names in many spellings, so that equal keys come often.
            let count = Int.random(in: 0...5, using: &random)
            let members = (0..<count).map { _ in
                Member(
                    name: RandomString(of: ["a", "\u{E9}", "e\u{301}", ""], using: &random),
                    value: RandomDocument(depth: depth - 1, using: &random))
            }
            self = .object(members)
        }
    }

    private static func number(using random: inout SplitMix64) -> String {
        var text = Bool.random(using: &random) ? "-" : ""
        text += Bool.random(using: &random) ? "0" : "\(Int.random(in: 1...9, using: &random))\(digits(0, &random))"
        if Bool.random(using: &random) { text += ".\(digits(1, &random))" }
        if Bool.random(using: &random) {
            text += ["e", "E", "e+", "E-"].randomElement(using: &random) ?? "e"
            text += digits(1, &random)
        }
        return text
    }

    private static func digits(_ least: Int, _ random: inout SplitMix64) -> String {
        (0..<Int.random(in: least...25, using: &random)).map { _ in "\(Int.random(in: 0...9, using: &random))" }
            .joined()
    }

    /// Without white space; of equal names the last value at the first one's place.
    var canonical: String {
        switch self {
        case .scalar(let text): return text
        case .array(let elements): return "[\(elements.map(\.canonical).joined(separator: ","))]"
        case .object(let members):
            var kept: [Member] = []
            for member in members {
                if let place = kept.firstIndex(where: { $0.name.scalars == member.name.scalars }) {
                    kept[place] = Member(name: kept[place].name, value: member.value)
                } else {
                    kept.append(member)
                }
            }
            return "{\(kept.map { "\($0.name.literal):\($0.value.canonical)" }.joined(separator: ","))}"
        }
    }

    /// As somebody might write it, with white space wherever it may stand.
    func written(using random: inout SplitMix64) -> String {
        var text = Self.space(using: &random)
        switch self {
        case .scalar(let scalar): text += scalar
        case .array(let elements):
            let inner = elements.map { $0.written(using: &random) }.joined(separator: ",")
            text += "[\(elements.isEmpty ? Self.space(using: &random) : inner)]"
        case .object(let members):
            let inner = members.map { member in
                let before = Self.space(using: &random)
                let after = Self.space(using: &random)
                return "\(before)\(member.name.literal)\(after):\(member.value.written(using: &random))"
            }
            text += "{\(members.isEmpty ? Self.space(using: &random) : inner.joined(separator: ","))}"
        }
        return text + Self.space(using: &random)
    }

    private static func space(using random: inout SplitMix64) -> String {
        let count = max(0, Int.random(in: -4...3, using: &random))
        return (0..<count).map { _ in [" ", "\t", "\n", "\r"].randomElement(using: &random) ?? " " }.joined()
    }
}
