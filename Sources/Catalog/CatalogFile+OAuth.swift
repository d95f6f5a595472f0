import Connections

extension CatalogFile {
    private static let oauthKeys = [
        "grant", "issuer", "authorize_url", "token_url", "refresh_url", "revoke_url", "introspect_url", "scopes",
        "scope_separator", "scope_parameter", "client_auth", "pkce", "token_format", "token_headers",
        "authorize_parameters", "token_parameters", "response", "error_when", "errors", "gone_when", "lifetime",
        "refresh_lifetime", "idle_refresh", "reuse", "keep", "callback_keep", "revoke", "jwt", "request",
        "endpoint_domains",
    ]

    static func oauth(
        _ map: DefinitionMap, fields: [Field], config: [Field], vocabulary: Vocabulary
    ) throws(DefinitionProblem) -> OAuthMethod {
        try map.allow(oauthKeys)
        var method = OAuthMethod()
        method.grant = try map.optionalWord("grant", OAuthMethod.Grant.self) ?? .authorizationCode
        try refuseKeysOfAuthorization(map, grant: method.grant)
        try readResponse(map, into: &method)
        try readKeep(map, config: config, into: &method)
        try readEndpoints(map, config: config, into: &method)
        try readScopes(map, into: &method)
        try readClient(map, vocabulary: vocabulary, into: &method)
        try readLifetimes(map, into: &method)
        try readRevocation(map, into: &method)
        method.assertion = try assertion(map, vocabulary: vocabulary)
        try readRequest(map, config: config, vocabulary: vocabulary, into: &method)
        try checkGrant(map, method: method, fields: fields)
        return method
    }

    // MARK: What the grant needs

    private static func refuseKeysOfAuthorization(
        _ map: DefinitionMap, grant: OAuthMethod.Grant
    ) throws(DefinitionProblem) {
        guard grant.isSelfIssued else { return }
        let keys = [
            "authorize_url", "authorize_parameters", "scope_parameter", "pkce", "callback_keep", "refresh_url",
            "refresh_lifetime", "idle_refresh",
        ]
        for key in keys where map.has(key) { throw map.problem(key, "belongs to grant authorization_code") }
    }

    private static func checkGrant(
        _ map: DefinitionMap, method: OAuthMethod, fields: [Field]
    ) throws(DefinitionProblem) {
        try checkAssertion(map, method: method)
        switch method.grant {
        case .authorizationCode:
            guard method.authorizeURL != nil || method.issuer != nil else {
                throw map.problem("authorize_url", "is required, unless there is an issuer")
            }
        case .clientCredentials:
            // The client is the credential itself.
            let keys = ["client_id"] + (method.clientAuthentication == .none ? [] : ["client_secret"])
            for key in keys where !fields.contains(where: { $0.key == key }) {
                throw map.problem("grant", "client_credentials needs a field '\(key)' of the method")
            }
        case .jwtBearer:
            guard method.assertion != nil else { throw map.problem("jwt", "is required by grant jwt_bearer") }
        case .tokenRequest:
            guard method.request != nil else { throw map.problem("request", "is required by grant token_request") }
        }
        guard method.tokenURL != nil || method.issuer != nil else {
            throw map.problem("token_url", "is required, unless there is an issuer")
        }
    }

    // MARK: Endpoints and scopes

    private static func readEndpoints(
        _ map: DefinitionMap, config: [Field], into method: inout OAuthMethod
    ) throws(DefinitionProblem) {
        func read(
            _ key: String, isFirst: Bool = false, isOptional: Bool = false
        ) throws(DefinitionProblem) -> URLTemplate? {
            try endpoint(map, key, config: config, keeping: method, isFirst: isFirst, isOptional: isOptional)
        }
        method.issuer = try read("issuer", isFirst: true)
        // RFC 8414, 2.
        if method.issuer?.text.contains("?") == true { throw map.problem("issuer", "must not have a query") }
        method.authorizeURL = try read("authorize_url", isFirst: true)
        method.tokenURL = try read("token_url", isFirst: true)
        method.refreshURL = try read("refresh_url", isOptional: true)
        method.revokeURL = try read("revoke_url", isOptional: true)
        method.introspectURL = try read("introspect_url", isOptional: true)
        method.endpointDomains = try domains(map, of: method)
    }

