import Connections
import Egress
import LosslessJSON

/// Learns whose account it is that tokens belong to.
struct IdentityReader: Sendable {
    let egress: Egress

    struct Account: Sendable {
        let label: String
        /// What no other account of the provider has; for a fingerprint only.
        let subject: String
    }

    /// `nil` where the provider does not tell, or not now: an account that is not known is no reason to refuse a grant.
    func account(
        of tokens: Tokens, answer: JSONObject, integration: Integration, method: AuthMethod, config: JSONObject,
        endpoints: Endpoints
    ) async -> Account? {
        guard let identity = integration.identity else { return nil }
        let facts: JSONObject?
        switch identity.source {
        case .tokenResponse: facts = answer
        case .idToken:
            if let claims = claims(of: tokens) {
                facts = claims
            } else {
                facts = await ask(identity, tokens, integration, method, config, endpoints)
            }
        case .request: facts = await ask(identity, tokens, integration, method, config, endpoints)
        }
        guard let facts else { return nil }
        let id = identity.id.compactMap { facts.text(at: $0) ?? config.text(at: $0) }
        guard !id.isEmpty, id.count == identity.id.count else { return nil }
        let label = identity.label.flatMap { facts.text(at: $0) } ?? id.joined(separator: "/")
        return Account(
            label: String(label.prefix(200)),
            subject: ([integration.id] + id).map { "\($0.utf8.count):\($0)" }.joined())
    }

    /// The claims of an ID token that came straight from the token endpoint over TLS, whose signature need not be checked
    /// (OpenID Connect Core 1.0, 3.1.3.7, item 6).
    private func claims(of tokens: Tokens) -> JSONObject? {
        tokens.idToken?.withText { jwtClaims($0) }
    }

    private func ask(
        _ identity: IdentityRequest, _ tokens: Tokens, _ integration: Integration, _ method: AuthMethod,
        _ config: JSONObject, _ endpoints: Endpoints
    ) async -> JSONObject? {
        guard let url = url(of: identity, integration, config, endpoints) else { return nil }
        var data = JSONObject()
        tokens.merge(into: &data)
        var request = EgressRequest(
            purpose: .oauth, method: identity.method, url: url,
            headers: [(name: "Accept", value: "application/json")] + identity.headers,
            body: identity.body.map { Array($0.utf8) }, timeout: .seconds(15), maxResponseSize: 256 << 10)
        let hasType = identity.headers.contains { $0.name.lowercased() == "content-type" }
        if identity.body != nil, !hasType {
            request.headers.append((name: "Content-Type", value: "application/json"))
        }
        apply(method, data: data, config: config, to: &request)
        guard let response = try? await egress.send(request), response.status == 200,
            let slice = try? JSONSlice(parsing: response.body)
        else { return nil }
        return JSONObject(slice.kind == .array ? slice.elements.first ?? slice : slice)
    }

    private func url(
        of identity: IdentityRequest, _ integration: Integration, _ config: JSONObject, _ endpoints: Endpoints
    ) -> String? {
        guard let url = identity.url else { return endpoints.userinfo }
        guard url.hasPrefix("/") else { return url }
        guard var base = integration.baseURL?.url(filledFrom: config) else { return nil }
        while base.hasSuffix("/") { base.removeLast() }
        return fillTemplate(url) { key in config.text(at: key).map(percentEncoded) }.map { base + $0 }
    }
}

/// Puts a credential into a request the way its auth method says; a bearer token where it does not say.
func apply(_ method: AuthMethod, data: JSONObject, config: JSONObject, to request: inout EgressRequest) {
    func filled(_ template: String) -> String? {
        fillTemplate(template) { key in
            data.text(at: key) ?? config.text(at: key)
                ?? method.fields.first { $0.key == key }?.defaultValue.flatMap {
                    JSONText(unchecked: Array($0.utf8)).slice.string
                }
        }
    }
    let placements =
        method.placements.isEmpty
        ? [.header(name: "Authorization", value: "Bearer {access_token}")] : method.placements
    for placement in placements {
        switch placement {
        case .header(let name, let value):
            guard let name = filled(name), let value = filled(value) else { continue }
            request.headers.append((name: name, value: value))
            request.sensitiveHeaders.append(name)
        case .query(let name, let value):
            guard let name = filled(name), let value = filled(value) else { continue }
            request.url += (request.url.contains("?") ? "&" : "?") + formEncoded([(name: name, value: value)])
        case .basic(let username, let password):
            guard let username = filled(username), let password = filled(password) else { continue }
            request.headers.append(
                (name: "Authorization", value: "Basic \(base64(Array("\(username):\(password)".utf8)))"))
        }
    }
}

/// What a JWT says, without asking who says it.
func jwtClaims(_ token: String) -> JSONObject? {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let payload = bytes(base64URL: String(parts[1])),
        let slice = try? JSONSlice(parsing: payload), slice.kind == .object
    else { return nil }
    return JSONObject(slice)
}
