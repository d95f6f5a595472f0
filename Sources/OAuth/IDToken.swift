import Connections
import LosslessJSON

/// What an ID token must say before anything in it is believed (OpenID Connect Core 1.0, 3.1.3.7). It came straight from the
/// token endpoint over TLS, so that its signature need not be checked (item 6).
struct IDTokenCheck {
    let issuer: String?
    let clientID: String
    /// `nil` where none was sent.
    let nonce: String?
    let now: Timestamp

    /// Seconds that a provider's clock may be off.
    private static let leeway: Int64 = 300

    func passes(_ token: String) -> Bool {
        guard let claims = jwtClaims(token), claims.text(at: "sub")?.isEmpty == false else { return false }
        if let issuer, claims.text(at: "iss") != issuer { return false }
        guard audience(of: claims).contains(clientID) else { return false }
        guard claims.text(at: "nonce") == nonce || (nonce == nil && claims["nonce"] == nil) else { return false }
        guard let end = Tokens.instant(claims["exp"]) else { return false }
        return end.advanced(bySeconds: Self.leeway) > now
    }

    private func audience(of claims: JSONObject) -> [String] {
        guard let value = claims["aud"] else { return [] }
        return value.slice.string.map { [$0] } ?? value.slice.elements.compactMap(\.string)
    }
}
