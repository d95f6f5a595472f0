import Connections
import LosslessJSON

/// What a provider is told when a grant is given up: everything that the request needs, since nothing else is left by then.
struct RevocationOrder: Sendable {
    let url: String
    let token: Secret
    let hint: String
    let bearer: Secret?
    let revocation: OAuthMethod.Revocation
    let headers: [(name: String, value: String)]
    let client: OAuthClient?

    /// `nil` where the provider has no way to be told, or there is nothing to tell.
    init?(
        tokens: Tokens, method: OAuthMethod, endpoints: Endpoints, client: OAuthClient?
    ) {
        guard let url = endpoints.revoke else { return nil }
        self.url = url
        let prefersRefresh = method.revocation.token == .refreshToken
        token = prefersRefresh ? tokens.refreshToken ?? tokens.accessToken : tokens.accessToken
        hint = prefersRefresh && tokens.refreshToken != nil ? "refresh_token" : "access_token"
        bearer = method.revocation.authentication == .bearer ? tokens.accessToken : nil
        revocation = method.revocation
        headers = method.tokenHeaders
        self.client = method.revocation.authentication == .client ? client : nil
    }

    // MARK: Keeping

    var data: JSONObject {
        var data = JSONObject()
        data["url"] = JSONText(url)
        token.withText { data["token"] = JSONText($0) }
        data["hint"] = JSONText(hint)
        bearer?.withText { data["bearer"] = JSONText($0) }
        data["method"] = JSONText(revocation.method)
        data["format"] = JSONText(revocation.format.rawValue)
        data["parameter"] = JSONText(revocation.parameter)
        var headers = JSONObject()
        for header in self.headers { headers[header.name] = JSONText(header.value) }
        data["headers"] = headers.text
        if let client {
            data["client_id"] = JSONText(client.id)
            client.secret?.withText { data["client_secret"] = JSONText($0) }
            data["client_authentication"] = JSONText(client.authentication.rawValue)
        }
        return data
    }

    init?(_ data: JSONObject) {
        func text(_ key: String) -> String? { data[key]?.slice.string }
        guard let url = text("url"), let token = text("token") else { return nil }
        self.url = url
        self.token = Secret(token)
        hint = text("hint") ?? "refresh_token"
        bearer = text("bearer").map { Secret($0) }
        var revocation = OAuthMethod.Revocation()
        revocation.method = text("method") ?? "POST"
        revocation.format = text("format").flatMap(OAuthMethod.BodyFormat.init) ?? .form
        revocation.parameter = text("parameter") ?? "token"
        self.revocation = revocation
        headers =
            data["headers"].map { JSONObject($0.slice).members.map { ($0.name, $0.value.slice.string ?? "") } } ?? []
        client = text("client_id").map { id in
            OAuthClient(
                id: id, secret: text("client_secret").map { Secret($0) }, previousSecret: nil,
                authentication: text("client_authentication").flatMap(OAuthMethod.ClientAuthentication.init) ?? .none)
        }
    }

    var request: TokenEndpoint.Request {
        var request = TokenEndpoint.Request(
            url: url, method: revocation.method, format: revocation.format, headers: headers,
            parameters: [(name: revocation.parameter, value: token.withText { $0 })])
        // RFC 7009, 2.1.
        if revocation.parameter == "token" { request.parameters.append((name: "token_type_hint", value: hint)) }
        if let bearer { request.headers.append((name: "Authorization", value: bearer.withText { "Bearer \($0)" })) }
        return request
    }
}
