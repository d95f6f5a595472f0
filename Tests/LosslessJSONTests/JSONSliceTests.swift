import LosslessJSON
import Testing

/// Looking into a text that was checked.
@Suite struct JSONSliceTests {
    struct KindCase: CustomTestStringConvertible, Sendable {
        let text: String
        let kind: JSONSlice.Kind
        var boolean: Bool?

        var testDescription: String { text }
    }

    @Test(arguments: [
        KindCase(text: " {} ", kind: .object), KindCase(text: "[]", kind: .array),
        KindCase(text: "\"1\"", kind: .string),
        KindCase(text: "-1", kind: .number), KindCase(text: "0.5", kind: .number), KindCase(text: "null", kind: .null),
        KindCase(text: "true", kind: .boolean, boolean: true),
        KindCase(text: " false", kind: .boolean, boolean: false),
    ])
    func kind(_ expected: KindCase) throws {
        let slice = try JSONSlice(parsing: Array(expected.text.utf8))
        #expect(slice.kind == expected.kind)
        #expect(slice.boolean == expected.boolean)
        #expect((slice.string == nil) == (expected.kind != .string))
        #expect((slice.utf8 == nil) == (expected.kind != .string))
        #expect((slice.codePointCount == nil) == (expected.kind != .string))
        #expect(slice.members.isEmpty && slice.elements.isEmpty)
    }

    struct StringCase: CustomTestStringConvertible, Sendable {
        let literal: String
        let characters: String
        let codePoints: Int

        var testDescription: String { literal }
    }

    @Test(arguments: [
        StringCase(literal: "\"\"", characters: "", codePoints: 0),
        StringCase(literal: "\"abc\"", characters: "abc", codePoints: 3),
        StringCase(literal: #""\"\\\/\b\f\n\r\t""#, characters: "\"\\/\u{8}\u{C}\n\r\t", codePoints: 8),
        StringCase(literal: #""a\u0000b""#, characters: "a\u{0}b", codePoints: 3),
        StringCase(literal: #""\u0000""#, characters: "\u{0}", codePoints: 1),
        StringCase(literal: #""\u00e9""#, characters: "\u{E9}", codePoints: 1),
        StringCase(literal: #""e\u0301""#, characters: "e\u{301}", codePoints: 2),
        StringCase(literal: #""\uD83D\uDE00""#, characters: "\u{1F600}", codePoints: 1),
        StringCase(literal: #""\uDBFF\uDFFF""#, characters: "\u{10FFFF}", codePoints: 1),
        StringCase(literal: #""\uFFFF""#, characters: "\u{FFFF}", codePoints: 1),
        StringCase(literal: #""\\u0041""#, characters: "\\u0041", codePoints: 6),
        // One character on the screen, seven code points.
        StringCase(
            literal: "\"\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}\"",
            characters: "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}", codePoints: 7),
        // One character to Swift, two code points.
        StringCase(literal: #""\r\n""#, characters: "\r\n", codePoints: 2),
    ])
    func string(_ expected: StringCase) throws {
        let slice = try JSONSlice(parsing: Array(expected.literal.utf8))
        // By bytes: String's equality would take differently composed text for the same.
        #expect(slice.utf8 == Array(expected.characters.utf8))
        #expect(slice.string.map { Array($0.utf8) } == Array(expected.characters.utf8))
        #expect(slice.codePointCount == expected.codePoints)
        #expect(slice.canonical.string == expected.literal)
    }

    struct ResolutionCase: CustomTestStringConvertible, Sendable {
        let text: String
        let canonical: String

        var testDescription: String { text }
    }

    @Test(arguments: [
        ResolutionCase(text: #"{"a":1,"b":2,"a":3}"#, canonical: #"{"a":3,"b":2}"#),
        ResolutionCase(text: #"{"a":1,"a":2,"b":0,"a":[]}"#, canonical: #"{"a":[],"b":0}"#),
        ResolutionCase(text: #"{"":1,"":2}"#, canonical: #"{"":2}"#),
        // The first spelling stays, whichever it is.
        ResolutionCase(text: #"{"\u0061":1,"a":2}"#, canonical: #"{"\u0061":2}"#),
        ResolutionCase(text: #"{"a":1,"\u0061":2}"#, canonical: #"{"a":2}"#),
        ResolutionCase(text: #"{"\u00E9":1,"\u00e9":2}"#, canonical: #"{"\u00E9":2}"#),
        ResolutionCase(text: #"{"a\/b":1,"a/b":2}"#, canonical: #"{"a\/b":2}"#),
        ResolutionCase(text: "{\"\\ud83d\\ude00\":1,\"\u{1F600}\":2}", canonical: #"{"\ud83d\ude00":2}"#),
        ResolutionCase(text: #"{"\n":1,"\u000a":2,"\u000A":3}"#, canonical: #"{"\n":3}"#),
        // Composed and decomposed look alike and are two keys; so are upper and lower case, and what ends at U+0000.
        ResolutionCase(text: "{\"\u{E9}\":1,\"e\u{301}\":2}", canonical: "{\"\u{E9}\":1,\"e\u{301}\":2}"),
        ResolutionCase(text: #"{"A":1,"a":2}"#, canonical: #"{"A":1,"a":2}"#),
        ResolutionCase(text: #"{"a":1,"a\u0000":2,"":3}"#, canonical: #"{"a":1,"a\u0000":2,"":3}"#),
        ResolutionCase(text: #"{"\\u0061":1,"a":2}"#, canonical: #"{"\\u0061":1,"a":2}"#),
        // At every level, each by itself.
        ResolutionCase(text: #"[{"a":{"b":1,"b":2}},{"a":1}]"#, canonical: #"[{"a":{"b":2}},{"a":1}]"#),
        ResolutionCase(text: #"{"a":{"x":1},"a":{"y":2,"y":3}}"#, canonical: #"{"a":{"y":3}}"#),
    ])
    func equalKeys(_ expected: ResolutionCase) throws {
        let canonical = try JSONSlice(parsing: Array(expected.text.utf8)).canonical
        #expect(canonical.bytes == Array(expected.canonical.utf8), "\(canonical.string)")
        #expect(canonical.slice.canonical == canonical)
    }

    @Test func members() throws {
        let slice = try JSONSlice(parsing: Array(#"{"b" : [1, 2], "a": "x", "b": null}"#.utf8))
        #expect(slice.members.map { $0.key.string } == ["b", "a"])
        #expect(slice.members.map { $0.value.kind } == [JSONSlice.Kind.null, JSONSlice.Kind.string])
        #expect(slice.elements.isEmpty)
    }

    @Test func elements() throws {
        let slice = try JSONSlice(parsing: Array(#"[ 1.0 , "a,]" ,{ "x": [ ] },[],true]"#.utf8))
        let raw = slice.elements.map { String(decoding: $0.raw, as: UTF8.self) }
        #expect(raw == ["1.0", #""a,]""#, #"{ "x": [ ] }"#, "[]", "true"])
        #expect(slice.members.isEmpty)
    }
}
