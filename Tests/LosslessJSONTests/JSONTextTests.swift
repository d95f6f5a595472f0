import LosslessJSON
import Testing

@Suite struct JSONTextTests {
    struct LiteralCase: CustomTestStringConvertible, Sendable {
        let string: String
        let literal: String

        var testDescription: String { literal }
    }

    @Test(arguments: [
        LiteralCase(string: "", literal: "\"\""),
        LiteralCase(string: "plain", literal: #""plain""#),
        LiteralCase(string: "a\"b\\c", literal: #""a\"b\\c""#),
        LiteralCase(string: "/", literal: #""/""#),
        LiteralCase(string: "\n\r\t", literal: #""\n\r\t""#),
        LiteralCase(string: "\u{0}\u{8}\u{C}\u{1F}", literal: #""\u0000\u0008\u000c\u001f""#),
        LiteralCase(string: "\u{7F}", literal: #""\u007f""#),
        LiteralCase(string: "\u{E9}e\u{301}\u{1F600}\u{2028}", literal: "\"\u{E9}e\u{301}\u{1F600}\u{2028}\""),
    ])
    func escapesStrings(_ expected: LiteralCase) throws {
        let text = JSONText(expected.string)
        #expect(text.bytes == Array(expected.literal.utf8))
        let parsed = try JSONSlice(parsing: text.bytes)
        #expect(parsed.utf8 == Array(expected.string.utf8))
        #expect(parsed.canonical == text)
    }

    @Test func equalityIsOfBytes() {
        #expect(JSONText("\u{E9}") != JSONText("e\u{301}"))
        #expect(JSONText(unchecked: Array("1.0".utf8)) != JSONText(unchecked: Array("1".utf8)))
    }

    @Test func constants() {
        #expect(JSONText.null.slice.kind == .null)
        #expect(JSONText.emptyObject == JSONObject().text)
        #expect(JSONText.emptyArray.slice.kind == .array)
    }
}
