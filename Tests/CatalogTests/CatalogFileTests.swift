import Catalog
import Connections
import Testing

/// What a catalog file may say, and where it is told that it may not.
@Suite struct CatalogFileTests {
    /// A change of lines in a good file, and the complaint that it earns.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// Numbers of the good file's lines, from 1, and what stands there instead; empty takes the line out.
        let edits: [Int: String]
        /// `nil` where the file stays good.
        let complaint: String?

        static func good(_ name: String, _ edits: [Int: String]) -> Case {
            Case(testDescription: name, edits: edits, complaint: nil)
        }

        static func bad(_ name: String, _ edits: [Int: String], _ complaint: String) -> Case {
            Case(testDescription: name, edits: edits, complaint: complaint)
        }

        func text(of file: String = CatalogFileTests.good) -> String {
            let lines = file.split(separator: "\n", omittingEmptySubsequences: false)
            return lines.enumerated().map { edits[$0.offset + 1] ?? String($0.element) }
                .filter { !$0.isEmpty }.joined(separator: "\n")
        }
    }

    /// Line numbers are those of the cases.
    static let good = """
        id: test-api
        name: Test API
        type: api
        category: http
        description: An API to test with.
        docs_url: https://example.com/docs
        base_url: https://{region}.api.example.com/v1/{tenant}
        destination: [tenant]
        auth_methods:
          - id: api_key
            name: API key
            type: api_key
            auth_type: api_key
            description: A key.
            fields:
              - key: api_key
                label: API Key
                type: password
                required: true
                min_length: 8
        config:
          - key: region
            label: Region
            type: select
            options: [eu, us]
            required: true
          - key: tenant
            label: Tenant
            type: text
            required: true
        """

    @Test(arguments: CatalogFileTests.cases)
    func checks(_ expected: Case) {
        do throws(CatalogFileError) {
            let integration = try CatalogFile.parse(expected.text(), file: "test-api.yaml")
            #expect(expected.complaint == nil)
            #expect(integration.id == "test-api")
        } catch {
            #expect(error.description == expected.complaint)
        }
    }

    @Test(arguments: CatalogFileTests.unsound)
    func refusesWhatIsUnsound(_ expected: Case) {
        let error = #expect(throws: CatalogFileError.self) {
            try CatalogFile.parse(expected.text(), file: "test-api.yaml")
        }
        #expect(error?.line.map { "\($0)" } == expected.complaint)
    }

    @Test func readsEverything() throws {
        let integration = try CatalogFile.parse(Self.good, file: "test-api.yaml")
        #expect(integration.id == "test-api")
        #expect(integration.type == .api)
        #expect(integration.baseURL?.variables == ["region", "tenant"])
        #expect(integration.destinationKeys == ["tenant"])
        #expect(integration.authMethods.map(\.id) == ["api_key"])
        #expect(integration.authMethod(nil)?.scheme == .apiKey)
        #expect(integration.configFields.map(\.key) == ["region", "tenant"])
        let key = try #require(integration.authMethods.first?.fields.first)
        #expect(key.label == "API Key")
        #expect(key.kind == .password)
        #expect(key.isRequired)
        #expect(key.isSecure)
        #expect(key.minLength == 8)
        #expect(key.maxLength == nil)
        let region = try #require(integration.configFields.first)
        #expect(!region.isSecure)
        #expect(region.options == ["eu", "us"])
        #expect(region.defaultValue == nil)
    }

    struct DefaultCase: CustomTestStringConvertible, Sendable {
        let kind: String
        let written: String
        let json: String

        var testDescription: String { "\(kind) \(written)" }
    }

    @Test(arguments: [
        DefaultCase(kind: "text", written: "Bearer", json: "\"Bearer\""),
        DefaultCase(kind: "text", written: "'5'", json: "\"5\""),
        DefaultCase(kind: "text", written: "'a\"b'", json: #""a\"b""#),
        DefaultCase(kind: "url", written: "https://example.com", json: "\"https://example.com\""),
        DefaultCase(kind: "integer", written: "-5", json: "-5"),
        DefaultCase(kind: "number", written: "1.50", json: "1.50"),
        DefaultCase(kind: "boolean", written: "true", json: "true"),
        DefaultCase(kind: "boolean", written: "'false'", json: "false"),
    ])
    func defaultsAreJSON(_ expected: DefaultCase) throws {
        let edits = [18: "        type: \(expected.kind)", 20: "        default: \(expected.written)"]
        let text = Case.good("default", edits).text()
        let integration = try CatalogFile.parse(text, file: "some/folder/test-api.yaml")
        let field = try #require(integration.authMethods.first?.fields.first)
        #expect(field.defaultValue == expected.json)
    }

    private static let laughs =
        "a0: &a0 [\(String(repeating: "x, ", count: 10))]\n"
        + (1...8).map { "a\($0): &a\($0) [\(String(repeating: "*a\($0 - 1), ", count: 10))]\n" }.joined()

    struct WholeCase: CustomTestStringConvertible, Sendable {
        let text: String
        let complaint: String

        var testDescription: String { complaint }
    }

    @Test(arguments: [
        WholeCase(text: "", complaint: "test-api.yaml: is empty"),
        WholeCase(text: "# only a comment\n", complaint: "test-api.yaml: is empty"),
        WholeCase(text: "just text", complaint: "test-api.yaml:1: must be a mapping"),
        WholeCase(text: "# first\n- a list\n", complaint: "test-api.yaml:2: must be a mapping"),
        WholeCase(text: "id: test\n---\nid: test\n", complaint: "test-api.yaml:2: but found another document"),
        WholeCase(text: "id: a\nname: 'b\n", complaint: "test-api.yaml:3: found unexpected end of stream"),
        WholeCase(
            text: "id: a\n\tname: b\n", complaint: "test-api.yaml:2: found a tab character that violates indentation"),
        WholeCase(
            text: "id: a\nname: b: c\n", complaint: "test-api.yaml:2: mapping values are not allowed in this context"),
        WholeCase(text: "id: *a\n", complaint: "test-api.yaml:1: found undefined alias"),
        WholeCase(text: "id: a\nname: b\nname: c\n", complaint: "test-api.yaml:2: repeats name"),
        WholeCase(text: "'1': a\n1: b\n", complaint: "test-api.yaml:2: repeats 1"),
        WholeCase(text: "id: a\n? [name]\n: b\n", complaint: "test-api.yaml:2: a key must be text"),
        // What aliases stand for counts each time: these are a few hundred bytes and 10^9 values.
        WholeCase(
            text: CatalogFileTests.laughs,
            complaint: "test-api.yaml:1: more than 10000 values, those of aliases counted"),
        WholeCase(
            text: "id: \(String(repeating: "a", count: 65_536))", complaint: "test-api.yaml: is larger than 65536 bytes"
        ),
    ])
    func wholeFiles(_ expected: WholeCase) {
        let error = #expect(throws: CatalogFileError.self) {
            try CatalogFile.parse(expected.text, file: "test-api.yaml")
        }
        #expect(error?.description == expected.complaint)
    }
}
