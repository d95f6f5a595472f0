import Catalog
import Connections
import Testing

/// What a file may say of how tokens are obtained and used, and where it is told that it may not.
@Suite struct OAuthDefinitionTests {
    /// Line numbers are those of the cases.
    static let good = """
        id: test-api
        name: Test API
        type: api
        category: http
        description: An API to test with.
        docs_url: https://example.com/docs
        base_url: https://{shop}.api.example.com/v1
        auth_methods:
          - id: oauth2
            name: OAuth 2.0
            type: oauth2
            auth_type: oauth_token_refresh
            description: Sign in.
            fields:
              - {key: tag, label: Tag, type: text}
            oauth:
              issuer: https://example.com/tenant
              authorize_url: https://{shop}.example.com/authorize?v=2
              token_url: https://{shop}.example.com/token
              refresh_url: https://{shop}.example.com/refresh
              revoke_url: https://{region}.example.com/revoke
              introspect_url: https://{shop}.example.com/introspect
              scopes: ['data:read', 'data:write']
              scope_separator: ','
              scope_parameter: user_scope
              client_auth: client_secret_basic
              pkce: false
              token_format: json
              token_headers: {Accept: application/json}
              authorize_parameters: {prompt: consent, access_type: offline}
              token_parameters: {tag: 'v1-{tag}'}
              response: {access_token: user.token, refresh_token_expires_in: ends, error: error.0.code}
              error_when: {path: ok, equals: 'false'}
              errors: {bad_token: invalid_grant, bad_app: invalid_client}
              gone_when: {path: error_description, contains: is gone}
              lifetime: 3600
              refresh_lifetime: 7776000
              idle_refresh: 604800
              reuse: punish
              keep: {region: data.region}
              callback_keep: {company: companyId}
              revoke: {token: access_token, auth: bearer, method: delete, format: json, parameter: access, ends: token}
            apply:
              - {in: header, name: Authorization, value: 'Bearer {access_token}'}
              - {in: query, name: company, value: '{company}'}
              - {in: basic, username: '{tag}', password: x}
        config:
          - {key: shop, label: Shop, type: text, required: true}
          - {key: region, label: Region, type: text, required: true}
          - {key: company, label: Company, type: text}
          - {key: proof, label: Proof, type: password, secure: true}
          - {key: site, label: Site, type: url, required: true}
        identity:
          url: /users/{company}?expand=team
          method: post
          headers: {Accept: application/json}
          body: '{"query":"{ me }"}'
          id: [users.0.id, users.0.team]
          label: users.0.email
        """

    @Test(arguments: OAuthDefinitionTests.cases)
    func checks(_ expected: CatalogFileTests.Case) {
        do throws(CatalogFileError) {
            let integration = try CatalogFile.parse(expected.text(of: Self.good), file: "test-api.yaml")
            #expect(expected.complaint == nil)
            #expect(integration.id == "test-api")
        } catch {
            #expect(error.description == expected.complaint)
        }
    }

    @Test func readsEveryKey() throws {
        let integration = try CatalogFile.parse(Self.good, file: "test-api.yaml")
        let method = try #require(integration.authMethod(nil)?.oauth)
        #expect(method.grant == .authorizationCode)
        #expect(method.issuer?.text == "https://example.com/tenant")
        #expect(method.authorizeURL?.text == "https://{shop}.example.com/authorize?v=2")
        #expect(method.tokenURL?.text == "https://{shop}.example.com/token")
        #expect(method.refreshURL?.text == "https://{shop}.example.com/refresh")
        #expect(method.revokeURL?.text == "https://{region}.example.com/revoke")
        #expect(method.introspectURL?.text == "https://{shop}.example.com/introspect")
        #expect(method.scopes == ["data:read", "data:write"])
        #expect(method.scopeSeparator == ",")
        #expect(method.scopeParameter == "user_scope")
        #expect(method.clientAuthentication == .basic)
        #expect(!method.usesPKCE)
        #expect(method.tokenFormat == .json)
        #expect(method.tokenHeaders.map(Self.joined) == ["Accept=application/json"])
        #expect(method.authorizeParameters.map(Self.joined) == ["prompt=consent", "access_type=offline"])
        #expect(method.tokenParameters.map(Self.joined) == ["tag=v1-{tag}"])
        #expect(method.response.accessToken == "user.token")
        #expect(method.response.refreshExpiresIn == "ends")
        #expect(method.response.error == "error.0.code")
        #expect(method.response.refreshToken == "refresh_token")
        #expect(method.errorCondition?.path == "ok")
        #expect(method.errorCondition?.equals == "false")
        #expect(method.errorCodes.map(\.code) == ["bad_token", "bad_app"])
        #expect(method.errorCodes.map(\.means) == ["invalid_grant", "invalid_client"])
        #expect(method.goneWhen?.path == "error_description")
        #expect(method.goneWhen?.contains == "is gone")
        #expect(method.lifetime == 3_600)
        #expect(method.refreshLifetime == 7_776_000)
        #expect(method.idleRefresh == 604_800)
        #expect(method.reuse == .punish)
        #expect(method.keep.map(\.path) == ["data.region"])
        #expect(method.callbackKeep.map(\.parameter) == ["companyId"])
        #expect(method.providedKeys == ["region", "company"])
        #expect(method.revocation.token == .accessToken)
        #expect(method.revocation.authentication == .bearer)
        #expect(method.revocation.method == "DELETE")
        #expect(method.revocation.format == .json)
        #expect(method.revocation.parameter == "access")
        #expect(method.revocationEnds == .token)
        #expect(method.assertion == nil)
        #expect(method.request == nil)
    }

