import Catalog
import Connections
import LosslessJSON
import TestSupport
import Testing

/// What a definition may say of how connections are tested and how often, and where it is told that it may not.
@Suite struct TestDefinitionTests {
    /// What follows a good file's other keys. Complaints count its lines from 1.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let section: String
        /// `nil` where it is good.
        let complaint: String?
        let head: String

        init(_ name: String, _ section: String, _ complaint: String? = nil, head: String = Case.head) {
            testDescription = name
            self.section = section
            self.complaint = complaint
            self.head = head
        }

        static let head = """
            id: test-api
            name: Test API
            type: api
            category: http
            description: An API to test with.
            docs_url: https://example.com/docs
            base_url: https://{shop}.api.example.com/v1
            auth_methods:
              - id: api_key
                name: API key
                type: api_key
                auth_type: api_key
                description: A key.
                fields:
                  - {key: api_key, label: Key, type: password, required: true}
            config:
              - {key: shop, label: Shop, type: text, required: true}
              - {key: proof, label: Proof, type: password, secure: true}
              - {key: bucket, label: Bucket, type: text}
              - {key: region, label: Region, type: text}
              - {key: account, label: Account, type: text}
              - {key: container, label: Container, type: text}
              - {key: test_url, label: Test URL, type: url}

            """

        /// Without an address, and with one secret place.
        static let bare = head.replacing("base_url: https://{shop}.api.example.com/v1\n", with: "")
            .replacing(
                "{key: region, label: Region, type: text}", with: "{key: region, label: R, type: text, secure: true}")

        func parse() throws(CatalogFileError) -> Integration {
            try CatalogFile.parse(head + section, file: "test-api.yaml")
        }

