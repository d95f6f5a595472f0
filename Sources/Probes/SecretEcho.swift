import Egress

/// Finds a secret, or a piece of it, in what the other side says: as it is, in other case, in Base64, in hexadecimal digits or
/// percent-encoded. A peer that wants to can always write it so that nobody knows it; one that merely tells what it got cannot.
struct SecretEcho {
    private let text: [UInt8]
    /// With the two alphabets of Base64 as one.
    private let standardText: [UInt8]
    /// Percent-encoding is hexadecimal then.
    private let digits: [UInt8]

    /// Pieces of this many characters are no chance.
    private static let window = 8
    /// Shorter ones are words that anything may contain.
    private static let shortest = 4

    init(_ text: String) {
        self.text = Array(text.lowercased().utf8)
        standardText = self.text.map {
            $0 == UInt8(ascii: "-") ? UInt8(ascii: "+") : $0 == UInt8(ascii: "_") ? UInt8(ascii: "/") : $0
        }
        digits = self.text.filter { $0 != UInt8(ascii: "%") }
    }

    func repeats(_ secret: String) -> Bool {
        guard secret.utf8.count >= Self.shortest else { return false }
        let plain = Array(secret.lowercased().utf8)
        if text.firstRange(of: plain) != nil || Self.share(text, plain, Self.window) { return true }
        let bytes = Array(secret.utf8)
        if Self.share(digits, Array(Self.hexadecimal(bytes).utf8), 2 * Self.window) { return true }
        // Of three alignments one is the right one, whatever stands before.
        return (0..<3).contains { offset in
            let encoded = base64([UInt8](repeating: 0, count: offset) + bytes).lowercased()
            return Self.share(standardText, Array(encoded.utf8.dropFirst(offset == 0 ? 0 : 4)), Self.window + 4)
        }
    }

    private static func share(_ text: [UInt8], _ secret: [UInt8], _ length: Int) -> Bool {
        guard text.count >= length, secret.count >= length else { return false }
        let pieces = Set((0...(text.count - length)).map { text[$0..<($0 + length)] })
        return (0...(secret.count - length)).contains { pieces.contains(secret[$0..<($0 + length)]) }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
