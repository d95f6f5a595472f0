import Catalog
import Connections
import LosslessJSON
import TestSupport
import Testing

/// Every problem of what a person entered, in the contract's words, and never with the value in it.
@Suite struct FieldValidationTests {
    /// A field that is sought in an object, and what is said of it.
    struct Case: CustomTestStringConvertible, Sendable {
        let field: Field
        let data: String
        /// `nil` when nothing is wrong.
        let problem: String?

        init(_ field: Field, _ data: String, _ problem: String? = nil) {
            self.field = field
            self.data = data
            self.problem = problem
        }

        var testDescription: String { "\(field.kind) \(data)" }

        var messages: [String] {
            guard let problem else { return [] }
            return ["Field 'It' \(problem)"]
        }
    }

    @Test(arguments: FieldValidationTests.cases)
    func field(_ expected: Case) {
        let method = AuthMethod(
            id: "test", name: "Test", scheme: .apiKey, authType: .apiKey, description: "", fields: [expected.field])
        let problems = BuiltInCatalog().problems(credentials: JSONObject(.literal(expected.data)), method: method)
        #expect(problems.map(\.message) == expected.messages)
        #expect(problems.allSatisfy { $0.key == "it" })
    }

    /// A config field is checked alike, but keys that nobody named are taken.
    @Test(arguments: FieldValidationTests.cases)
    func configField(_ expected: Case) {
        let integration = Integration(
            id: "test", name: "Test", type: .api, category: "test", description: "", docsURL: "https://example.com",
            baseURL: nil, destinationKeys: [], authMethods: [], configFields: [expected.field])
        var config = JSONObject(.literal(expected.data))
        config["another"] = JSONText("x")
        let problems = BuiltInCatalog().problems(config: config, of: integration)
        #expect(problems.map(\.message) == expected.messages)
    }

    // MARK: Whole methods

    static let tokenMethod = AuthMethod(
        id: "test", name: "Test", scheme: .apiKey, authType: .apiKey, description: "",
        fields: [
            Field(
                key: "bot_token", label: "Bot Token", kind: .password, isRequired: true, isSecure: true, minLength: 20),
            Field(key: "email", label: "Email", kind: .email, isSecure: false),
            Field(key: "region", label: "Region", kind: .select, isSecure: false, options: ["eu", "us"]),
        ])

    static let freeForm = AuthMethod(
        id: "custom", name: "Custom", scheme: .custom, authType: .custom, description: "", fields: [])

    static let empty = AuthMethod(
        id: "none", name: "None", scheme: .none, authType: .custom, description: "", fields: [])

    struct MethodCase: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var method = FieldValidationTests.tokenMethod
        let data: String
        let problems: [String]
    }

    @Test(arguments: FieldValidationTests.methodCases)
    func wholeMethod(_ expected: MethodCase) {
        let problems = BuiltInCatalog().problems(
            credentials: JSONObject(.literal(expected.data)), method: expected.method)
        #expect(problems.map(\.message) == expected.problems)
    }
}
