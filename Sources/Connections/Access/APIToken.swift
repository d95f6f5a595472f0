/// The form of a token that we make: `pbk_<id>_<random><checksum>`, 256 random bits and a CRC-32 in base 62, so that a
/// secret scanner can tell a token from text that looks like one. The checksum never decides who gets in.
package enum APIToken {
    package static func make(for id: APIKeyID, random: [UInt8]) -> String {
        let body = "pbk_\(id.ulidText)_\(base62(random, width: 43))"
        return body + checksum(of: body)
    }

    /// Whether a text has the form and its checksum.
    package static func isWellFormed(_ token: String) -> Bool {
        guard token.utf8.count == 4 + ULID.length + 1 + 43 + 6, token.hasPrefix("pbk_") else { return false }
        return token.hasSuffix(checksum(of: token.dropLast(6)))
    }

    private static func checksum(of body: some StringProtocol) -> String {
        let crc = crc32(Array(body.utf8))
        return base62((0..<4).map { UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * $0)) }, width: 6)
    }

    private static func base62(_ bytes: [UInt8], width: Int) -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        var number = bytes
        var digits: [UInt8] = []
        for _ in 0..<width {
            var remainder = 0
            for index in number.indices {
                let value = remainder << 8 | Int(number[index])
                number[index] = UInt8(value / 62)
                remainder = value % 62
            }
            digits.append(alphabet[remainder])
        }
        return String(decoding: digits.reversed(), as: UTF8.self)
    }

    /// CRC-32 of IEEE 802.3, reflected, as in RFC 1952.
    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
    }
}
