package import LosslessJSON

/// What a provider hands out. It is kept as the data of a credential, by the names of RFC 6749, 5.1.
package struct Tokens: Sendable {
    package var accessToken: Secret
    package var refreshToken: Secret?
    package var tokenType: String
    package var expiresAt: Timestamp?
    package var refreshExpiresAt: Timestamp?
    /// `nil` where the provider did not say.
    package var scopes: [String]?
    package var idToken: Secret?

    package init(
        accessToken: Secret, refreshToken: Secret?, tokenType: String = "Bearer", expiresAt: Timestamp?,
        refreshExpiresAt: Timestamp? = nil, scopes: [String]? = nil, idToken: Secret? = nil
    ) {
        self.accessToken = accessToken
        self.refreshToken = refreshToken
        self.tokenType = tokenType
        self.expiresAt = expiresAt
        self.refreshExpiresAt = refreshExpiresAt
        self.scopes = scopes
        self.idToken = idToken
    }

    /// The members of a credential's data that tokens are kept in; with any auth method that obtains tokens they may stand
    /// beside its own fields.
    package static let keys = ["access_token", "refresh_token", "token_type", "expires_at", "scope", "id_token"]

    /// Whether somebody enters tokens rather than what stands beside them.
    package static func areEntered(_ changes: JSONObject) -> Bool {
        ["access_token", "refresh_token"].contains { key in changes[key].map { !$0.isMask } ?? false }
    }

    /// Reads them from a credential's data; `nil` without an access token.
    package init?(data: JSONObject) {
        guard let accessToken = data["access_token"]?.slice.string, !accessToken.isEmpty else { return nil }
        self.init(
            accessToken: Secret(accessToken),
            refreshToken: data["refresh_token"]?.slice.string.flatMap { $0.isEmpty ? nil : Secret($0) },
            tokenType: data["token_type"]?.slice.string ?? "Bearer", expiresAt: Self.instant(data["expires_at"]),
            scopes: data["scope"]?.slice.string.map { $0.split(separator: " ").map(String.init) })
    }

    /// A moment as providers and people write it: RFC 3339, or seconds since 1970 as a number or text.
    package static func instant(_ value: JSONText?) -> Timestamp? {
        guard let value, value != .null else { return nil }
        let text = value.slice.string ?? value.string
        if let seconds = Double(text), seconds.isFinite, abs(seconds) < 1e12 {
            return Timestamp(microseconds: Int64(seconds * 1_000_000))
        }
        return Timestamp(rfc3339: text)
    }

    /// Puts them into a credential's data. A refresh token that was not given again stays (RFC 6749, 6).
    package func merge(into data: inout JSONObject) {
        accessToken.withText { data["access_token"] = JSONText($0) }
        refreshToken?.withText { data["refresh_token"] = JSONText($0) }
        data["token_type"] = JSONText(tokenType)
        data["expires_at"] = expiresAt.map { JSONText($0.rfc3339) }
    }
}

extension Secret {
    /// For the one place that must have it as text.
    package func withText<Result>(_ body: (String) throws -> Result) rethrows -> Result {
        try withBytes { try body(String(decoding: $0, as: UTF8.self)) }
    }
}
