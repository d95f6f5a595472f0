extension CatalogFileTests {
    private static let schemes = "bearer, basic, oauth2, none, custom, api_key, access_key, connection_string"

    static let cases: [Case] = [
        .good("as it is", [:]),
        .good(
            "no base URL, no config",
            [
                7: "", 8: "", 21: "", 22: "", 23: "", 24: "", 25: "", 26: "", 27: "", 28: "", 29: "", 30: "",
            ]),
        .good("no fields", [15: "    fields: []", 16: "", 17: "", 18: "", 19: "", 20: ""]),
        .good("a registry's second level", [7: "base_url: https://{region}.example.co.uk/{tenant}"]),
        .good("a field that is shown", [20: "        secure: false"]),
        .good(
            "placements",
            [
                20: """
                    apply:
                      - {in: header, name: X-Key, value: '{api_key}'}
                      - {in: query, name: t, value: '{tenant}'}
                """
            ]),
        .good("an account that is asked for", [30: "    required: true\nidentity: {url: /me, id: id}"]),
        .good("quoted", [2: "name: 'Test: API'"]),

        .bad("a misspelt key", [2: "nmae: Test"], "test-api.yaml:2: unknown key 'nmae': did you mean 'name'?"),
        .bad("a key of nothing near", [2: "x-vendor: Test"], "test-api.yaml:2: unknown key 'x-vendor'"),
        .bad(
            "a misspelt key of a method", [12: "    tpye: api_key"],
            "test-api.yaml:12: unknown key 'tpye': did you mean 'type'?"),
        .bad(
            "a misspelt key of a field", [19: "        require: true"],
            "test-api.yaml:19: unknown key 'require': did you mean 'required'?"),
        .bad(
            "a method's key in a field", [19: "        auth_type: api_key"], "test-api.yaml:19: unknown key 'auth_type'"
        ),
        .bad("no id", [1: ""], "test-api.yaml:1: id is required"),
        .bad("no name", [2: ""], "test-api.yaml:1: name is required"),
        .bad("an empty name", [2: "name:"], "test-api.yaml:2: name must be text"),
        .bad("a name that is a list", [2: "name: [a, b]"], "test-api.yaml:2: name must be text"),
        .bad("no type", [3: ""], "test-api.yaml:1: type is required"),
        .bad(
            "no such type", [3: "type: apis"],
            "test-api.yaml:3: type must be one of connectors, mcp, tool, model, custom, storage, api"),
        .bad("no category", [4: ""], "test-api.yaml:1: category is required"),
        .bad("no description", [5: ""], "test-api.yaml:1: description is required"),
        .bad("no docs", [6: ""], "test-api.yaml:1: docs_url is required"),
        .bad("docs that are no URL", [6: "docs_url: example.com/docs"], "test-api.yaml:6: docs_url must be a URL"),
        .bad("a path for docs", [6: "docs_url: file:///etc/passwd"], "test-api.yaml:6: docs_url must be a URL"),
        .bad(
            "capitals in the id", [1: "id: Test"],
            "test-api.yaml:1: id must be lower-case letters, digits and hyphens, beginning with a letter"),
        .bad(
            "an underscore in the id", [1: "id: test_api"],
            "test-api.yaml:1: id must be lower-case letters, digits and hyphens, beginning with a letter"),
        .bad(
            "a digit first", [1: "id: 1test"],
            "test-api.yaml:1: id must be lower-case letters, digits and hyphens, beginning with a letter"),
        .bad(
            "an accent of its own", [1: "id: teb\u{301}t"],
            "test-api.yaml:1: id must be lower-case letters, digits and hyphens, beginning with a letter"),
        .bad("another file's id", [1: "id: other"], "test-api.yaml:1: id must be the file's name, 'test-api'"),
        .bad("a repeated key", [4: "category: http\nname: Again"], "test-api.yaml:2: repeats name"),

        // Methods and fields.
        .bad(
            "no methods",
            [
                9: "auth_methods: []", 10: "", 11: "", 12: "", 13: "", 14: "", 15: "", 16: "", 17: "",
                18: "", 19: "", 20: "",
            ], "test-api.yaml:9: auth_methods must name at least one method"),
        .bad(
            "a method that is text",
            [
                9: "auth_methods: [api_key]", 10: "", 11: "", 12: "", 13: "", 14: "", 15: "",
                16: "", 17: "", 18: "", 19: "", 20: "",
            ], "test-api.yaml:9: must be a mapping"),
        .bad(
            "a hyphen in a method's id", [10: "  - id: api-key"],
            "test-api.yaml:10: id must be lower-case letters, digits and underscores, beginning with a letter"),
        .bad(
            "no such scheme", [12: "    type: token"],
            "test-api.yaml:12: type must be one of \(schemes)"),
        .bad("no auth type", [13: ""], "test-api.yaml:10: auth_type is required"),
        .bad(
            "a field twice", [20: "      - {key: api_key, label: Again, type: text}"],
            "test-api.yaml:16: fields has 'api_key' twice"),
        .bad(
            "a config field twice", [30: "    required: true\n  - {key: region, label: Again, type: text}"],
            "test-api.yaml:22: config has 'region' twice"),
        .bad("no label", [17: ""], "test-api.yaml:16: label is required"),
        .bad(
            "no such kind", [18: "        type: secret"],
            "test-api.yaml:18: type must be one of text, password, email, url, number, integer, boolean, select"),
        .bad(
            "a capital in a key", [16: "      - key: apiKey"],
            "test-api.yaml:16: key must be lower-case letters, digits and underscores, beginning with a letter"),
        .bad("yes for true", [19: "        required: yes"], "test-api.yaml:19: required must be true or false"),
        .bad(
            "a negative length", [20: "        min_length: -1"], "test-api.yaml:20: min_length must be a whole number"),
        .bad(
            "a length in words", [20: "        max_length: eight"],
            "test-api.yaml:20: max_length must be a whole number"),
        .bad(
            "a bad pattern", [20: "        pattern: '[a-z'"], "test-api.yaml:20: pattern is not a regular expression"),
        .bad(
            "a select without options", [25: ""], "test-api.yaml:22: options belong to type select, which needs them"),
        .bad(
            "options without a select", [20: "        options: [a]"],
            "test-api.yaml:20: options belong to type select, which needs them"),
        .bad("options that are text", [25: "    options: eu"], "test-api.yaml:25: options must be a list of words"),
        .bad(
            "a default outside the options", [26: "    default: asia"],
            "test-api.yaml:26: default must be one of the options"),
        .bad(
            "a default that is no integer", [18: "        type: integer", 20: "        default: 1.5"],
            "test-api.yaml:20: default must be an integer"),
        // A default goes into answers as JSON.
        .bad(
            "an integer as JSON does not write it", [18: "        type: integer", 20: "        default: +5"],
            "test-api.yaml:20: default must be an integer"),
        .bad(
            "an integer with a zero before it", [18: "        type: integer", 20: "        default: 007"],
            "test-api.yaml:20: default must be an integer"),
        .bad(
            "a default that is no number", [18: "        type: number", 20: "        default: .5"],
            "test-api.yaml:20: default must be a number"),
        .bad(
            "a default that is no boolean", [18: "        type: boolean", 20: "        default: maybe"],
            "test-api.yaml:20: default must be true or false"),

        // Where secrets go.
        .bad(
            "a destination that is no field", [8: "destination: [tenant, host]"],
            "test-api.yaml:8: destination names 'host', which is no config field"),
        .bad(
            "a destination that is text", [8: "destination: tenant"],
            "test-api.yaml:8: destination must be a list of words"),
        .bad(
            "a variable in the registrable domain", [7: "base_url: https://api.{region}.com"],
            "test-api.yaml:7: base_url the last 2 labels of the host must be literal"),
        .bad(
            "a variable for the last label", [7: "base_url: https://api.example.{region}"],
            "test-api.yaml:7: base_url the last 2 labels of the host must be literal"),
        .bad(
            "a variable for a short host", [7: "base_url: https://{region}.com"],
            "test-api.yaml:7: base_url the last 2 labels of the host must be literal"),
        .bad(
            "a variable before a registry's second level", [7: "base_url: https://{region}.co.uk"],
            "test-api.yaml:7: base_url the last 3 labels of the host must be literal"),
        .bad(
            "a variable for the port", [7: "'base_url': 'https://api.example.com:{region}'"],
            "test-api.yaml:7: base_url the last 2 labels of the host must be literal"),
        .bad(
            "a variable inside a label", [7: "base_url: https://api-{region}.example.com"],
            "test-api.yaml:7: base_url a variable must fill a whole DNS label or path segment"),
        .bad(
            "two variables in a label", [7: "base_url: https://{region}{tenant}.example.com"],
            "test-api.yaml:7: base_url a variable must fill a whole DNS label or path segment"),
        .bad(
            "a variable inside a segment", [7: "base_url: https://api.example.com/v{region}"],
            "test-api.yaml:7: base_url a variable must fill a whole DNS label or path segment"),
        .bad(
            "a variable in the query", [7: "base_url: 'https://api.example.com/?r={region}'"],
            "test-api.yaml:7: base_url a variable must fill a whole DNS label or path segment"),
        .bad(
            "an unknown variable", [7: "base_url: https://{reigon}.example.com"],
            "test-api.yaml:7: base_url uses {reigon}, which is no config field"),
        .bad(
            "a credential for a variable", [7: "base_url: https://{api_key}.example.com"],
            "test-api.yaml:7: base_url uses {api_key}, which is no config field"),
        .bad(
            "a variable that may be missing", [30: ""],
            "test-api.yaml:7: base_url uses {tenant}, which must be required and without a default"),
        .bad(
            "a variable with a default", [26: "    default: eu"],
            "test-api.yaml:7: base_url uses {region}, which must be required and without a default"),
        .bad(
            "a secret variable", [30: "    required: true\n    secure: true"],
            "test-api.yaml:7: base_url uses {tenant}, which is secret"),
        .bad(
            "a variable without an end", [7: "base_url: 'https://{region.example.com'"],
            "test-api.yaml:7: base_url has a { without }"),
        .bad(
            "a variable without a name", [7: "base_url: https://{}.example.com"],
            "test-api.yaml:7: base_url has a variable without a name"),
        .bad(
            "plain HTTP", [7: "base_url: http://api.example.com"],
            "test-api.yaml:7: base_url must begin with https://, or be one variable that holds the whole URL"),
        .bad(
            "a scheme from a variable", [7: "base_url: '{region}://api.example.com'"],
            "test-api.yaml:7: base_url must begin with https://, or be one variable that holds the whole URL"),
        .bad(
            "a user", [7: "base_url: https://user@api.example.com"], "test-api.yaml:7: base_url is not a URL"),
        .bad(
            "a whole URL that is no URL field", [7: "base_url: '{tenant}'"],
            "test-api.yaml:7: base_url {tenant}: a whole URL wants a field of type url, a part another"),
        .bad(
            "a URL field for a label", [29: "    type: url"],
            "test-api.yaml:7: base_url {tenant}: a whole URL wants a field of type url, a part another"),

        // What only goes with tokens.
        .bad(
            "a token that nobody gets", [20: "    apply:\n      - {in: header, name: X-Key, value: '{access_token}'}"],
            "test-api.yaml:21: value uses {access_token}, which is no field of the method and no config field"),
        .bad(
            "an account by a token that nobody gets", [30: "    required: true\nidentity: {from: id_token, id: sub}"],
            "test-api.yaml:31: from id_token needs a method with oauth"),
        .bad(
            "nothing to ask for the account", [30: "    required: true\nidentity: {id: sub}"],
            "test-api.yaml:31: url is required"),
    ]
    /// Files that would put a secret, or nothing at all, where a destination stands.
    static let unsound: [Case] = [
        .bad("a secret destination", [7: "base_url: https://api.example.com", 30: "    secure: true"], "8"),
        .bad("a whole number for a label", [29: "    type: integer"], "7"),
        .bad("a truth value for a segment", [29: "    type: boolean"], "7"),
    ]
}
