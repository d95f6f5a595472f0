extension OAuthDefinitionTests {
    private static let pathRule = "must be a path such as data.user.id or users.0.id"

    static let cases: [CatalogFileTests.Case] = [
        .good("as it is", [:]),
        .good("an issuer alone", [18: "", 19: "", 40: "", 41: ""]),
        .good("endpoints without an issuer", [17: ""]),
        .good("whole URLs from config", [17: "      issuer: '{site}'", 19: "      token_url: '{site}'"]),
        .good(
            "a whole URL that may be left out",
            [21: "      revoke_url: '{site}'", 52: "  - {key: site, label: Site, type: url}"]),
        .good("an identity by the issuer's userinfo", [54: "", 55: "", 57: ""]),
        .good("one path for the id", [58: "  id: id"]),
        .good("whose account it is by ID token", [54: "  from: id_token", 55: "", 56: "", 57: ""]),
        .good(
            "whose account it is by the token answer", [54: "  from: token_response", 55: "", 56: "", 57: ""]),
        .good("a request elsewhere", [54: "  url: https://id.example.com/me?v=1"]),
        .good("no placements", [43: "    apply: []", 44: "", 45: "", 46: ""]),
        .good("a header by a field's value", [44: "      - {in: header, name: '{tag}', value: '{access_token}'}"]),
        .good("another scope parameter too", [30: "      authorize_parameters: {scope: openid}"]),

        // Unknown keys.
        .bad(
            "a misspelt key", [36: "      lifetme: 3600"],
            "test-api.yaml:36: unknown key 'lifetme': did you mean 'lifetime'?"),
        .bad(
            "a misspelt path", [32: "      response: {acces_token: token}"],
            "test-api.yaml:32: unknown key 'acces_token': did you mean 'access_token'?"),
        .bad(
            "a key of an error", [33: "      error_when: {path: ok, is: 'false'}"],
            "test-api.yaml:33: unknown key 'is'"),
        .bad(
            "a misspelt key of the revocation", [42: "      revoke: {tokn: access_token}"],
            "test-api.yaml:42: unknown key 'tokn': did you mean 'token'?"),
        .bad(
            "a key of another placement", [45: "      - {in: query, name: a, username: b}"],
            "test-api.yaml:45: unknown key 'username'"),
        .bad(
            "a key of the identity", [58: "  ids: id"], "test-api.yaml:58: unknown key 'ids': did you mean 'id'?"),
        .bad(
            "a block that is a list", [33: "      error_when: [ok]"], "test-api.yaml:33: error_when must be a mapping"),

        // Endpoints.
        .bad(
            "oauth for another type", [11: "    type: bearer"], "test-api.yaml:17: oauth belongs to type oauth2"),
        .bad(
            "plain HTTP", [19: "      token_url: http://example.com/token"],
            "test-api.yaml:19: token_url must begin with https://, or be one variable that holds the whole URL"),
        .bad(
            "a script to sign in at", [18: "      authorize_url: javascript:alert(1)"],
            "test-api.yaml:18: authorize_url must begin with https://, or be one variable that holds the whole URL"),
        .bad(
            "another domain by config", [22: "      introspect_url: https://{shop}.com/introspect"],
            "test-api.yaml:22: introspect_url the last 2 labels of the host must be literal"),
        .bad(
            "a variable in a label", [20: "      refresh_url: https://x-{shop}.example.com/"],
            "test-api.yaml:20: refresh_url a variable must fill a whole DNS label or path segment"),
        .bad(
            "no such config", [18: "      authorize_url: https://{shpo}.example.com/"],
            "test-api.yaml:18: authorize_url uses {shpo}, which is no config field"),
        .bad(
            "a field of the method", [19: "      token_url: https://{tag}.example.com/"],
            "test-api.yaml:19: token_url uses {tag}, which is no config field"),
        .bad(
            "config that may be missing", [19: "      token_url: https://{company}.example.com/"],
            "test-api.yaml:19: token_url uses {company}, which must be required and without a default"),
        .bad(
            "a part of a URL that may be missing", [21: "      revoke_url: https://{company}.example.com/"],
            "test-api.yaml:21: revoke_url uses {company}, which must be required and without a default"),
        .bad(
            "secret config", [21: "      revoke_url: https://{proof}.example.com/", 51: requiredProof],
            "test-api.yaml:21: revoke_url uses {proof}, which is secret"),
        .bad(
            "a whole URL that is no URL field", [17: "      issuer: '{shop}'"],
            "test-api.yaml:17: issuer {shop}: a whole URL wants a field of type url, a part another"),
        .bad(
            "a fragment", [19: "      token_url: https://example.com/token#x"],
            "test-api.yaml:19: token_url must not have a fragment"),
        .bad(
            "an issuer with a query", [17: "      issuer: https://example.com/?tenant=1"],
            "test-api.yaml:17: issuer must not have a query"),
        .bad(
            "a token URL by what the token answer says", [19: "      token_url: https://{region}.example.com/"],
            "test-api.yaml:19: token_url uses {region}, which only the token answer gives"),
        .bad(
            "a revocation where the callback says", [41: "      callback_keep: {region: location}", 40: ""],
            "test-api.yaml:21: revoke_url uses {region}, which anybody can write into the callback's query"),
        .bad(
            "an API where the callback says",
            [7: "base_url: '{site}'", 41: "      callback_keep: {site: url}"],
            "test-api.yaml:7: base_url uses {site}, which anybody can write into the callback's query"),
        .bad(
            "nowhere to sign in", [17: "", 18: ""],
            "test-api.yaml:17: authorize_url is required, unless there is an issuer"),
        .bad(
            "nowhere to get a token", [17: "", 19: ""],
            "test-api.yaml:17: token_url is required, unless there is an issuer"),
        .bad(
            "client credentials that nobody can enter",
            [17: "      grant: client_credentials", 18: "", 20: "", 25: "", 27: "", 30: "", 37: "", 38: "", 41: ""],
            "test-api.yaml:17: grant client_credentials needs a field 'client_id' of the method"),
        .bad("nowhere to revoke", [17: "", 21: ""], "test-api.yaml:40: revoke needs a revoke_url"),

        // Scopes.
        .bad(
            "scopes in one text", [23: "      scopes: read write"], "test-api.yaml:23: scopes must be a list of words"),
        .bad(
            "a scope with a space", [23: "      scopes: ['read write']"],
            "test-api.yaml:23: scopes has 'read write', which is not one scope"),
        .bad(
            "a scope with the separator", [23: "      scopes: ['read,write']"],
            "test-api.yaml:23: scopes has 'read,write', which is not one scope"),
        .bad("an empty scope", [23: "      scopes: ['']"], "test-api.yaml:23: scopes has '', which is not one scope"),
        .bad(
            "a scope with a quote", [23: #"      scopes: ['a"b']"#],
            #"test-api.yaml:23: scopes has 'a"b', which is not one scope"#),
        .bad("a scope twice", [23: "      scopes: [a, a]"], "test-api.yaml:23: scopes has 'a' twice"),
        .bad(
            "another separator", [24: "      scope_separator: ';'"],
            "test-api.yaml:24: scope_separator must be ' ' or ','"),

        // Words and numbers.
        .bad(
            "no such grant", [24: "      grant: implicit"],
            "test-api.yaml:24: grant must be one of authorization_code, client_credentials, jwt_bearer, token_request"),
        .bad(
            "no such client authentication", [26: "      client_auth: basic"],
            "test-api.yaml:26: client_auth must be one of client_secret_basic, client_secret_post, none"),
        .bad("PKCE by another word", [27: "      pkce: plain"], "test-api.yaml:27: pkce must be true or false"),
        .bad(
            "no such format", [28: "      token_format: xml"],
            "test-api.yaml:28: token_format must be one of form, json"
        ),
        .bad("no such reuse", [39: "      reuse: once"], "test-api.yaml:39: reuse must be one of retry, punish"),
        .bad(
            "a lifetime of nothing", [36: "      lifetime: 0"],
            "test-api.yaml:36: lifetime must be a whole number of seconds from 1 to 315360000"),
        .bad(
            "a negative lifetime", [37: "      refresh_lifetime: -1"],
            "test-api.yaml:37: refresh_lifetime must be a whole number of seconds from 1 to 315360000"),
        .bad(
            "a lifetime in words", [38: "      idle_refresh: 7d"],
            "test-api.yaml:38: idle_refresh must be a whole number of seconds from 1 to 315360000"),
        .bad(
            "a lifetime without an end", [36: "      lifetime: 9223372036854775807"],
            "test-api.yaml:36: lifetime must be a whole number of seconds from 1 to 315360000"),
        .bad(
            "half a second", [36: "      lifetime: 1.5"],
            "test-api.yaml:36: lifetime must be a whole number of seconds from 1 to 315360000"),

        // Parameters and headers.
        .bad(
            "a state of its own", [30: "      authorize_parameters: {state: x}"],
            "test-api.yaml:30: state is set by Patchbay"),
        .bad(
            "a callback of its own", [30: "      authorize_parameters: {redirect_uri: https://evil.example}"],
            "test-api.yaml:30: redirect_uri is set by Patchbay"),
        .bad(
            "scopes twice", [30: "      authorize_parameters: {user_scope: x}"],
            "test-api.yaml:30: user_scope is set by Patchbay"),
        .bad(
            "a grant type of its own", [31: "      token_parameters: {grant_type: password}"],
            "test-api.yaml:31: grant_type is set by Patchbay"),
        .bad(
            "no such field", [31: "      token_parameters: {tag: '{tga}'}"],
            "test-api.yaml:31: tag uses {tga}, which is no field of the method and no config field: did you mean {tag}?"
        ),
        .bad(
            "a template without an end", [31: "      token_parameters: {tag: 'v1-{tag'}"],
            "test-api.yaml:31: tag has a { without }"),
        .bad(
            "a template without a name", [31: "      token_parameters: {tag: '{}'}"],
            "test-api.yaml:31: tag uses {}, which is no field of the method and no config field"),
        .bad(
            "a parameter that is a list", [30: "      authorize_parameters: {prompt: [a]}"],
            "test-api.yaml:30: prompt must be text"),
        .bad(
            "a parameter without a name", [30: "      authorize_parameters: {'': a}"],
            "test-api.yaml:30: a key has no name"),
        .bad(
            "a header's name with a space", [29: "      token_headers: {'X Y': a}"],
            "test-api.yaml:29: X Y is no name of a header"),
        .bad(
            "a header of two lines", [29: #"      token_headers: {Accept: "a\r\nX: y"}"#],
            "test-api.yaml:29: Accept has control characters"),

        // What answers say.
        .bad(
            "an empty step of a path", [32: "      response: {access_token: data..token}"],
            "test-api.yaml:32: access_token \(pathRule)"),
        .bad(
            "a path with a space", [33: "      error_when: {path: 'not ok', equals: 'false'}"],
            "test-api.yaml:33: path \(pathRule)"),
        .bad("no path", [33: "      error_when: {equals: 'false'}"], "test-api.yaml:33: path is required"),
        .bad("nothing to compare", [33: "      error_when: {path: ok}"], "test-api.yaml:33: equals is required"),
        .bad("nothing to look for", [35: "      gone_when: {path: a}"], "test-api.yaml:35: contains is required"),
        .bad(
            "a code of nobody's", [34: "      errors: {bad_token: invalid_token}"],
            """
            test-api.yaml:34: bad_token must be one of invalid_grant, invalid_client, unauthorized_client, \
            invalid_request, invalid_scope, unsupported_grant_type, access_denied, server_error, temporarily_unavailable
            """),
        .bad(
            "what is kept nowhere", [40: "      keep: {regoin: data.region}"],
            "test-api.yaml:40: regoin is no config field"),
        .bad(
            "what is kept as a secret", [40: "      keep: {proof: data.region}"],
            "test-api.yaml:40: proof is a secret config field"),
        .bad(
            "a token in the config", [40: "      keep: {region: user.token}"],
            "test-api.yaml:40: region would show a token"),
        .bad(
            "an ID token in the config", [40: "      keep: {region: id_token}"],
            "test-api.yaml:40: region would show a token"),
        .bad(
            "what the callback gives for nothing", [41: "      callback_keep: {tag: x}"],
            "test-api.yaml:41: tag is no config field"),
        .bad(
            "the code in the config", [41: "      callback_keep: {company: code}"],
            "test-api.yaml:41: company would show a secret"),
        .bad(
            "no such token", [42: "      revoke: {token: id_token}"],
            "test-api.yaml:42: token must be one of refresh_token, access_token"),
        .bad(
            "no such method", [42: "      revoke: {method: get}"],
            "test-api.yaml:42: method must be one of post, delete"),
        .bad(
            "no such reach", [42: "      revoke: {ends: account}"],
            "test-api.yaml:42: ends must be one of token, grant"),

        // Where the credential goes.
        .bad(
            "a cookie", [44: "      - {in: cookie, name: a, value: b}"],
            "test-api.yaml:44: in must be one of header, query, basic"),
        .bad("no place", [44: "      - {name: a, value: b}"], "test-api.yaml:44: in is required"),
        .bad("a header without a value", [44: "      - {in: header, name: a}"], "test-api.yaml:44: value is required"),
        .bad("no password", [46: "      - {in: basic, username: a}"], "test-api.yaml:46: password is required"),
        .bad(
            "no such token field", [44: "      - {in: header, name: Authorization, value: 'Bearer {acces_token}'}"],
            """
            test-api.yaml:44: value uses {acces_token}, which is no field of the method and no config field: \
            did you mean {access_token}?
            """),
        .bad(
            "a header's name with a colon", [44: "      - {in: header, name: 'a:', value: b}"],
            "test-api.yaml:44: name is no name of a header"),
        .bad(
            "a header's value of two lines", [44: #"      - {in: header, name: a, value: "b\nc: d"}"#],
            "test-api.yaml:44: value has control characters"),

        // Whose account it is.
        .bad("no id", [58: ""], "test-api.yaml:54: id is required"),
        .bad("no ids", [58: "  id: []"], "test-api.yaml:58: id is required"),
        .bad("an id that is none", [58: "  id: [a, '']"], "test-api.yaml:58: id \(pathRule), or a list of them"),
        .bad("a label that is no path", [59: "  label: .email"], "test-api.yaml:59: label \(pathRule)"),
        .bad("nothing to ask", [17: "", 54: ""], "test-api.yaml:53: url is required"),
        .bad(
            "no such source", [54: "  from: cookie"],
            "test-api.yaml:54: from must be one of request, id_token, token_response, test"),
        .bad(
            "a path below nothing", [7: ""], "test-api.yaml:53: url is a path, which needs a base_url"),
        .bad(
            "plain HTTP to ask at", [54: "  url: http://id.example.com/me"],
            "test-api.yaml:54: url must be a path below base_url, or a URL that begins with https://"),
        .bad(
            "a host by config to ask at", [54: "  url: https://{shop}.example.com/me"],
            "test-api.yaml:54: url must be a path below base_url, or a URL that begins with https://"),
        .bad(
            "a secret in a path", [54: "  url: /users/{proof}"],
            "test-api.yaml:54: url uses {proof}, which is no field of the method and no config field"),
        .bad(
            "a token in a path", [54: "  url: /users/{access_token}"],
            "test-api.yaml:54: url uses {access_token}, which is no field of the method and no config field"),
        .bad("a path with a space", [54: "  url: /users/a b"], "test-api.yaml:54: url is no path of a URL"),
        .bad("no such verb", [55: "  method: put"], "test-api.yaml:55: method must be one of get, post"),
        .bad("a body for GET", [55: "  method: get"], "test-api.yaml:57: body belongs to method post"),
        .bad("a body that is no JSON", [57: "  body: '{query}'"], "test-api.yaml:57: body is not JSON"),
        .bad(
            "a request beside the token answer", [54: "  from: token_response"],
            "test-api.yaml:55: method belongs to a request"),
        .bad(
            "a token for a label", [54: "  from: token_response", 55: "", 56: "", 57: "", 59: "  label: user.token"],
            "test-api.yaml:56: label would show a token"),
        .bad(
            "a token for an id",
            [54: "  from: token_response", 55: "", 56: "", 57: "", 58: "  id: [sub, refresh_token]"],
            "test-api.yaml:55: id would show a token"),
    ]

    private static let requiredProof = "  - {key: proof, label: Proof, type: text, secure: true, required: true}"

    // MARK: Grants

    private static let assertion = """
        jwt:
          algorithm: RS256
          key: '{private_key}'
          issuer: '{client_id}'
        """

    static let grants: [GrantCase] = [
        GrantCase("client credentials", "grant: client_credentials\ntoken_url: '{site}'"),
        GrantCase("client credentials by an issuer", "grant: client_credentials\nissuer: https://example.com"),
        GrantCase("endpoints elsewhere", "issuer: '{site}'\nendpoint_domains: [example.net, example.co.uk]"),
        GrantCase("an assertion", "grant: jwt_bearer\ntoken_url: https://example.com/t\n\(assertion)"),
        GrantCase("an assertion in a header", bearerAssertion),
        GrantCase("a request", "grant: token_request\nrequest: {url: '{site}', body: {user: '{client_id}'}}"),
        GrantCase("a request to the token URL", "grant: token_request\ntoken_url: '{site}'\nrequest: {format: json}"),
        GrantCase(
            "a request with an assertion",
            "grant: token_request\nrequest: {url: '{site}'}\n\(assertion)\n  send: bearer"),

        GrantCase(
            "endpoints elsewhere without an issuer",
            "authorize_url: '{site}'\ntoken_url: '{site}'\nendpoint_domains: [example.net]",
            "3: endpoint_domains needs an issuer"),
        GrantCase(
            "a part of a domain", "issuer: '{site}'\nendpoint_domains: [auth.example.net]",
            "2: endpoint_domains has 'auth.example.net', which is not a registrable domain"),
        GrantCase(
            "a URL for a domain", "issuer: '{site}'\nendpoint_domains: ['https://example.net']",
            "2: endpoint_domains has 'https://example.net', which is not a registrable domain"),
        GrantCase(
            "no token URL", "grant: client_credentials\nlifetime: 60",
            "1: token_url is required, unless there is an issuer"),
        GrantCase(
            "a page to sign in for nobody", "grant: client_credentials\nauthorize_url: '{site}'\ntoken_url: '{site}'",
            "2: authorize_url belongs to grant authorization_code"),
        GrantCase(
            "a callback that never comes",
            "grant: client_credentials\ncallback_keep: {account: x}\ntoken_url: '{site}'",
            "2: callback_keep belongs to grant authorization_code"),
        GrantCase(
            "PKCE for nobody", "grant: token_request\npkce: false\nrequest: {url: '{site}'}",
            "2: pkce belongs to grant authorization_code"),
        GrantCase(
            "no assertion", "grant: jwt_bearer\ntoken_url: '{site}'", "1: jwt is required by grant jwt_bearer"),
        GrantCase(
            "an assertion and no token URL", "grant: jwt_bearer\n\(assertion)",
            "1: token_url is required, unless there is an issuer"),
        GrantCase(
            "an assertion for another grant", "authorize_url: '{site}'\ntoken_url: '{site}'\n\(assertion)",
            "4: jwt belongs to grant jwt_bearer or token_request"),
        GrantCase(
            "no request", "grant: token_request\ntoken_url: '{site}'", "1: request is required by grant token_request"),
        GrantCase(
            "a request for nobody", "authorize_url: '{site}'\ntoken_url: '{site}'\nrequest: {method: post}",
            "3: request belongs to grant token_request, or to a jwt that is sent as bearer"),
        GrantCase(
            "a request that the assertion's grant does not send",
            "grant: jwt_bearer\nrequest: {url: '{site}'}\n\(assertion)",
            "2: request belongs to grant token_request, or to a jwt that is sent as bearer"),
        GrantCase(
            "a request with its assertion in the wrong place",
            "grant: token_request\nrequest: {url: '{site}'}\n\(assertion)",
            "4: jwt must be sent as bearer with grant token_request"),
        GrantCase(
            "an assertion for a header of no request",
            "grant: jwt_bearer\ntoken_url: '{site}'\n\(assertion)\n  send: bearer",
            "1: request is required by a jwt that is sent as bearer"),
        GrantCase(
            "two token URLs", "grant: token_request\ntoken_url: '{site}'\nrequest: {url: '{site}'}",
            "3: url is there already, as token_url"),
        GrantCase(
            "a request to nowhere", "grant: token_request\nrequest: {format: json}",
            "1: token_url is required, unless there is an issuer"),
        GrantCase(
            "a request to a field's place", "grant: token_request\nrequest: {url: 'https://{client_id}.example.com'}",
            "2: url uses {client_id}, which is no config field"),
        GrantCase(
            "a request by GET", "grant: token_request\nrequest: {url: '{site}', method: get}",
            "2: method must be one of post, put"),
        GrantCase(
            "no such field in a request", "grant: token_request\nrequest: {url: '{site}', body: {user: '{user}'}}",
            "2: user uses {user}, which is no field of the method and no config field"),
        GrantCase(
            "no such field in a header", "grant: token_request\nrequest: {url: '{site}', headers: {X-Key: '{key}'}}",
            "2: X-Key uses {key}, which is no field of the method and no config field"),
        GrantCase(
            "no such algorithm", "grant: jwt_bearer\njwt: {algorithm: none, key: a, issuer: b}",
            "2: algorithm must be one of RS256, ES256, HS256"),
        GrantCase(
            "no key", "grant: jwt_bearer\njwt: {algorithm: RS256, issuer: b}", "2: key is required"),
        GrantCase(
            "no such field for a key", "grant: jwt_bearer\njwt: {algorithm: RS256, key: '{private_kye}', issuer: b}",
            """
            2: key uses {private_kye}, which is no field of the method and no config field: did you mean {private_key}?
            """),
        GrantCase(
            "a claim of its own", "grant: jwt_bearer\njwt: {algorithm: RS256, key: a, issuer: b, claims: {exp: '1'}}",
            "2: exp is set by Patchbay"),
        GrantCase(
            "an assertion without an end", "grant: jwt_bearer\njwt: {algorithm: RS256, key: a, issuer: b, lifetime: 0}",
            "2: lifetime must be a whole number of seconds from 1 to 315360000"),
        GrantCase(
            "an unknown key", "grant: jwt_bearer\njwt: {algorithm: RS256, key: a, issuer: b, kid: c}",
            "2: unknown key 'kid'"),
    ]
}
