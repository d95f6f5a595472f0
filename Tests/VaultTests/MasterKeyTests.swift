import Connections
import TestSupport
import Testing
import Vault

@Suite struct MasterKeyTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let text: String
        let isKey: Bool
    }

    private static let text = EnvelopeVector.masterKeyText

    static let cases: [Case] = [
        Case(testDescription: "32 bytes", text: text, isKey: true),
        Case(testDescription: "a file's newline", text: "\(text)\n", isKey: true),
        Case(testDescription: "white space around", text: " \t\(text)\r\n ", isKey: true),
        Case(testDescription: "nothing", text: "", isKey: false),
        Case(testDescription: "white space", text: " \n", isKey: false),
        Case(testDescription: "31 bytes", text: "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==", isKey: false),
        Case(testDescription: "33 bytes", text: "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh", isKey: false),
        Case(testDescription: "64 bytes", text: "\(String(repeating: "QUFB", count: 21))QQ==", isKey: false),
        Case(testDescription: "no padding", text: String(text.dropLast()), isKey: false),
        Case(testDescription: "hexadecimal", text: String(repeating: "0f", count: 32), isKey: false),
        Case(testDescription: "32 characters", text: String(repeating: "k", count: 32), isKey: false),
        Case(testDescription: "a letter that is none", text: "!\(text.dropFirst())", isKey: false),
        Case(testDescription: "in quotes", text: "\"\(text)\"", isKey: false),
        Case(testDescription: "two keys", text: "\(text)\(text)", isKey: false),
        Case(testDescription: "letters of URLs", text: "-_-_BAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", isKey: false),
    ]

    @Test(arguments: MasterKeyTests.cases)
    func parsing(_ expected: Case) {
        let key = MasterKey(base64: expected.text)
        #expect((key != nil) == expected.isKey)
        if expected.isKey { #expect(key?.id == EnvelopeVector.masterKeyID) }
    }

    @Test func idAndCheckValueAreThoseOfAnotherImplementation() throws {
        let key = try #require(MasterKey(base64: EnvelopeVector.masterKeyText))
        #expect(key.id == EnvelopeVector.masterKeyID)
        #expect(key.checkValue == EnvelopeVector.masterKeyCheck)
    }

    @Test func madeKeysAreReadAndDiffer() throws {
        let first = try #require(MasterKey(base64: MasterKey.generate()))
        let second = try #require(MasterKey(base64: MasterKey.generate()))
        #expect(first.id != second.id)
        #expect(first.checkValue != second.checkValue)
    }

    @Test func theKeyItselfIsNeverPrinted() throws {
        let key = try #require(MasterKey(base64: EnvelopeVector.masterKeyText))
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(!text.contains(EnvelopeVector.masterKeyText))
            #expect(!text.contains("6730f27a"))
            #expect(!text.contains("103, 48, 242"))
        }
    }

    struct DigestCase: CustomTestStringConvertible, Sendable {
        let token: String
        let digest: String

        var testDescription: String { token }
    }

    @Test(arguments: [
        DigestCase(token: "", digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        DigestCase(token: "abc", digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func tokensAreDigestedBySHA256(_ expected: DigestCase) {
        #expect(sha256Digester(expected.token).bytes == [UInt8](hex: expected.digest))
    }

    @Test(arguments: [0, 1, 7, 8, 9, 32, 1_000])
    func randomBytesAreAsManyAsAsked(count: Int) {
        let bytes = secureRandomBytes(count)
        #expect(bytes.count == count)
        #expect(count < 32 || bytes != secureRandomBytes(count))
    }
}
