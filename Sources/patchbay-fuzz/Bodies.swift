/// Makes bodies: documents of the right shape, values of any shape, and either of them damaged.
enum Bodies {
    static func next(using random: inout SplitMix64) -> [UInt8] {
        var body = Array(document(using: &random).utf8)
        guard !body.isEmpty, Bool.random(using: &random) else { return body }
        for _ in 0...Int.random(in: 0..<4, using: &random) { damage(&body, using: &random) }
        return body
    }

    private static func damage(_ body: inout [UInt8], using random: inout SplitMix64) {
        guard !body.isEmpty else { return }
        let place = Int.random(in: 0..<body.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: body[place] = UInt8.random(in: 0...255, using: &random)
        case 1: body.remove(at: place)
        case 2: body.insert(special.randomElement(using: &random) ?? 0, at: place)
        case 3: body.removeSubrange(place...)
        case 4: body.insert(contentsOf: body[place...].prefix(40), at: place)
        default: body.insert(contentsOf: Array(repeating: UInt8(ascii: "["), count: 70), at: place)
        }
    }

    private static let special = Array("{}[]\",:\\u0dD8eE+-.\u{0}\u{1F} \t\n".utf8) + [0xC0, 0xED, 0xA0, 0xF4, 0xFF]

    private static let names = ["label", "config", "status", "external_id", "tags", "metadata", "x", "l\\u0061bel"]

    private static func document(using random: inout SplitMix64) -> String {
        guard Int.random(in: 0..<10, using: &random) > 0 else { return value(depth: 0, using: &random) }
        let members = (0..<Int.random(in: 0..<6, using: &random)).map { _ in
            "\"\(names.randomElement(using: &random) ?? "")\":\(value(depth: 0, using: &random))"
        }
        return "{\(members.joined(separator: ","))}"
    }

    private static func value(depth: Int, using random: inout SplitMix64) -> String {
        switch Int.random(in: 0..<(depth > 6 ? 5 : 8), using: &random) {
        case 0: return ["null", "true", "false"].randomElement(using: &random) ?? "null"
        case 1: return number(using: &random)
        case 2, 3: return string(using: &random)
        case 4: return ["\"active\"", "\"error\"", "\"********\""].randomElement(using: &random) ?? "\"\""
        case 5:
            let elements = (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                value(depth: depth + 1, using: &random)
            }
            return "[\(elements.joined(separator: " , "))]"
        default:
            let members = (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                "\(string(using: &random)) : \(value(depth: depth + 1, using: &random))"
            }
            return "{\(members.joined(separator: ","))}"
        }
    }

    private static func number(using random: inout SplitMix64) -> String {
        let digits = String(Int.random(in: Int.min...Int.max, using: &random))
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return digits
        case 1: return digits + "." + String(UInt8.random(in: 0...255, using: &random))
        case 2: return digits + "e" + String(Int.random(in: -500...500, using: &random))
        default: return "1" + String(repeating: "0", count: Int.random(in: 0..<1_100, using: &random))
        }
    }

    private static let pieces = [
        "a", "é", "e\u{301}", "😀", "\\n", "\\u0000", "\\ud83d\\ude00", "\\ud800", "\\\"", "\\\\", "/", "a", "b",
        "\u{7F}",
    ]

    private static func string(using random: inout SplitMix64) -> String {
        let count = Int.random(in: 0..<12, using: &random) * (Int.random(in: 0..<40, using: &random) == 0 ? 40 : 1)
        let content = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        return "\"\(content)\""
    }
}
