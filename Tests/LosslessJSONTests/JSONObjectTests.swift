import LosslessJSON
import Testing

/// `JSONObject` stands in JSONText.swift.
@Suite struct JSONObjectTests {
    struct Edit: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let text: String
        let result: String
        let apply: @Sendable (inout JSONObject) -> Void
    }

    private struct Table {
        private(set) var edits: [Edit] = []

        mutating func add(
            _ name: String, _ text: String, _ result: String, _ apply: @escaping @Sendable (inout JSONObject) -> Void
        ) {
            edits.append(Edit(testDescription: name, text: text, result: result, apply: apply))
        }
    }

    static let edits: [Edit] = {
        var table = Table()
        table.add("replacing keeps place and spelling", #"{"a":1,"\u0062":2,"c":3}"#, #"{"a":1,"\u0062":"x","c":3}"#) {
            $0["b"] = JSONText("x")
        }
        table.add("adding goes to the end", #"{"b":1}"#, #"{"b":1,"a":null}"#) { $0["a"] = JSONText.null }
        table.add("removing", #"{"a":1,"b":2,"c":3}"#, #"{"a":1,"c":3}"#) { $0["b"] = nil }
        table.add("removing what is not there", #"{"a":1}"#, #"{"a":1}"#) { $0["b"] = nil }
        table.add("a key that needs escaping", "{}", #"{"a\"\n":[]}"#) { $0["a\"\n"] = JSONText.emptyArray }
        table.add("a key with U+0000", #"{"a":1}"#, #"{"a":1,"a\u0000":{}}"#) { $0["a\u{0}"] = JSONText.emptyObject }
        table.add("composed is not decomposed", "{\"\u{E9}\":1}", "{\"\u{E9}\":1,\"e\u{301}\":null}") {
            $0["e\u{301}"] = JSONText.null
        }
        table.add("removing spares the other composition", "{\"\u{E9}\":1,\"e\u{301}\":2}", "{\"\u{E9}\":1}") {
            $0["e\u{301}"] = nil
        }
        table.add(
            "what is not touched stays as written", #"{ "n" : 1.00 , "s":"\u0041", "o":{ "x" : [ ] } }"#,
            #"{"n":1.00,"s":"\u0041","o":{"x":[]},"new":{}}"#
        ) { $0["new"] = JSONText.emptyObject }
        table.add("equal keys are resolved", #"{"a":1,"a":2}"#, #"{"a":2}"#) { _ in }
        table.add("no object", "[1]", "{}") { _ in }
        return table.edits
    }()

    @Test(arguments: JSONObjectTests.edits)
    func changes(_ edit: Edit) throws {
        var object = JSONObject(try JSONSlice(parsing: Array(edit.text.utf8)))
        edit.apply(&object)
        #expect(object.text.bytes == Array(edit.result.utf8), "\(object.text.string)")
    }

    @Test func readsByName() throws {
        let object = JSONObject(try JSONSlice(parsing: Array(#"{"a": [1, 2],"\u0062":null,"a\u0000":0}"#.utf8)))
        #expect(object["a"]?.string == "[1,2]")
        #expect(object["b"] == JSONText.null)
        #expect(object["a\u{0}"]?.string == "0")
        #expect(object["A"] == nil)
        #expect(object.members.map { $0.name } == ["a", "b", "a\u{0}"])
        #expect(object.members.map { $0.key.string } == [#""a""#, #""\u0062""#, #""a\u0000""#])
    }
}
