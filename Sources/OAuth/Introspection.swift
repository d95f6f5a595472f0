import Connections
import LosslessJSON

/// Asks a provider when a token ends that did not say so itself (RFC 7662).
struct Introspection: Sendable {
    let endpoint: TokenEndpoint

    /// `nil` where there is no such endpoint, or it does not tell.
    private func expiry(of tokens: Tokens, url: String?, client: OAuthClient?) async -> Timestamp? {
        guard let url else { return nil }
        let request = TokenEndpoint.Request(
            url: url,
            parameters: [
                (name: "token", value: tokens.accessToken.withText { $0 }),
                (name: "token_type_hint", value: "access_token"),
            ])
        guard let raw = try? await endpoint.send(request, as: client, method: OAuthMethod()), raw.status == 200,
            let slice = try? JSONSlice(parsing: raw.body)
        else { return nil }
        return Tokens.instant(JSONObject(slice)["exp"])
    }

    /// When a token ends whose answer did not say: by the provider, by the token itself if it is a JWT, or by what the
    /// integration declares. `nil` where it does not end.
    func end(
        of tokens: Tokens, method: OAuthMethod, endpoints: Endpoints, client: OAuthClient?, askedAt: Timestamp
    ) async -> Timestamp? {
        if let told = tokens.expiresAt { return told }
        return await expiry(of: tokens, url: endpoints.introspect, client: client)
            ?? tokens.accessToken.withText { Tokens.instant(jwtClaims($0)?["exp"]) }
            ?? method.lifetime.map { askedAt.advanced(bySeconds: Int64($0)) }
    }
}
