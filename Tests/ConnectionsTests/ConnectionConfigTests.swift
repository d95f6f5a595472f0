import LosslessJSON
import TestSupport
import Testing

@testable import Connections

/// Secrets leave a config before anything else sees it.
@Suite struct ConfigSplitTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let config: String
        var masked: String?
        var entered = "{}"
        var kept: [String] = []

        var testDescription: String { config }
    }

    static let integration = Integration(
        id: "test", name: "Test", type: .api, category: "test", description: "", docsURL: "https://example.com",
        baseURL: nil, destinationKeys: [],
        authMethods: [
            AuthMethod(id: "none", name: "None", scheme: .none, authType: .custom, description: "", fields: [])
        ],
        configFields: [
            Field(key: "region", label: "Region", kind: .text, isSecure: false),
            Field(key: "token", label: "API Token", kind: .password, isSecure: true),
            Field(key: "pin", label: "PIN", kind: .integer, isSecure: true),
        ])

    @Test(arguments: [
        Case(config: "{}"),
        Case(config: #"{"region":"eu","other":"x"}"#),
        Case(config: #"{"region":"********"}"#),
        Case(config: #"{"token":null}"#),
        Case(
            config: #"{"region":"eu","token":"t0","n":1.0}"#, masked: #"{"region":"eu","token":"********","n":1.0}"#,
            entered: #"{"token":"t0"}"#),
        Case(config: #"{"token":"********"}"#, kept: ["token"]),
        Case(config: #"{"token":"\u002a*******"}"#, masked: #"{"token":"********"}"#, kept: ["token"]),
        // Not the mask, though near it.
        Case(config: #"{"token":"*******"}"#, masked: #"{"token":"********"}"#, entered: #"{"token":"*******"}"#),
        Case(config: #"{"token":"********* "}"#, masked: #"{"token":"********"}"#, entered: #"{"token":"********* "}"#),
        Case(config: #"{"token":""}"#, masked: #"{"token":"********"}"#, entered: #"{"token":""}"#),
        // Whatever kind of value it is.
        Case(config: #"{"pin":1234}"#, masked: #"{"pin":"********"}"#, entered: #"{"pin":1234}"#),
        Case(
            config: #"{"token":{"a":["s3cret"]}}"#, masked: #"{"token":"********"}"#,
            entered: #"{"token":{"a":["s3cret"]}}"#),
        // Under whatever spelling of the key, and the last of two.
        Case(
            config: #"{"\u0074oken":"t0"}"#, masked: #"{"\u0074oken":"********"}"#, entered: #"{"token":"t0"}"#),
        Case(config: #"{"token":"t0","token":"********"}"#, masked: #"{"token":"********"}"#, kept: ["token"]),
        Case(
            config: #"{"token":"********","token":"t1"}"#, masked: #"{"token":"********"}"#,
            entered: #"{"token":"t1"}"#),
        Case(
            config: #"{"pin":7,"region":"eu","token":"********"}"#,
            masked: #"{"pin":"********","region":"eu","token":"********"}"#, entered: #"{"pin":7}"#, kept: ["token"]),
    ])
    func split(_ expected: Case) throws {
        let config = JSONObject(try JSONSlice(parsing: Array(expected.config.utf8)))
        let split = ConfigSplit(config, integration: Self.integration)
        let masked = expected.masked ?? expected.config
        #expect(split.masked.text.string == masked)
        #expect(split.entered.text.string == expected.entered)
        #expect(split.kept == expected.kept)
        #expect(split.hasSecrets == (expected.entered != "{}" || !expected.kept.isEmpty))
    }

    @Test func problemsNameTheLabel() {
        #expect(
            FieldProblem.nothingStored("token", in: Self.integration)
                == FieldProblem(
                    key: "token", message: "Field 'API Token' is masked, but nothing is stored to keep"))
        #expect(
            FieldProblem.destinationChanged("token", in: Self.integration).message
                == "Field 'API Token' must be entered again, because the destination changed")
        #expect(FieldProblem.nothingStored("else", in: Self.integration).message.hasPrefix("Field 'else' "))
    }
}
