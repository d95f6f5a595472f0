import Catalog
import Connections
import Testing

/// Definitions that workspaces send as JSON: the same rules, and nothing that YAML has besides.
@Suite struct WorkspaceDefinitionTests {
    static let good = #"""
        {
          "id": "test-api",
          "name": "Test \ud83d\ude00",
          "type": "api",
          "category": "http",
          "description": "An API\/\u0041\u2028",
          "docs_url": "https://example.com/docs",
          "base_url": "https://{shop}.example.com",
          "destination": null,
          "auth_methods": [
            {
              "id": "oauth2",
              "name": "OAuth 2.0",
              "type": "oauth2",
              "auth_type": "oauth_token",
              "description": "Sign in.",
              "fields": null,
              "oauth": {
                "authorize_url": "https://{shop}.example.com/authorize",
                "token_url": "https://{shop}.example.com/token",
                "pkce": false,
                "error_when": {"path": "ok", "equals": false},
                "lifetime": 3600
              }
            }
          ],
          "config": [{"key": "shop", "label": "Shop", "type": "text", "required": true}]
        }
        """#

    @Test func readsJSON() throws {
        let integration = try CatalogFile.parseWorkspaceDefined(Self.good)
        #expect(integration.isWorkspaceDefined)
        #expect(integration.id == "test-api")
        #expect(integration.name == "Test \u{1F600}")
        #expect(integration.description == "An API/A\u{2028}")
        #expect(integration.destinationKeys.isEmpty)
        #expect(integration.configFields.map(\.isRequired) == [true])
        let method = try #require(integration.authMethod(nil)?.oauth)
        #expect(!method.usesPKCE)
        #expect(method.errorCondition?.equals == "false")
        #expect(method.lifetime == 3_600)
    }

    /// As YAML, JSON has no surrogate pairs and no null; `patchbay catalog check` takes the rest.
    @Test func readsJSONAsYAML() throws {
        let plain = Self.good.replacing(#"\ud83d\ude00"#, with: "API").replacing(#""destination": null,"#, with: "")
            .replacing(#""fields": null,"#, with: "")
        let integration = try CatalogFile.parse(plain, file: "test-api.json")
        #expect(integration.id == "test-api")
        #expect(!integration.isWorkspaceDefined)
        #expect(integration.authMethod(nil)?.oauth?.lifetime == 3_600)
    }

    struct IDCase: CustomTestStringConvertible, Sendable {
        let written: String?
        let known: String?
        let complaint: String?

        var testDescription: String { "\(written ?? "none"), known as \(known ?? "none")" }
    }

    private static let idRule = "id must be lower-case letters, digits and hyphens, beginning with a letter"

    @Test(arguments: [
        IDCase(written: "test-api", known: nil, complaint: nil),
        IDCase(written: "test-api", known: "test-api", complaint: nil),
        IDCase(written: nil, known: "test-api", complaint: nil),
        IDCase(written: nil, known: nil, complaint: "integration:1: id is required"),
        IDCase(written: "other", known: "test-api", complaint: "test-api:2: id must be 'test-api'"),
        IDCase(written: "Test", known: nil, complaint: "integration:2: \(WorkspaceDefinitionTests.idRule)"),
        IDCase(written: "Test", known: "Test", complaint: "Test:2: \(WorkspaceDefinitionTests.idRule)"),
        IDCase(written: nil, known: "Test", complaint: "Test:1: \(WorkspaceDefinitionTests.idRule)"),
    ])
    func ids(_ expected: IDCase) {
        let line = expected.written.map { #""id": "\#($0)","# } ?? ""
        let text = Self.good.replacing(#""id": "test-api","#, with: line)
        do throws(CatalogFileError) {
            let integration = try CatalogFile.parseWorkspaceDefined(text, id: expected.known)
            #expect(expected.complaint == nil)
            #expect(integration.id == "test-api")
        } catch {
            #expect(error.description == expected.complaint)
        }
    }

    struct BadCase: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let change: (part: String, with: String)
        let complaint: String
        var path: [String] = []

        init(_ name: String, _ part: String, _ with: String, _ complaint: String, at path: String = "") {
            testDescription = name
            change = (part, with)
            self.complaint = complaint
            self.path = path.split(separator: " ").map(String.init)
        }
    }

    @Test(arguments: [
        BadCase(
            "an unknown key", #""category""#, #""catgory""#, ":5: unknown key 'catgory': did you mean 'category'?",
            at: "catgory"),
        BadCase(
            "deep inside", "https://{shop}.example.com/token", "https://{shpo}.example.com/token",
            ":20: token_url uses {shpo}, which is no config field", at: "auth_methods 0 oauth token_url"),
        BadCase(
            "a field in a list", #""required": true"#, #""requird": true"#,
            ":27: unknown key 'requird': did you mean 'required'?", at: "config 0 requird"),
        BadCase(
            "null for what must be there", #""http""#, "null", ":1: category is required", at: "category"),
        BadCase(
            "null in a list", #""destination": null"#, #""destination": [null]"#,
            ":9: destination must be a list of words", at: "destination"),
        BadCase("a list for text", #""http""#, "[]", ":5: category must be text", at: "category"),
        BadCase(
            "text for a truth value", "false,", #""no","#, ":21: pkce must be true or false",
            at: "auth_methods 0 oauth pkce"),
        BadCase("a comment", #""id""#, "# yes\n\"id\"", ":2: Expecting property name enclosed in double quotes"),
        BadCase("an anchor", #""http""#, #"&a "http""#, ":5: Expecting value"),
        BadCase("an alias", #""http""#, "*a", ":5: Expecting value"),
        BadCase("a tag", #""http""#, #"!!str "http""#, ":5: Expecting value"),
        BadCase("a key without quotes", #""id""#, "id", ":2: Expecting property name enclosed in double quotes"),
    ])
    func refuses(_ expected: BadCase) {
        let text = Self.good.replacing(expected.change.part, with: expected.change.with, maxReplacements: 1)
        let error = #expect(throws: CatalogFileError.self) { try CatalogFile.parseWorkspaceDefined(text) }
        #expect(error?.description == "integration\(expected.complaint)")
        #expect(error?.path == expected.path)
    }

    struct WholeCase: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let text: String
        let complaint: String

        init(_ name: String, _ text: String, _ complaint: String) {
            testDescription = name
            self.text = text
            self.complaint = complaint
        }
    }

    @Test(arguments: [
        WholeCase("nothing", "", "integration:1: Expecting value"),
        WholeCase("a list", "[]", "integration:1: must be a mapping"),
        WholeCase("null", "null", "integration:1: id is required"),
        WholeCase("YAML", "id: test-api\n", "integration:1: Expecting value"),
        WholeCase("two documents", "{}\n{}", "integration:2: Extra data"),
        WholeCase("half a pair", #"{"id":"\ud83d"}"#, "integration:1: Lone surrogate in string"),
        WholeCase(
            "deeper than anything", String(repeating: "[", count: 60_000), "integration:1: Nested too deep"),
        WholeCase(
            "too large", #"{"id":"\#(String(repeating: "a", count: 65_536))"}"#,
            "integration: is larger than 65536 bytes"
        ),
    ])
    func wholeDefinitions(_ expected: WholeCase) {
        let error = #expect(throws: CatalogFileError.self) { try CatalogFile.parseWorkspaceDefined(expected.text) }
        #expect(error?.description == expected.complaint)
    }

    /// What may be sent is a matter of size alone.
    @Test func takesWhatFits() throws {
        let room = 65_536 - Self.good.utf8.count
        let text = Self.good.replacing("Sign in.", with: "Sign in." + String(repeating: "a", count: room))
        #expect(text.utf8.count == 65_536)
        #expect(try CatalogFile.parseWorkspaceDefined(text).id == "test-api")
        #expect(throws: CatalogFileError.self) { try CatalogFile.parseWorkspaceDefined(text + " ") }
    }
}
