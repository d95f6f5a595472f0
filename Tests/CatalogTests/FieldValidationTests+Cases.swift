import Connections

extension FieldValidationTests {
    static let cases: [Case] = [
        // Required or not.
        Case(it(.text, isRequired: true), "{}", "is required"),
        Case(it(.text, isRequired: true), #"{"it":null}"#, "is required"),
        Case(it(.text, isRequired: true), #"{"it":""}"#, "is required"),
        Case(it(.text, isRequired: true), #"{"it":"x"}"#),
        Case(it(.text, isRequired: true), #"{"\u0069t":"x"}"#),
        Case(it(.text, isRequired: true, defaultValue: "\"x\""), "{}"),
        Case(it(.text, isRequired: true, defaultValue: "\"x\""), #"{"it":null}"#),
        Case(it(.integer, isRequired: true), "{}", "is required"),
        Case(it(.select, isRequired: true, options: ["a"]), #"{"it":""}"#, "is required"),
        Case(it(.text), "{}"),
        Case(it(.text), #"{"it":null}"#),
        Case(it(.text, minLength: 3), #"{"it":""}"#),
        Case(it(.email), #"{"it":""}"#),

        // Text is text.
        Case(it(.text), #"{"it":1}"#, "must be text"),
        Case(it(.password), #"{"it":true}"#, "must be text"),
        Case(it(.email), #"{"it":["a@b.example"]}"#, "must be text"),
        Case(it(.url), #"{"it":{}}"#, "must be text"),
        Case(it(.select, options: ["1"]), #"{"it":1}"#, "must be text"),

        // Lengths are counted in code points.
        Case(it(.text, minLength: 3), #"{"it":"ab"}"#, "must be at least 3 characters"),
        Case(it(.text, minLength: 3), #"{"it":"abc"}"#),
        Case(it(.text, maxLength: 3), #"{"it":"abc"}"#),
        Case(it(.text, maxLength: 3), #"{"it":"abcd"}"#, "must be at most 3 characters"),
        Case(it(.text, maxLength: 1), #"{"it":"\uD83D\uDE00"}"#),
        Case(it(.text, maxLength: 1), #"{"it":"e\u0301"}"#, "must be at most 1 characters"),
        Case(it(.text, minLength: 2), #"{"it":"\r\n"}"#),

        // Addresses.
        Case(it(.email), #"{"it":"ada@example.com"}"#),
        Case(it(.email), #"{"it":"ada+tag@mail.example.co.uk"}"#),
        Case(it(.email), #"{"it":"ada"}"#, "must be a valid email address"),
        Case(it(.email), #"{"it":"@example.com"}"#, "must be a valid email address"),
        Case(it(.email), #"{"it":"ada@"}"#, "must be a valid email address"),
        Case(it(.email), #"{"it":"ada@example"}"#, "must be a valid email address"),
        Case(it(.email), #"{"it":"ada@example..com"}"#, "must be a valid email address"),
        Case(it(.email), #"{"it":"ada@.example.com"}"#, "must be a valid email address"),
        Case(it(.email), #"{"it":"a@b@example.com"}"#, "must be a valid email address"),
        Case(it(.email), #"{"it":"ada lovelace@example.com"}"#, "must be a valid email address"),
        Case(it(.email), #"{"it":"ada@example.com\n"}"#, "must be a valid email address"),
        Case(it(.url), #"{"it":"https://example.com/a?b#c"}"#),
        Case(it(.url), #"{"it":"http://localhost:8080"}"#),
        Case(it(.url), #"{"it":"example.com"}"#, "must be a valid URL"),
        Case(it(.url), #"{"it":"javascript:alert(1)"}"#, "must be a valid URL"),
        Case(it(.url), #"{"it":"https://user:pass@example.com"}"#, "must be a valid URL"),
        Case(it(.url), #"{"it":"https://example.com/a b"}"#, "must be a valid URL"),

        // Numbers, truth values, choices.
        Case(it(.integer), #"{"it":0}"#),
        Case(it(.integer), #"{"it":-5432}"#),
        Case(it(.integer), #"{"it":123456789012345678901234567890}"#),
        Case(it(.integer), #"{"it":1.0}"#, "must be an integer"),
        Case(it(.integer), #"{"it":1e3}"#, "must be an integer"),
        Case(it(.integer), #"{"it":"1"}"#, "must be an integer"),
        Case(it(.integer), #"{"it":""}"#, "must be an integer"),
        Case(it(.number), #"{"it":-1.5e-7}"#),
        Case(it(.number), #"{"it":1e999}"#),
        Case(it(.number), #"{"it":"1.5"}"#, "must be a number"),
        Case(it(.number), #"{"it":false}"#, "must be a number"),
        Case(it(.boolean), #"{"it":true}"#),
        Case(it(.boolean), #"{"it":false}"#),
        Case(it(.boolean), #"{"it":"true"}"#, "must be true or false"),
        Case(it(.boolean), #"{"it":1}"#, "must be true or false"),
        Case(it(.select, options: ["eu", "us-1"]), #"{"it":"us-1"}"#),
        Case(it(.select, options: ["eu", "us-1"]), #"{"it":"EU"}"#, "must be one of: eu, us-1"),
        Case(it(.select, options: ["eu", "us-1"]), #"{"it":"eu "}"#, "must be one of: eu, us-1"),

        // A pattern is for the whole value.
        Case(it(.text, pattern: "[a-z]+"), #"{"it":"abc"}"#),
        Case(it(.text, pattern: "[a-z]+"), #"{"it":"abc1"}"#, "has an invalid format"),
        Case(it(.text, pattern: "^[a-z]+$"), #"{"it":"abc\n"}"#, "has an invalid format"),
        Case(it(.text, pattern: "^[a-z]+$"), #"{"it":"abc\nabc"}"#, "has an invalid format"),
        Case(it(.text, pattern: "a|ab"), #"{"it":"ab"}"#),
        Case(it(.text, pattern: "^[^:]+$"), #"{"it":"ada"}"#),
        Case(it(.text, pattern: "^[^:]+$"), #"{"it":"ada:"}"#, "has an invalid format"),
        // By code points: a colon with an accent on it is a colon all the same.
        Case(it(.text, pattern: "^[^:]+$"), #"{"it":"ada:\u0301"}"#, "has an invalid format"),
        Case(it(.text, pattern: "a+"), "{\"it\":\"\(String(repeating: "a", count: 8_192))\"}"),
        Case(
            it(.text, pattern: "a+"), "{\"it\":\"\(String(repeating: "a", count: 8_193))\"}",
            "must be at most 8192 bytes"),
        // The first complaint is enough.
        Case(it(.text, minLength: 5, pattern: "[a-z]+"), #"{"it":"A"}"#, "must be at least 5 characters"),
    ]

    private static func it(
        _ kind: Field.Kind, isRequired: Bool = false, defaultValue: String? = nil, minLength: Int? = nil,
        maxLength: Int? = nil, pattern: String? = nil, options: [String] = []
    ) -> Field {
        Field(
            key: "it", label: "It", kind: kind, isRequired: isRequired, isSecure: false, defaultValue: defaultValue,
            minLength: minLength, maxLength: maxLength, pattern: pattern, options: options)
    }

    static let methodCases: [MethodCase] = [
        MethodCase(testDescription: "good", data: #"{"bot_token":"xoxb-0123456789abcdef"}"#, problems: []),
        MethodCase(
            testDescription: "everything at once, in the fields' order, unknown keys last",
            data: #"{"zzz":1,"region":"asia","email":"no"}"#,
            problems: [
                "Field 'Bot Token' is required", "Field 'Email' must be a valid email address",
                "Field 'Region' must be one of: eu, us", "Unknown credential field 'zzz': use bot_token, email, region",
            ]),
        MethodCase(
            testDescription: "a misspelt key", data: #"{"bot_tokne":"xoxb-0123456789abcdef"}"#,
            problems: [
                "Field 'Bot Token' is required", "Unknown credential field 'bot_tokne': did you mean 'bot_token'?",
            ]),
        MethodCase(
            testDescription: "another case is another key", data: #"{"Bot_Token":"xoxb-0123456789abcdef"}"#,
            problems: [
                "Field 'Bot Token' is required", "Unknown credential field 'Bot_Token': did you mean 'bot_token'?",
            ]),
        // A key may be a secret that slipped to the wrong side of the colon.
        MethodCase(
            testDescription: "a long key is not repeated",
            data: #"{"bot_token":"xoxb-0123456789abcdef","xoxb-0123456789-0123456789-0123456789-0123":""}"#,
            problems: ["Unknown credential field: use bot_token, email, region"]),
        MethodCase(
            testDescription: "a key of odd characters is not repeated",
            data: #"{"bot_token":"xoxb-0123456789abcdef","p@ss word!":""}"#,
            problems: ["Unknown credential field: use bot_token, email, region"]),
        MethodCase(
            testDescription: "the mask with nothing behind it", data: #"{"bot_token":"********"}"#,
            problems: ["Field 'Bot Token' is masked, but nothing is stored to keep"]),
        MethodCase(
            testDescription: "the mask, escaped", data: #"{"bot_token":"\u002a*******","email":null}"#,
            problems: ["Field 'Bot Token' is masked, but nothing is stored to keep"]),
        MethodCase(
            testDescription: "a method without fields", method: empty, data: #"{"token":"x"}"#,
            problems: ["Unknown credential field 'token': this method takes none"]),
        MethodCase(testDescription: "a method without fields, nothing sent", method: empty, data: "{}", problems: []),
        MethodCase(
            testDescription: "free form takes anything", method: freeForm,
            data: #"{"":1,"p@ss":{"a":[true]},"n":null,"\u0000":"x"}"#, problems: []),
        MethodCase(
            testDescription: "free form and the mask", method: freeForm, data: #"{"token":"********"}"#,
            problems: ["Field 'token' is masked, but nothing is stored to keep"]),
    ]
}
