import Connections

extension CatalogFile {
    /// What a provider's own error codes may stand for: those of RFC 6749, 4.1.2.1 and 5.2.
    private static let errorCodes = [
        "invalid_grant", "invalid_client", "unauthorized_client", "invalid_request", "invalid_scope",
        "unsupported_grant_type", "access_denied", "server_error", "temporarily_unavailable",
    ]

    private static var responsePaths: [(key: String, member: WritableKeyPath<OAuthMethod.ResponsePaths, String>)] {
        [
            ("access_token", \.accessToken), ("refresh_token", \.refreshToken), ("token_type", \.tokenType),
            ("expires_in", \.expiresIn), ("expires_at", \.expiresAt),
            ("refresh_token_expires_in", \.refreshExpiresIn), ("scope", \.scope), ("error", \.error),
        ]
    }

    /// Where the token answer has its members, and how it tells an error.
    static func readResponse(
        _ map: DefinitionMap, into method: inout OAuthMethod
    ) throws(DefinitionProblem) {
        if let response = try map.map("response") {
            try response.allow(responsePaths.map(\.key))
            for (key, member) in responsePaths where response.has(key) {
                method.response[keyPath: member] = try path(response, key)
            }
        }
        method.errorCondition = try errorCondition(map)
        if let errors = try map.map("errors") {
            for (code, meaning) in try errors.texts() {
                guard errorCodes.contains(meaning) else {
                    throw errors.problem(code, "must be one of \(errorCodes.joined(separator: ", "))")
                }
                method.errorCodes.append((code: code, means: meaning))
            }
        }
        if let gone = try map.map("gone_when") {
            try gone.allow(["path", "contains"])
            method.goneWhen = (path: try path(gone, "path"), contains: try gone.string("contains"))
        }
    }

    static func errorCondition(_ map: DefinitionMap) throws(DefinitionProblem) -> OAuthMethod.ErrorCondition? {
        guard let condition = try map.map("error_when") else { return nil }
        try condition.allow(["path", "equals"])
        return OAuthMethod.ErrorCondition(
            path: try path(condition, "path"), equals: try condition.string("equals"))
    }

    /// Config that the provider gives.
    static func readKeep(
        _ map: DefinitionMap, config: [Field], into method: inout OAuthMethod
    ) throws(DefinitionProblem) {
        if let keep = try map.map("keep") {
            for (key, _) in try keep.texts() {
                try checkKept(key, keep, config: config)
                let path = try path(keep, key)
                // Config is shown to whoever may read the connection.
                guard !method.tokenPaths.contains(path) else { throw keep.problem(key, "would show a token") }
                method.keep.append((key: key, path: path))
            }
        }
        if let keep = try map.map("callback_keep") {
            for (key, parameter) in try keep.texts() {
                try checkKept(key, keep, config: config)
                guard !["code", "state"].contains(parameter) else { throw keep.problem(key, "would show a secret") }
                method.callbackKeep.append((key: key, parameter: parameter))
            }
        }
    }

    private static func checkKept(
        _ key: String, _ map: DefinitionMap, config: [Field]
    ) throws(DefinitionProblem) {
        guard let field = config.first(where: { $0.key == key }) else {
            throw map.problem(key, "is no config field")
        }
        guard !field.isSecure else { throw map.problem(key, "is a secret config field") }
    }

    static func path(_ map: DefinitionMap, _ key: String) throws(DefinitionProblem) -> String {
        let text = try map.string(key)
        guard isPath(text) else { throw map.problem(key, "must be a path such as data.user.id or users.0.id") }
        return text
    }

    static func isPath(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
    }
}

extension OAuthMethod {
    /// Where an answer has what nobody may be shown.
    var tokenPaths: [String] { [response.accessToken, response.refreshToken, "id_token"] }
}
