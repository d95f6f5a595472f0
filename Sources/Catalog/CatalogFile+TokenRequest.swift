import Connections

extension CatalogFile {
    /// The statement that stands for a credential.
    static func assertion(
        _ map: DefinitionMap, vocabulary: Vocabulary
    ) throws(DefinitionProblem) -> OAuthMethod.Assertion? {
        guard let map = try map.map("jwt") else { return nil }
        try map.allow([
            "algorithm", "key", "key_id", "issuer", "subject", "audience", "lifetime", "send", "claims",
        ])
        let claims = try map.map("claims")
        if let claims { try refuseOwn(["iss", "sub", "aud", "iat", "exp", "jti"], in: claims) }
        return OAuthMethod.Assertion(
            algorithm: try map.word("algorithm", OAuthMethod.Assertion.Algorithm.self),
            key: try vocabulary.template(map, "key"), keyID: try vocabulary.optionalTemplate(map, "key_id"),
            issuer: try vocabulary.template(map, "issuer"), subject: try vocabulary.optionalTemplate(map, "subject"),
            audience: try vocabulary.optionalTemplate(map, "audience"), claims: try vocabulary.templates(claims),
            lifetime: try map.seconds("lifetime") ?? 3_600,
            use: try map.optionalWord("send", OAuthMethod.Assertion.Use.self) ?? .assertion)
    }

    /// A token request of the provider's own making. Its URL is the token URL.
    static func readRequest(
        _ map: DefinitionMap, config: [Field], vocabulary: Vocabulary, into method: inout OAuthMethod
    ) throws(DefinitionProblem) {
        guard let request = try map.map("request") else { return }
        try request.allow(["method", "url", "format", "headers", "body"])
        if let url = try endpoint(request, "url", config: config, keeping: method, isFirst: true) {
            guard method.tokenURL == nil else { throw request.problem("url", "is there already, as token_url") }
            method.tokenURL = url
        }
        method.request = OAuthMethod.RequestTemplate(
            method: try request.optionalWord("method", among: ["post", "put"])?.uppercased() ?? "POST",
            format: try request.optionalWord("format", OAuthMethod.BodyFormat.self) ?? .form,
            headers: try headers(request, "headers", vocabulary: vocabulary),
            body: try vocabulary.templates(try request.map("body")))
    }

    /// Refuses an assertion or a request that nothing would send.
    static func checkAssertion(_ map: DefinitionMap, method: OAuthMethod) throws(DefinitionProblem) {
        if let assertion = method.assertion {
            switch (method.grant, assertion.use) {
            case (.jwtBearer, .assertion): break
            case (.jwtBearer, .bearer), (.tokenRequest, .bearer):
                guard method.request != nil else {
                    throw map.problem("request", "is required by a jwt that is sent as bearer")
                }
            case (.tokenRequest, .assertion):
                throw map.problem("jwt", "must be sent as bearer with grant token_request")
            case (.authorizationCode, _), (.clientCredentials, _):
                throw map.problem("jwt", "belongs to grant jwt_bearer or token_request")
            }
        }
        guard method.request == nil || method.grant == .tokenRequest || method.assertion?.use == .bearer else {
            throw map.problem("request", "belongs to grant token_request, or to a jwt that is sent as bearer")
        }
    }
}
