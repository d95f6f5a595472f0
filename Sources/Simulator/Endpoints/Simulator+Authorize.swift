import HTTPTypes

/// The one endpoint that a browser sees.
extension Simulator {
    /// Consents at once, or by a page. `login` or `login_hint` chooses the account, `deny=1` refuses.
    func authorize(_ call: Call) -> Reply {
        let query = call.query
        guard let client = query["client_id"], withProvider({ $0.knows(client: client) }) else {
            return .html(.badRequest, title: "Unknown client", body: "<p>This client_id is not registered.</p>")
        }
        // Until the address is known to be one, the browser stays here (RFC 6749, 4.1.2.1).
        guard let redirectURI = query["redirect_uri"], Self.isRedirectURI(redirectURI) else {
            return .html(.badRequest, title: "Bad redirect_uri", body: "<p>It must be an absolute http(s) URL.</p>")
        }
        let behaviour = behaviour(call, client: client)
        func back(_ parameters: [(String, String?)]) -> Reply {
            let issuer = behaviour.misnamesIssuer ? Self.otherIssuer : call.issuer
            let all = parameters + [("state", query["state"]), ("iss", issuer)]
            let text = all.compactMap { name, value in value.map { "\(name)=\(formEncoded($0))" } }
            return .redirect(to: redirectURI + (redirectURI.contains("?") ? "&" : "?") + text.joined(separator: "&"))
        }
        func refuse(_ code: OAuthError.Code) -> Reply { back([("error", code.rawValue)]) }

        guard query["response_type"] == "code" else { return refuse(.unsupportedResponseType) }
        let challenge = query["code_challenge"]
        guard challenge == nil || query["code_challenge_method"] == "S256" else { return refuse(.invalidRequest) }
        if query["deny"] == "1" { return refuse(.accessDenied) }
        let account = query["login"] ?? query["login_hint"] ?? "alice"
        if options.consentPage, query["approve"] != "1" {
            return consentPage(call, client: client, account: account)
        }
        let code = Provider.AuthorizationCode(
            client: client, account: account, redirectURI: redirectURI, challenge: challenge,
            scopes: query.words("scope") + query.words("user_scope"), nonce: query["nonce"],
            expires: call.now.advanced(bySeconds: Provider.codeSeconds))
        return back([("code", withProvider { $0.issueCode(code) })])
    }

    static let otherIssuer = "https://other-issuer.example"

    private static func isRedirectURI(_ text: String) -> Bool {
        (text.hasPrefix("https://") || text.hasPrefix("http://")) && !text.contains("#")
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private func consentPage(_ call: Call, client: String, account: String) -> Reply {
        let link = htmlEscaped("?" + call.rawQuery)
        return .html(
            title: "Simulated provider",
            body: """
                <p>\(htmlEscaped(client)) asks for access to the account \(htmlEscaped(account)).</p>
                <p><a id="allow" href="\(link)&amp;approve=1">Allow</a>
                <a id="deny" href="\(link)&amp;deny=1">Deny</a></p>
                """)
    }
}
