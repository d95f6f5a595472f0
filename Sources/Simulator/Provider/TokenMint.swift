/// Writes tokens and reads them back. A token is its number in the provider's books and a proof drawn from the seed, so
/// the books are arrays, and a log that shows a token shows which one it was.
struct TokenMint: Sendable {
    enum Kind: UInt8 {
        case code
        case refresh
        case access

        fileprivate var prefix: StaticString {
            switch self {
            case .code: "sim_ac_"
            case .refresh: "sim_rt_"
            case .access: "sim_at_"
            }
        }
    }

    private static let prefixLength = 7
    private static let numberLength = 16
    private static let length = prefixLength + 3 * numberLength

    let seed: UInt64

    func token(_ kind: Kind, _ number: Int) -> String {
        var proof = SplitMix64(seed: seed ^ UInt64(kind.rawValue) << 56 ^ UInt64(number))
        return String(unsafeUninitializedCapacity: Self.length) { buffer in
            kind.prefix.withUTF8Buffer { _ = buffer.update(fromContentsOf: $0) }
            var place = Self.prefixLength
            for word in [UInt64(number), proof.next(), proof.next()] {
                for shift in stride(from: 60, through: 0, by: -4) {
                    buffer[place] = Self.digits[Int(word >> UInt64(shift) & 15)]
                    place += 1
                }
            }
            return place
        }
    }

    /// `nil` for what this provider never wrote, another kind of token included.
    func number(_ kind: Kind, of token: String) -> Int? {
        guard token.utf8.count == Self.length,
            let number = Int(token.dropFirst(Self.prefixLength).prefix(Self.numberLength), radix: 16),
            number >= 0, self.token(kind, number) == token
        else { return nil }
        return number
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
