import Connections
import TestSupport
import Testing

@Suite struct APITokenTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let key: APIKeyID
        let random: [UInt8]
        let token: String

        var testDescription: String { token }
    }

    /// Random part and checksum made with Python's `int` and `zlib.crc32`.
    static let cases: [Case] = [
        Case(
            key: .numbered(1), random: [UInt8](repeating: 0, count: 32),
            token: "pbk_01KDVDNA000000000000000001_00000000000000000000000000000000000000000000NIVt1"),
        Case(
            key: .numbered(1), random: [UInt8](repeating: 0xFF, count: 32),
            token: "pbk_01KDVDNA000000000000000001_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp13UuJHr"),
        Case(
            key: .numbered(2), random: (0..<32).map { UInt8($0) },
            token: "pbk_01KDVDNA000000000000000002_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf077Cgc"),
    ]

    @Test(arguments: APITokenTests.cases)
    func form(_ expected: Case) {
        let token = APIToken.make(for: expected.key, random: expected.random)
        #expect(token == expected.token)
        #expect(APIToken.isWellFormed(token))
    }

    /// One wrong letter anywhere is noticed.
    @Test(arguments: APITokenTests.cases)
    func checksum(_ expected: Case) {
        let letters = Array(expected.token)
        for index in letters.indices {
            var changed = letters
            changed[index] = changed[index] == "x" ? "y" : "x"
            #expect(!APIToken.isWellFormed(String(changed)), "letter \(index)")
        }
    }

    @Test(arguments: APITokenTests.cases)
    func otherTexts(_ expected: Case) {
        let token = expected.token
        for text in [
            "", "pbk_", String(token.dropLast()), "\(token)0", " \(token)", "\(token)\n", String(token.dropFirst(4)),
            token.lowercased(), "pbx_\(token.dropFirst(4))", String(repeating: "\u{E9}", count: 40),
        ] {
            #expect(!APIToken.isWellFormed(text), "\(text)")
        }
    }

    @Test func theTokenBeginsWithWhatMayBeShown() {
        let key = APIKey(
            id: .numbered(9), workspaceID: .numbered(1), label: "test", permissions: .read, createdBy: "console",
            createdAt: .t0, updatedAt: .t0)
        #expect(key.publicPart == "pbk_01KDVDNA000000000000000009")
        #expect(APIToken.make(for: key.id, random: [UInt8](repeating: 1, count: 32)).hasPrefix("\(key.publicPart)_"))
    }

    @Test func aDigestKeepsItsBytes() {
        let bytes = (0..<32).map { UInt8($0 * 7) }
        let digest = bytes.withUnsafeBytes { TokenDigest($0) }
        #expect(digest.bytes == bytes)
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1
            #expect(other.withUnsafeBytes { TokenDigest($0) } != digest)
        }
    }
}
