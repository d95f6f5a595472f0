import TestSupport

/// A string's code points, and one of the many ways to write it as a JSON literal.
struct RandomString {
    let scalars: [Unicode.Scalar]
    let literal: String

    /// Of any characters.
    init(using random: inout SplitMix64) {
        let count = Int.random(in: 0...12, using: &random)
        self.init(scalars: (0..<count).map { _ in Self.scalar(using: &random) }, using: &random)
    }

    /// One of these, in any spelling.
    init(of words: [String], using random: inout SplitMix64) {
        let word = words.randomElement(using: &random) ?? ""
        self.init(scalars: Array(word.unicodeScalars), using: &random)
    }

    private init(scalars: [Unicode.Scalar], using random: inout SplitMix64) {
        self.scalars = scalars
        literal = "\"\(scalars.map { Self.written($0, using: &random) }.joined())\""
    }

    var utf8: [UInt8] { scalars.flatMap { Array(String($0).utf8) } }

    private static func scalar(using random: inout SplitMix64) -> Unicode.Scalar {
        let ranges: [ClosedRange<UInt32>] = [
            0x00...0x1F, 0x20...0x7F, 0x20...0x7F, 0x22...0x22, 0x5C...0x5C, 0x80...0x7FF, 0x300...0x36F,
            0x800...0xD7FF, 0xE000...0xFFFF, 0x1_0000...0x10_FFFF,
        ]
        let range = ranges.randomElement(using: &random) ?? 0x20...0x7F
        return Unicode.Scalar(UInt32.random(in: range, using: &random)) ?? "?"
    }

    private static func written(_ scalar: Unicode.Scalar, using random: inout SplitMix64) -> String {
        let short: [Unicode.Scalar: String] = [
            "\"": "\\\"", "\\": "\\\\", "/": "\\/", "\u{8}": "\\b", "\u{C}": "\\f", "\n": "\\n", "\r": "\\r",
            "\t": "\\t",
        ]
        let mayStandRaw = scalar.value >= 0x20 && scalar != "\"" && scalar != "\\"
        let choice = Int.random(in: 0...3, using: &random)
        if mayStandRaw, choice > 1 { return String(scalar) }
        if choice > 0, let escape = short[scalar] { return escape }
        return String(scalar).utf16.map { unit in
            let digits = String(unit, radix: 16, uppercase: choice == 0)
            return "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)"
        }.joined()
    }
}
