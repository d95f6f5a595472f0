import Crypto

/// HKDF-SHA256 (RFC 5869) over the library's SHA-256. The library's own HKDF says the same and takes five times as long, most
/// of it in generic code for inputs of any kind; sealing derives a key for each value, and a refresh seals and opens six.
struct KeyDerivation {
    private static let blockLength = 64
    private static let digestLength = 32

    /// The pseudorandom key of the extract step.
    private let extracted: PaddedKey

    init(key: SymmetricKey, salt: [UInt8]) {
        extracted = PaddedKey(PaddedKey(salt).authenticate([key.withUnsafeBytes { Array($0) }]))
    }

    /// - Parameter count: at most 255 digests, which nobody here comes near.
    func expand(info: [UInt8], count: Int) -> [UInt8] {
        var output: [UInt8] = []
        var block: [UInt8] = []
        for number in 1...255 where output.count < count {
            block = extracted.authenticate([block, info, [UInt8(number)]])
            output += block
        }
        return Array(output.prefix(count))
    }

    /// A key of HMAC-SHA256 (RFC 2104), as it goes before the text and before the inner digest.
    private struct PaddedKey {
        private var inner = SHA256()
        private var outer = SHA256()

        init(_ key: [UInt8]) {
            precondition(key.count <= blockLength)
            let padded = key + Array(repeating: 0, count: blockLength - key.count)
            Self.update(&inner, padded.map { $0 ^ 0x36 })
            Self.update(&outer, padded.map { $0 ^ 0x5c })
        }

        func authenticate(_ parts: [[UInt8]]) -> [UInt8] {
            var (inner, outer) = (inner, outer)
            for part in parts { Self.update(&inner, part) }
            inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
            return outer.finalize().withUnsafeBytes { Array($0) }
        }

        private static func update(_ digest: inout SHA256, _ bytes: [UInt8]) {
            bytes.withUnsafeBytes { digest.update(bufferPointer: $0) }
        }
    }
}
