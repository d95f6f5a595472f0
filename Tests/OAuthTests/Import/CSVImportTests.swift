import TestSupport
import Testing

@testable import OAuth

@Suite struct CSVImportTests {
    struct Table: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let text: String
        let rows: [String]

        init(_ name: String, _ text: String, _ rows: String...) {
            testDescription = name
            self.text = text
            self.rows = rows
        }
    }

    @Test(arguments: [
        Table(
            "one row", "external_id,access_token\na,t\n",
            #"2 {"external_id":"a","credentials":{"access_token":"t"}}"#),
        Table(
            "no line end at the end, and two characters before", "external_id,access_token\r\na,t\r\n\r\nb,u",
            #"2 {"external_id":"a","credentials":{"access_token":"t"}}"#,
            #"4 {"external_id":"b","credentials":{"access_token":"u"}}"#),
        Table(
            "quotes around commas, quotes and line ends", "label,external_id\n\"a, \"\"b\"\"\nc\",x\n\"\",y\n",
            #"2 {"label":"a, \"b\"\nc","external_id":"x"}"#, #"4 {"external_id":"y"}"#),
        Table("a byte order mark", "\u{FEFF}external_id\nx\n", #"2 {"external_id":"x"}"#),
        Table(
            "lists and objects", "scopes,tags,config.a.b,metadata.m,credentials.key\n\"r, w\",x,1,2,3\n",
            #"2 {"scopes":["r","w"],"tags":["x"],"config":{"a.b":"1"},"metadata":{"m":"2"},"credentials":{"key":"3"}}"#),
        Table("a row with a field too few", "external_id,label\nx\n", "2 The row has 1 fields, the header 2"),
    ])
    func `a table becomes rows`(_ table: Table) throws {
        let lines = try CSVImport(integration: nil).lines(of: Array(table.text.utf8))
        let told = lines.map { line in
            switch line.row {
            case .success(let json): "\(line.number) \(String(decoding: json, as: UTF8.self))"
            case .failure(let refusal): "\(line.number) \(refusal.errors.joined())"
            }
        }
        #expect(told == table.rows)
    }

    @Test func `rows that name no integration are of the one that is given`() throws {
        let lines = try CSVImport(integration: "slack").lines(of: Array("integration,external_id\n,a\ngithub,b\n".utf8))
        let rows = lines.map { (try? $0.row.get()).map { String(decoding: $0, as: UTF8.self) } ?? "" }
        #expect(rows[0] == #"{"integration":"slack","external_id":"a"}"#)
        #expect(rows[1] == #"{"integration":"github","external_id":"b"}"#)
    }

    @Test(arguments: [
        ("", "the file is empty"), ("s3cr3t,external_id\n", "column 1 of the header is none of"),
        ("label,label\n", "twice"), ("label\n\"a\n", "line 2: a quote that is opened here is never closed"),
        ("label\na\"b\n", "line 2: a field with a quote in it must stand in quotes"),
        ("label\n\"a\"b\n", "line 2: something follows a closing quote"),
    ])
    func `a file that is no such table is refused whole`(_ text: String, _ reason: String) {
        let error = #expect(throws: ImportFileError.self) {
            try CSVImport(integration: nil).lines(of: Array(text.utf8))
        }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
        #expect(error?.description.contains("s3cr3t") == false)
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        #expect(throws: ImportFileError.self) {
            try CSVImport(integration: nil).lines(of: Array("label\n".utf8) + [0xFF, 0x0A])
        }
    }
}
