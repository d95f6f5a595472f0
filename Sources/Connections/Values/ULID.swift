/// A 128-bit identifier that sorts by its first 48 bits, a time in milliseconds, written as 26 Crockford characters.
package struct ULID: Sendable, Hashable, Comparable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func < (a: ULID, b: ULID) -> Bool { (a.high, a.low) < (b.high, b.low) }

    /// Characters in the written form.
    package static let length = 26

    /// Strict: upper case only, 26 characters, no value past 128 bits. It takes a buffer rather than any collection because
    /// every id of every row passes here, and a generic one is not specialized across modules.
    package init?(_ characters: UnsafeRawBufferPointer) {
        guard characters.count == Self.length, characters[0] < UInt8(ascii: "8") else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in 0..<Self.length {
            let value = Self.values[Int(characters[index])]
            guard value < 32 else { return nil }
            high = high << 5 | low >> 59
            low = low << 5 | UInt64(value)
        }
        self.init(high: high, low: low)
    }

    package func append(to bytes: inout [UInt8]) {
        for index in 0..<Self.length {
            let shift = 5 * (Self.length - 1 - index)
            let value: UInt64
            if shift >= 64 {
                value = high >> (shift - 64)
            } else if shift > 59 {
                value = high << (64 - shift) | low >> shift
            } else {
                value = low >> shift
            }
            bytes.append(Self.alphabet[Int(value & 31)])
        }
    }

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
        return table
    }()
}
