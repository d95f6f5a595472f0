import LosslessJSON
import Testing

@Suite struct JSONWriterTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let text: String
        let write: @Sendable (inout JSONWriter) -> Void

        var testDescription: String { text }
    }

    private struct Table {
        private(set) var cases: [Case] = []

        mutating func add(_ text: String, _ write: @escaping @Sendable (inout JSONWriter) -> Void) {
            cases.append(Case(text: text, write: write))
        }
    }

    static let cases: [Case] = {
        var table = Table()
        table.add("null") { $0.null() }
        table.add("null") { $0.value(String?.none) }
        table.add("null") { $0.value(JSONText?.none) }
        table.add("true") { $0.value(true) }
        table.add("-9223372036854775808") { $0.value(Int.min) }
        table.add(#""a\"\\\n\u0000/""#) { $0.value("a\"\\\n\u{0}/") }
        table.add(#""\r\n\t\u0008\u007f""#) { $0.value("\r\n\t\u{8}\u{7F}") }
        table.add("1.00") { $0.value(JSONText(unchecked: Array("1.00".utf8))) }
        table.add(#""plain""#) { json in json.plainString { $0.append(contentsOf: Array("plain".utf8)) } }
        table.add("{}") { $0.object { _ in } }
        table.add("[]") { $0.array { _ in } }
        table.add("[]") { $0.strings([String]()) }
        table.add(#"["a","b\t"]"#) { $0.strings(["a", "b\t"]) }
        table.add("[1,-2,3]") { json in
            json.array([1, -2, 3]) { json, number in json.value(number) }
        }
        table.add("[[],[[]],{},null]") { json in
            json.array { json in
                json.array { _ in }
                json.array { $0.array { _ in } }
                json.object { _ in }
                json.null()
            }
        }
        return table.cases
    }()

    @Test(arguments: JSONWriterTests.cases)
    func values(_ expected: Case) throws {
        var writer = JSONWriter()
        expected.write(&writer)
        #expect(writer.bytes == Array(expected.text.utf8), "\(writer.text.string)")
        #expect(try JSONSlice(parsing: writer.bytes).canonical == writer.text)
    }

    @Test func members() throws {
        var writer = JSONWriter(capacity: 0)
        let literal: StaticString = "literal"
        writer.object { json in
            json.key(literal)
            json.value(1)
            json.key(escaping: "needs \"escaping\"")
            json.array { $0.null() }
            json.member(key: JSONText("member"), JSONText("value"))
            json.key("nested")
            json.object { json in
                json.key("a")
                json.value(false)
                json.key("b")
                json.value("")
            }
            json.key("last")
            json.null()
        }
        let expected =
            #"{"literal":1,"needs \"escaping\"":[null],"member":"value","nested":{"a":false,"b":""},"last":null}"#
        #expect(writer.text.string == expected)
        #expect(try JSONSlice(parsing: writer.bytes).canonical == writer.text)
    }
}