        /// With the line of the whole file.
        var problem: String? {
            guard let complaint else { return nil }
            let parts = complaint.split(separator: ":", maxSplits: 1)
            let before = head.count { $0 == "\n" }
            return "test-api.yaml:\((Int(parts[0]) ?? 0) + before):\(parts[1])"
        }
    }

    @Test(arguments: TestDefinitionTests.cases)
    func checks(_ expected: Case) {
        do throws(CatalogFileError) {
            let integration = try expected.parse()
            #expect(expected.complaint == nil)
            #expect(integration.probe != nil)
        } catch {
            #expect(error.description == expected.problem)
        }
    }

    @Test func readsARequest() throws {
        guard case .request(let test)? = try Case("", Self.request).parse().probe else {
            Issue.record("is no request")
            return
        }
        #expect(test.url == "/shops/{shop}?expand=plan")
        #expect(test.method == "POST")
        #expect(test.headers.map(\.name) == ["Accept"])
        #expect(test.headers.map(\.value) == ["application/json"])
        #expect(test.body == #"{"query":"{ me }"}"#)
        #expect(test.errorWhen?.path == "ok")
        #expect(test.errorWhen?.equals == "false")
        #expect(test.errorCode == "errors.0.code")
        #expect(test.meanings == ["bad_token": .auth, "gone": .grant, "403": .scope, "busy": .transient])
        #expect(test.expects == "me.id")
    }

    @Test func readsAShortRequest() throws {
        guard case .request(let test)? = try Case("", "test: {url: https://id.example.com/me}").parse().probe else {
            Issue.record("is no request")
            return
        }
        #expect(test.url == "https://id.example.com/me")
        #expect(test.method == "GET")
        #expect(test.headers.isEmpty)
        #expect(test.body == nil)
        #expect(test.errorWhen == nil)
        #expect(test.errorCode == nil)
        #expect(test.meanings.isEmpty)
        #expect(test.expects == nil)
    }

    @Test(arguments: ModelListing.Shape.allCases)
    func readsAListOfModels(_ shape: ModelListing.Shape) throws {
        let section = "test: {models: \(shape.rawValue), path: /models}"
        guard case .models(let listing)? = try Case("", section).parse().probe else {
            Issue.record("is no list of models")
            return
        }
        #expect(listing.shape == shape)
        #expect(listing.path == "/models")
    }

    /// What it asks for is not known before the test; the request's answer has members, and the protocol tells by itself.
    @Test func whoseAccountItIsByTheTest() throws {
        let told = try #require(try Case("", "test: {protocol: mcp}\nidentity: {from: test}").parse().identity)
        #expect(told.source == .probe)
        #expect(told.url == nil)
        #expect(told.id.isEmpty)
        #expect(told.label == nil)
        let read = try #require(
            try Case("", "test: {url: /me}\nidentity: {from: test, id: [team, id], label: name}").parse().identity)
        #expect(read.id == ["team", "id"])
        #expect(read.label == "name")
    }

    // MARK: How often

    struct IntervalCase: CustomTestStringConvertible, Sendable {
        let type: IntegrationType
        var section = "test: {url: /me}"
        let seconds: Int?

        var testDescription: String { "\(type.rawValue) \(section)" }
    }

    @Test(arguments: [
        IntervalCase(type: .connectors, seconds: 21_600), IntervalCase(type: .api, seconds: 21_600),
        IntervalCase(type: .tool, seconds: 21_600), IntervalCase(type: .model, seconds: 21_600),
        IntervalCase(type: .storage, seconds: 21_600), IntervalCase(type: .mcp, seconds: 3_600),
        IntervalCase(type: .custom, seconds: nil),
        IntervalCase(type: .custom, section: "test: {url: /me}\ncheck_interval: 60", seconds: 60),
        IntervalCase(type: .mcp, section: "test: {url: /me}\ncheck_interval: off", seconds: nil),
        IntervalCase(type: .api, section: "test: {url: /me}\ncheck_interval: 315360000", seconds: 315_360_000),
        // With nothing to ask there is nothing to ask again.
        IntervalCase(type: .api, section: "destination: []", seconds: nil),
    ])
    func interval(_ expected: IntervalCase) throws {
        let head = Case.head.replacing("type: api\n", with: "type: \(expected.type.rawValue)\n")
        #expect(try Case("", expected.section, head: head).parse().checkInterval == expected.seconds)
    }

    // MARK: Where secrets go

    struct OriginCase: CustomTestStringConvertible, Sendable {
        let section: String
        let config: String
        let origins: [String]

        var testDescription: String { "\(section) \(config)" }
    }

    private static let shop = "https://a.api.example.com"

    @Test(arguments: [
        OriginCase(section: "test: {url: /me}", config: #"{"shop":"a"}"#, origins: [TestDefinitionTests.shop]),
        OriginCase(
            section: "test: {url: https://id.example.com:443/me}", config: #"{"shop":"a"}"#,
            origins: [TestDefinitionTests.shop, "https://id.example.com"]),
        OriginCase(
            section: "test: {models: openai, path: /m}", config: #"{"shop":"a"}"#, origins: [TestDefinitionTests.shop]),
        OriginCase(
            section: "test: {protocol: mcp}", config: #"{"shop":"a","test_url":"https://x.test"}"#,
            origins: [TestDefinitionTests.shop]),
        OriginCase(
            section: "test: {protocol: config}", config: #"{"shop":"a","bucket":"b"}"#,
            origins: [TestDefinitionTests.shop]),
        OriginCase(
            section: "test: {protocol: config}", config: #"{"shop":"a","test_url":""}"#,
            origins: [TestDefinitionTests.shop]),
        OriginCase(
            section: "test: {protocol: config}", config: #"{"shop":"a","test_url":null}"#,
            origins: [TestDefinitionTests.shop]),
        // Another path of the same API is no other destination.
        OriginCase(
            section: "test: {protocol: config}", config: #"{"shop":"a","test_url":"https://A.api.example.com/v2/me"}"#,
            origins: [TestDefinitionTests.shop]),
        OriginCase(
            section: "test: {protocol: config}", config: #"{"shop":"a","test_url":"https://status.test/a?b"}"#,
            origins: [TestDefinitionTests.shop, "https://status.test"]),
        OriginCase(
            section: "test: {protocol: config}", config: #"{"shop":"a","test_url":"https://a@status.test"}"#,
            origins: [TestDefinitionTests.shop, #"test_url="https://a@status.test""#]),
        OriginCase(
            section: "test: {protocol: config}", config: #"{"shop":"a","test_url":["https://status.test"]}"#,
            origins: [TestDefinitionTests.shop, #"test_url=["https://status.test"]"#]),
        // A field that is not declared counts all the same: a config may have any key.
        OriginCase(
            section: "test: {protocol: s3}",
            config: #"{"shop":"a","bucket":"b","region":"r","endpoint":"https://x.test"}"#,
            origins: [#"bucket="b""#, #"endpoint="https://x.test""#, TestDefinitionTests.shop, #"region="r""#]),
        OriginCase(
            section: "test: {protocol: s3}\ndestination: [bucket]", config: #"{"shop":"a","bucket":"b","region":"r"}"#,
            origins: [#"bucket="b""#, TestDefinitionTests.shop, #"region="r""#]),
        OriginCase(
            section: "test: {protocol: azure_blob}",
            config: #"{"shop":"a","account":"b","container":"c","endpoint":"e"}"#,
            origins: [#"account="b""#, #"endpoint="e""#, TestDefinitionTests.shop]),
        OriginCase(
            section: "test: {protocol: postgresql}", config: #"{"shop":"a","host":"h","port":5432,"database":"d"}"#,
            origins: [#"host="h""#, TestDefinitionTests.shop, "port=5432"]),
    ])
    func origins(_ expected: OriginCase) throws {
        let integration = try Case("", expected.section).parse()
        let config = JSONObject(.literal(expected.config))
        #expect(integration.origins(config: config, method: "api_key") == expected.origins)
        #expect(integration.originsDependOnConfig)
    }

    @Test func theConfigSaysWhereACustomConnectionIsTested() throws {
        let integration = try Case("", "test: {protocol: config}", head: Case.bare).parse()
        #expect(integration.originsDependOnConfig)
        #expect(integration.origins(config: JSONObject(.literal("{}")), method: "api_key") == [])
        let config = JSONObject(.literal(#"{"test_url":"http://10.0.0.1:8080/x"}"#))
        #expect(integration.origins(config: config, method: "api_key") == ["http://10.0.0.1:8080"])
    }

    // MARK: What a workspace writes

    /// A definition with this test.
    private static func ownOrigins(_ test: String?) throws -> [String]? {
        let text = WorkspaceDefinitionTests.good.replacing(
            #""destination": null,"#, with: test.map { #""test": \#($0),"# } ?? "")
        let integration = try CatalogFile.parseWorkspaceDefined(text)
        return integration.origins(config: JSONObject(.literal(#"{"shop":"a"}"#)), method: "oauth2")
    }

    private static let ownTest =
        #"{"url": "/me", "method": "post", "headers": {"X-A": "1"}, "body": "{}", "expects": "id", "meanings": {"403": "scope"}}"#

    struct EditCase: CustomTestStringConvertible, Sendable {
        let from: String
        let to: String

        var testDescription: String { "\(from) to \(to)" }
    }

    /// Whoever may edit a workspace's integrations could otherwise have a bound secret sent in a place that the destination
    /// logs or shows.
    @Test(arguments: [
        EditCase(from: #""/me""#, to: #""/echo""#),
        EditCase(from: #""/me""#, to: #""https://a.example.com/me""#),
        EditCase(from: #""/me""#, to: #""https://evil.test/me""#),
        EditCase(from: #""post""#, to: #""get""#),
        EditCase(from: #"{"X-A": "1"}"#, to: #"{"X-B": "1"}"#),
        EditCase(from: #""{}""#, to: #""{\"log\":true}""#),
    ])
    func editingTheTestMovesTheOrigins(_ edit: EditCase) throws {
        let changed = Self.ownTest.replacing(edit.from, with: edit.to)
            .replacing(#""get", "headers": {"X-A": "1"}, "body": "{}""#, with: #""get", "headers": {"X-A": "1"}"#)
        #expect(changed != Self.ownTest)
        #expect(try Self.ownOrigins(changed) != Self.ownOrigins(Self.ownTest))
    }

    /// How the answer is read moves nothing.
    @Test(arguments: [
        EditCase(from: #""expects": "id""#, to: #""expects": "user.id""#),
        EditCase(from: #"{"403": "scope"}"#, to: #"{"403": "transient"}"#),
        EditCase(from: #""expects""#, to: #""error_code": "code", "expects""#),
    ])
    func readingTheAnswerOtherwiseDoesNot(_ edit: EditCase) throws {
        let changed = Self.ownTest.replacing(edit.from, with: edit.to)
        #expect(changed != Self.ownTest)
        #expect(try Self.ownOrigins(changed) == Self.ownOrigins(Self.ownTest))
    }

    @Test func otherFormsAreOtherSendings() throws {
        let forms = [
            nil, #"{"url": "/m"}"#, #"{"models": "openai", "path": "/m"}"#, #"{"models": "mistral", "path": "/m"}"#,
            #"{"models": "openai", "path": "/n"}"#, #"{"protocol": "mcp"}"#, #"{"protocol": "postgresql"}"#,
        ]
        let origins = try forms.map { try Self.ownOrigins($0) }
        #expect(Set(origins).count == forms.count)
    }

    /// As definitions were before there were tests: what was bound then opens still.
    @Test func withoutATestNothingMoves() throws {
        let origins = try #require(try Self.ownOrigins(nil))
        #expect(origins.count == 2)
        #expect(origins.contains("https://a.example.com"))
        #expect(!origins.contains { $0.contains("checked by") })
    }

    @Test func aWorkspaceIsToldThePlace() {
        let text = WorkspaceDefinitionTests.good.replacing(
            #""destination": null,"#, with: #""test": {"url": "/me", "metod": "post"},"#)
        let error = #expect(throws: CatalogFileError.self) { try CatalogFile.parseWorkspaceDefined(text) }
        #expect(error?.description == "integration:9: unknown key 'metod': did you mean 'method'?")
        #expect(error?.path == ["test", "metod"])
    }

    @Test func numbersAndNullInJSON() throws {
        let text = WorkspaceDefinitionTests.good.replacing(
            #""destination": null,"#,
            with: #""test": {"url": "/me", "body": null, "meanings": {"403": "scope"}}, "check_interval": 900,"#)
        let integration = try CatalogFile.parseWorkspaceDefined(text)
        #expect(integration.checkInterval == 900)
        guard case .request(let test)? = integration.probe else {
            Issue.record("is no request")
            return
        }
        #expect(test.meanings == ["403": .scope])
    }
}