    @Test func readsPlacementsAndIdentity() throws {
        let integration = try CatalogFile.parse(Self.good, file: "test-api.yaml")
        let placements = try #require(integration.authMethod(nil)).placements.map { placement in
            switch placement {
            case .header(let name, let value): "header \(name): \(value)"
            case .query(let name, let value): "query \(name)=\(value)"
            case .basic(let username, let password): "basic \(username):\(password)"
            }
        }
        #expect(
            placements == ["header Authorization: Bearer {access_token}", "query company={company}", "basic {tag}:x"])
        let identity = try #require(integration.identity)
        #expect(identity.source == .request)
        #expect(identity.url == "/users/{company}?expand=team")
        #expect(identity.method == "POST")
        #expect(identity.headers.map(Self.joined) == ["Accept=application/json"])
        #expect(identity.body == #"{"query":"{ me }"}"#)
        #expect(identity.id == ["users.0.id", "users.0.team"])
        #expect(identity.label == "users.0.email")
    }

    private static func joined(_ pair: (name: String, value: String)) -> String { "\(pair.name)=\(pair.value)" }

    // MARK: Grants

    /// An `oauth` block by itself. Complaints count its lines from 1.
    struct GrantCase: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let oauth: String
        let complaint: String?

        init(_ name: String, _ oauth: String, _ complaint: String? = nil) {
            testDescription = name
            self.oauth = oauth
            self.complaint = complaint
        }

        static let head = """
            id: test-api
            name: Test API
            type: api
            category: http
            description: An API to test with.
            docs_url: https://example.com/docs
            config:
              - {key: site, label: Site, type: url, required: true}
              - {key: account, label: Account, type: text, required: true}
            auth_methods:
              - id: oauth2
                name: OAuth 2.0
                type: oauth2
                auth_type: public_key_secret
                description: A key.
                fields:
                  - {key: client_id, label: ID, type: text}
                  - {key: client_secret, label: Secret, type: password}
                  - {key: private_key, label: Key, type: password}
                oauth:

            """

        func parse() throws(CatalogFileError) -> OAuthMethod? {
            let block = oauth.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n")
            return try CatalogFile.parse(Self.head + block, file: "test-api.yaml").authMethod(nil)?.oauth
        }

        /// With the line of the whole file.
        var problem: String? {
            guard let complaint else { return nil }
            let parts = complaint.split(separator: ":", maxSplits: 1)
            let before = Self.head.count { $0 == "\n" }
            return "test-api.yaml:\((Int(parts[0]) ?? 0) + before):\(parts[1])"
        }
    }

    @Test(arguments: OAuthDefinitionTests.grants)
    func grant(_ expected: GrantCase) {
        do throws(CatalogFileError) {
            let method = try expected.parse()
            #expect(expected.complaint == nil)
            #expect(method != nil)
        } catch {
            #expect(error.description == expected.problem)
        }
    }

    @Test func defaults() throws {
        let method = try #require(
            try GrantCase("", "authorize_url: https://example.com/a\ntoken_url: https://example.com/t").parse())
        let expected = OAuthMethod()
        #expect(method.grant == .authorizationCode)
        #expect(method.scopes.isEmpty)
        #expect(method.scopeSeparator == " ")
        #expect(method.scopeParameter == "scope")
        #expect(method.clientAuthentication == .post)
        #expect(method.usesPKCE)
        #expect(method.tokenFormat == .form)
        #expect(method.reuse == .retry)
        #expect(method.lifetime == nil)
        #expect(method.response.accessToken == expected.response.accessToken)
        #expect(method.revocation.token == expected.revocation.token)
        #expect(method.revocation.authentication == expected.revocation.authentication)
        #expect(method.revocation.method == expected.revocation.method)
    }

    /// GitHub Apps: a request of its own, with the assertion in its Authorization header.
    @Test func readsAssertionAndRequest() throws {
        let method = try #require(try GrantCase("", Self.bearerAssertion).parse())
        #expect(method.grant == .jwtBearer)
        #expect(method.tokenURL?.text == "https://example.com/installations/{account}")
        let assertion = try #require(method.assertion)
        #expect(assertion.algorithm == .es256)
        #expect(assertion.key == "{private_key}")
        #expect(assertion.keyID == "{client_id}")
        #expect(assertion.issuer == "{client_id}")
        #expect(assertion.subject == "{account}")
        #expect(assertion.audience == "https://example.com")
        #expect(assertion.lifetime == 540)
        #expect(assertion.use == .bearer)
        #expect(assertion.claims.map(Self.joined) == ["scope=a b", "account={account}"])
        let request = try #require(method.request)
        #expect(request.method == "PUT")
        #expect(request.format == .json)
        #expect(request.headers.map(Self.joined) == ["X-Account={account}"])
        #expect(request.body.map(Self.joined) == ["secret={client_secret}", "token={refresh_token}"])
    }

    static let bearerAssertion = """
        grant: jwt_bearer
        jwt:
          algorithm: ES256
          key: '{private_key}'
          key_id: '{client_id}'
          issuer: '{client_id}'
          subject: '{account}'
          audience: https://example.com
          lifetime: 540
          send: bearer
          claims: {scope: a b, account: '{account}'}
        request:
          method: put
          url: https://example.com/installations/{account}
          format: json
          headers: {X-Account: '{account}'}
          body: {secret: '{client_secret}', token: '{refresh_token}'}
        """
}
