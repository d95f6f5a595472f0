import Connections
import Egress
import LosslessJSON

/// Learns whose account it is that tokens belong to.
struct IdentityReader: Sendable {
    let egress: Egress

    /// `nil` where the provider does not tell, or not now: an account that is not known is no reason to refuse a grant.
    func account(
        of tokens: Tokens, answer: JSONObject, integration: Integration, method: AuthMethod, config: JSONObject,
        endpoints: Endpoints
    ) async -> ProbedAccount? {
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
        case .probe: facts = nil
        }
        return facts.flatMap { identity.account(in: $0, config: config, integration: integration.id) }
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
        let asked = identity.url.map { integration.url(of: $0, filledFrom: config) } ?? endpoints.userinfo
        guard let url = asked else { return nil }
        var data = JSONObject()
        tokens.merge(into: &data)
        var request = EgressRequest(
            asking: url, method: identity.method, headers: identity.headers, body: identity.body, purpose: .oauth,
            maxResponseSize: 256 << 10)
        request.apply(method, data: data, config: config)
        guard let response = try? await egress.send(request), response.status == 200 else { return nil }
        return IdentityRequest.facts(response.body)
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
