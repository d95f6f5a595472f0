import Crypto
import LosslessJSON

/// Signs what a provider signs, with keys that follow from the seed.
struct Signer: Sendable {
    static let keyID = "simulator-1"

    /// Access tokens are for nobody else to check, and HMAC gives the same token for the same claims.
    private let accessTokenKey: SymmetricKey
    private let idTokenKey: P256.Signing.PrivateKey

    init(seed: UInt64) {
        accessTokenKey = SymmetricKey(data: Self.derive(seed, "access tokens"))
        idTokenKey = Self.privateKey(seed)
    }

    // MARK: ID tokens

    func idToken(_ claims: (inout JSONWriter) -> Void) -> String {
        let input = Self.signingInput(algorithm: "ES256", claims)
        // Signing fails only where the library has no memory or no randomness left.
        guard let signature = try? idTokenKey.signature(for: Array(input.utf8)) else { return "" }
        return input + "." + Base64.urlEncode(signature.rawRepresentation)
    }

    /// The affine coordinates as a JWK has them.
    var publicKey: (x: String, y: String) {
        let raw = idTokenKey.publicKey.rawRepresentation
        return (Base64.urlEncode(raw.prefix(32)), Base64.urlEncode(raw.suffix(32)))
    }

    // MARK: Access tokens

    func accessToken(_ claims: (inout JSONWriter) -> Void) -> String {
        let input = Self.signingInput(algorithm: "HS256", claims)
        return input + "." + Base64.urlEncode(code(input))
    }

    /// The token that the books know: a JWT of ours carries it as `jti`, anything else is itself.
    func booked(_ token: String) -> String? {
        guard let dot = token.lastIndex(of: ".") else { return token }
        let input = token[..<dot]
        guard token[token.index(after: dot)...] == Base64.urlEncode(code(input)) else { return nil }
        return JWT(token)?.claims["jti"]
    }

    private func code(_ input: some StringProtocol) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Array(input.utf8), using: accessTokenKey)
    }

    // MARK: Both

    private static func signingInput(algorithm: String, _ claims: (inout JSONWriter) -> Void) -> String {
        var header = JSONWriter(capacity: 64)
        header.object { writer in
            writer.key("alg")
            writer.value(algorithm)
            writer.key("kid")
            writer.value(keyID)
            writer.key("typ")
            writer.value("JWT")
        }
        var payload = JSONWriter()
        payload.object(claims)
        return Base64.urlEncode(header.bytes) + "." + Base64.urlEncode(payload.bytes)
    }

    private static func derive(_ seed: UInt64, _ purpose: String) -> [UInt8] {
        Array(SHA256.hash(data: Array("patchbay simulate, \(purpose), \(seed)".utf8)))
    }

    /// One digest in 2³² is no scalar of P-256; the next is taken then.
    private static func privateKey(_ seed: UInt64) -> P256.Signing.PrivateKey {
        var attempt = 0
        while true {
            if let key = try? P256.Signing.PrivateKey(rawRepresentation: derive(seed, "ID tokens \(attempt)")) {
                return key
            }
            attempt += 1
        }
    }
}

/// A JWT's claims, read without checking its signature.
struct JWT {
    let claims: Fields

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[2].isEmpty, Self.object(parts[0]) != nil, let claims = Self.object(parts[1])
        else {
            return nil
        }
        self.claims = Fields(claims)
    }

    private static func object(_ part: Substring) -> JSONSlice? {
        guard let bytes = Base64.urlDecode(part), let slice = try? JSONSlice(parsing: bytes), slice.kind == .object
        else { return nil }
        return slice
    }
}
