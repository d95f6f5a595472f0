extension TestDefinitionTests {
    private static let pathRule = "must be a path such as data.user.id or users.0.id"
    private static let urlRule = "must be a path below base_url, or a URL that begins with https://"
    private static let intervalRule = "must be off, or a whole number of seconds from 60 to 315360000"
    private static let statusRule = "is no HTTP status from 400 to 599, and other codes need an error_code"

    static let request = """
        test:
          url: /shops/{shop}?expand=plan
          method: post
          headers: {Accept: application/json}
          body: '{"query":"{ me }"}'
          error_when: {path: ok, equals: 'false'}
          error_code: errors.0.code
          meanings: {bad_token: auth, gone: grant, 403: scope, busy: transient}
          expects: me.id
        """

    static let cases: [Case] = [
        Case("every key", request),
        Case("a path", "test: {url: /me}"),
        Case("a whole URL", "test: {url: 'https://id.example.com/me?v=1'}"),
        Case("a whole URL without a base URL", "test: {url: https://id.example.com}", head: Case.bare),
        Case("statuses without codes", "test: {url: /me, meanings: {400: auth, 599: transient}}"),
        Case("models", "test: {models: mistral, path: /models}"),
        Case("MCP", "test: {protocol: mcp}"),
        Case("S3", "test: {protocol: s3}"),
        Case("Azure Blob", "test: {protocol: azure_blob}"),
        Case("PostgreSQL", "test: {protocol: postgresql}", head: Case.bare),
        Case("by the config", "test: {protocol: config}", head: Case.bare),
        Case("whose account it is", "test: {protocol: config}\nidentity: {from: test}"),
        Case("whose account it is by an answer", "test: {url: /me}\nidentity: {from: test, id: id}"),
        Case("whose account it is by nothing", "test: {url: /me}\nidentity: {from: test}"),
        Case("on its own clock", "test: {url: /me}\ncheck_interval: 60"),
        Case("never by itself", "test: {url: /me}\ncheck_interval: off"),

        // Which form.
        Case("a word", "test: yes", "1: test must be a mapping"),
        Case("nothing", "test: {}", "1: test needs one of url, models, protocol"),
        Case("a method of nothing", "test: {method: post}", "1: test needs one of url, models, protocol"),
        Case("a misspelt key", "test:\n  ulr: /me", "2: unknown key 'ulr': did you mean 'url'?"),
        Case("a key of an identity", "test:\n  url: /me\n  label: name", "3: unknown key 'label'"),
        Case("two forms", "test:\n  url: /me\n  protocol: mcp", "3: protocol does not go with url"),
        Case("two other forms", "test:\n  protocol: mcp\n  models: openai", "2: protocol does not go with models"),
        Case("a path of a request", "test:\n  url: /me\n  path: /models", "3: path belongs to models"),
        Case("a path of a protocol", "test:\n  protocol: mcp\n  path: /mcp", "3: path belongs to models"),
        Case(
            "a method for models", "test:\n  models: openai\n  path: /m\n  method: get",
            "4: method belongs to a test by a url"),
        Case(
            "an expectation of a protocol", "test:\n  protocol: s3\n  expects: id",
            "3: expects belongs to a test by a url"),

        // Where.
        Case("no text for a URL", "test: {url: [a]}", "1: url must be text"),
        Case("a word for a URL", "test:\n  url: me", "2: url \(urlRule)"),
        Case("plain HTTP", "test:\n  url: http://id.example.com/me", "2: url \(urlRule)"),
        Case("a host by config", "test:\n  url: https://{shop}.example.com/me", "2: url \(urlRule)"),
        Case("a user in a URL", "test:\n  url: https://a@example.com/me", "2: url \(urlRule)"),
        Case("a path below nothing", "test:\n  url: /me", "2: url is a path, which needs a base_url", head: Case.bare),
        Case(
            "a secret in a path", "test:\n  url: /{proof}",
            "2: url uses {proof}, which is no field of the method and no config field"),
        Case(
            "a credential in a path", "test:\n  url: /{api_key}",
            "2: url uses {api_key}, which is no field of the method and no config field"),
        Case(
            "a misspelt variable", "test:\n  url: /{shpo}",
            "2: url uses {shpo}, which is no field of the method and no config field: did you mean {shop}?"),
        Case("a path with a space", "test:\n  url: /a b", "2: url is no path of a URL"),

        // What.
        Case("no such verb", "test:\n  url: /me\n  method: delete", "3: method must be one of get, post"),
        Case("a body for GET", "test:\n  url: /me\n  body: '{}'", "3: body belongs to method post"),
        Case("a body that is no JSON", "test:\n  url: /me\n  method: post\n  body: a=b", "4: body is not JSON"),
        Case(
            "a header's name with a space", "test:\n  url: /me\n  headers:\n    X Y: a", "4: X Y is no name of a header"
        ),
        Case(
            "a header of two lines", "test:\n  url: /me\n  headers:\n    X-A: \"a\\r\\nX: y\"",
            "4: X-A has control characters"),

        // How the answer is read.
        Case("a list for an error", "test:\n  url: /me\n  error_when: [ok]", "3: error_when must be a mapping"),
        Case("no path to an error", "test:\n  url: /me\n  error_when: {equals: 'no'}", "3: path is required"),
        Case("nothing to compare with", "test:\n  url: /me\n  error_when: {path: ok}", "3: equals is required"),
        Case(
            "a key of an error", "test:\n  url: /me\n  error_when: {path: ok, is: 'no'}", "3: unknown key 'is'"),
        Case("a code that is no path", "test:\n  url: /me\n  error_code: errors..code", "3: error_code \(pathRule)"),
        Case("an expectation that is no path", "test:\n  url: /me\n  expects: the id", "3: expects \(pathRule)"),
        Case("meanings in a list", "test:\n  url: /me\n  meanings: [auth]", "3: meanings must be a mapping"),
        Case(
            "no such meaning", "test:\n  url: /me\n  meanings:\n    403: forbidden",
            "4: 403 must be one of auth, grant, scope, transient"),
        Case("a code of nowhere", "test:\n  url: /me\n  meanings:\n    bad: auth", "4: bad \(statusRule)"),
        Case("a status of success", "test:\n  url: /me\n  meanings:\n    200: auth", "4: 200 \(statusRule)"),
        Case("no status at all", "test:\n  url: /me\n  meanings:\n    4030: auth", "4: 4030 \(statusRule)"),
        Case(
            "a meaning twice", "test:\n  url: /me\n  meanings:\n    '403': auth\n    403: scope", "5: repeats 403"),

        // Models.
        Case(
            "no such shape", "test:\n  models: cohere\n  path: /models",
            "2: models must be one of openai, anthropic, mistral"),
        Case("models of nowhere", "test:\n  models: openai", "2: path is required"),
        Case(
            "models of elsewhere", "test:\n  models: openai\n  path: https://example.com/m",
            "3: path must be a path below base_url"),
        Case(
            "models below nothing", "test:\n  models: openai\n  path: /m",
            "3: path is a path, which needs a base_url", head: Case.bare),

        // Protocols.
        Case(
            "no such protocol", "test:\n  protocol: ftp",
            "2: protocol must be one of mcp, s3, postgresql, config, azure_blob"),
        Case("MCP of nowhere", "test:\n  protocol: mcp", "2: protocol mcp needs a base_url", head: Case.bare),
        Case(
            "S3 without a bucket", "test:\n  protocol: s3", "2: protocol s3 needs a config field 'bucket'",
            head: Case.head.replacing("key: bucket", with: "key: folder")),
        Case(
            "Azure Blob without an account", "test:\n  protocol: azure_blob",
            "2: protocol azure_blob needs a config field 'account'",
            head: Case.head.replacing("key: account", with: "key: name")),
        Case(
            "a test that the config cannot give", "test:\n  protocol: config",
            "2: protocol config needs a config field 'test_url'",
            head: Case.head.replacing("key: test_url", with: "key: url")),
        Case(
            "a secret destination", "test:\n  protocol: s3", "2: protocol s3 uses 'region', which is secret",
            head: Case.bare),
        Case(
            "a secret URL", "test:\n  protocol: config", "2: protocol config uses 'test_url', which is secret",
            head: Case.head.replacing("type: url}", with: "type: url, secure: true}")),

        // Whose account it is.
        Case("the account by no test", "identity:\n  from: test", "2: from test needs a test"),
        Case(
            "a request beside the test", "test: {url: /me}\nidentity:\n  from: test\n  url: /me",
            "4: url belongs to a request"),
        Case(
            "a path in what is no answer", "test: {protocol: mcp}\nidentity:\n  from: test\n  id: name",
            "4: id belongs to a test by a url"),
        Case(
            "a label in what is no answer", "test: {models: openai, path: /m}\nidentity:\n  from: test\n  label: name",
            "4: label belongs to a test by a url"),
        Case(
            "a label of nobody", "test: {url: /me}\nidentity:\n  from: test\n  label: name",
            "3: id is required by a label"),

        // How often.
        Case("a clock for nothing", "check_interval: 60", "1: check_interval needs a test"),
        Case("off for nothing", "check_interval: off", "1: check_interval needs a test"),
        Case("too often", "test: {url: /me}\ncheck_interval: 59", "2: check_interval \(intervalRule)"),
        Case("in words", "test: {url: /me}\ncheck_interval: 6h", "2: check_interval \(intervalRule)"),
        Case("too seldom", "test: {url: /me}\ncheck_interval: 315360001", "2: check_interval \(intervalRule)"),
        Case("never, in another word", "test: {url: /me}\ncheck_interval: never", "2: check_interval \(intervalRule)"),
        Case("a list of spans", "test: {url: /me}\ncheck_interval: [60]", "2: check_interval must be text"),
    ]
}