    private static func domains(_ map: DefinitionMap, of method: OAuthMethod) throws(DefinitionProblem) -> [String] {
        let domains = try map.strings("endpoint_domains")
        if !domains.isEmpty, method.issuer == nil { throw map.problem("endpoint_domains", "needs an issuer") }
        for domain in domains where URLTemplate.registrableDomain(of: "https://\(domain)") != domain {
            throw map.problem("endpoint_domains", "has '\(domain)', which is not a registrable domain")
        }
        try refuseRepeated(domains, in: map, key: "endpoint_domains")
        return domains
    }

    private static func readScopes(
        _ map: DefinitionMap, into method: inout OAuthMethod
    ) throws(DefinitionProblem) {
        if let separator = try map.optionalString("scope_separator") {
            guard separator == " " || separator == "," else {
                throw map.problem("scope_separator", "must be ' ' or ','")
            }
            method.scopeSeparator = separator
        }
        method.scopes = try map.strings("scopes")
        for scope in method.scopes where !isScope(scope) || scope.contains(method.scopeSeparator) {
            throw map.problem("scopes", "has '\(scope)', which is not one scope")
        }
        try refuseRepeated(method.scopes, in: map, key: "scopes")
        if let parameter = try map.optionalString("scope_parameter") { method.scopeParameter = parameter }
    }

    /// RFC 6749, 3.3.
    private static func isScope(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            }
    }

    // MARK: The client's requests

    private static func readClient(
        _ map: DefinitionMap, vocabulary: Vocabulary, into method: inout OAuthMethod
    ) throws(DefinitionProblem) {
        if let word = try map.optionalWord("client_auth", OAuthMethod.ClientAuthentication.self) {
            method.clientAuthentication = word
        }
        method.usesPKCE = try map.boolean("pkce") ?? true
        method.tokenFormat = try map.optionalWord("token_format", OAuthMethod.BodyFormat.self) ?? .form
        method.tokenHeaders = try headers(map, "token_headers")
        if let parameters = try map.map("authorize_parameters") {
            method.authorizeParameters = try parameters.texts()
            try refuseOwn(
                [
                    "response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method",
                    method.scopeParameter,
                ], in: parameters)
        }
        if let parameters = try map.map("token_parameters") {
            method.tokenParameters = try vocabulary.templates(parameters)
            try refuseOwn(
                [
                    "grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "client_id",
                    "client_secret", "assertion",
                ], in: parameters)
        }
    }

    /// Parameters that a flow depends on cannot be had from the file.
    static func refuseOwn(_ names: [String], in map: DefinitionMap) throws(DefinitionProblem) {
        for name in names where map.has(name) { throw map.problem(name, "is set by Patchbay") }
    }

    private static func readLifetimes(
        _ map: DefinitionMap, into method: inout OAuthMethod
    ) throws(DefinitionProblem) {
        method.lifetime = try map.seconds("lifetime")
        method.refreshLifetime = try map.seconds("refresh_lifetime")
        method.idleRefresh = try map.seconds("idle_refresh")
        method.reuse = try map.optionalWord("reuse", OAuthMethod.Reuse.self) ?? .retry
    }

    private static func readRevocation(
        _ map: DefinitionMap, into method: inout OAuthMethod
    ) throws(DefinitionProblem) {
        guard method.revokeURL != nil || method.issuer != nil || !map.has("revoke") else {
            throw map.problem("revoke", "needs a revoke_url")
        }
        guard let map = try map.map("revoke") else { return }
        try map.allow(["token", "auth", "method", "format", "parameter", "ends"])
        var revocation = OAuthMethod.Revocation()
        revocation.token = try map.optionalWord("token", OAuthMethod.Revocation.Token.self) ?? revocation.token
        revocation.authentication =
            try map.optionalWord("auth", OAuthMethod.Revocation.Authentication.self) ?? revocation.authentication
        revocation.method =
            try map.optionalWord("method", among: ["post", "delete"])?.uppercased() ?? revocation.method
        revocation.format = try map.optionalWord("format", OAuthMethod.BodyFormat.self) ?? revocation.format
        revocation.parameter = try map.optionalString("parameter") ?? revocation.parameter
        method.revocation = revocation
        method.revocationEnds =
            try map.optionalWord("ends", OAuthMethod.RevocationReach.self) ?? method.revocationEnds
    }
}
