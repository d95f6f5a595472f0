import Connections
import JWTKit
import LosslessJSON

/// The usable keys of a JWK set (RFC 7517). What it holds besides is passed over, as an issuer may have more uses for it.
struct JSONWebKeys: Sendable {
    enum Unusable: Error, CustomStringConvertible {
        case notAKeySet, noUsableKey

        var description: String {
            switch self {
            case .notAKeySet: "the answer is not a JWK set of at most 256 KiB"
            case .noUsableKey: "the JWK set has no key for RS256, ES256 or EdDSA signatures"
            }
        }
    }

    private let byID: [String: VerificationKey]
    /// The one key of a set that has no other: it needs no `kid`.
    private let only: VerificationKey?

    let count: Int
    var ids: Set<String> { Set(byID.keys) }
    /// When keys end whose issuer says so, in the member `exp` that RFC 7517 leaves to it; by `kid`.
    let ends: [String: Timestamp]

    /// Of two keys with one `kid` the first counts. Throws `Unusable` rather than being empty.
    init(_ text: [UInt8]) async throws {
        guard let set = try? JSONSlice(parsing: text, limits: JSONLimits(size: UserTokenVerifier.maxKeySetSize)),
            let list = JSONObject(set)["keys"]?.slice, list.kind == .array
        else { throw Unusable.notAKeySet }
        var keys: [VerificationKey] = []
        var byID: [String: VerificationKey] = [:]
        var ends: [String: Timestamp] = [:]
        for element in list.elements where element.kind == .object {
            let jwk = JSONObject(element)
            guard let key = try await VerificationKey(jwk) else { continue }
            keys.append(key)
            guard let id = jwk["kid"]?.slice.string, byID[id] == nil else { continue }
            byID[id] = key
            ends[id] = Self.end(of: jwk)
        }
        guard let first = keys.first else { throw Unusable.noUsableKey }
        self.byID = byID
        self.ends = ends
        only = keys.count == 1 ? first : nil
        count = keys.count
    }

    /// Seconds since 1970, as in a token.
    private static func end(of jwk: JSONObject) -> Timestamp? {
        guard let value = jwk["exp"], value.slice.kind == .number, let seconds = Double(value.string),
            (0...253_402_300_799).contains(seconds)
        else { return nil }
        return Timestamp(microseconds: 0).advanced(bySeconds: Int64(seconds))
    }

    /// `nil` when no key has the id. Without an id throws `APIError`, unless there is but one key.
    func key(_ id: String?) throws -> VerificationKey? {
        if let id { return byID[id] }
        guard let only else { throw APIError.unauthorized("The JWT needs a kid, as its issuer has several keys") }
        return only
    }
}

extension VerificationKey {
    /// `nil` for a key that is not meant for checking signatures by its kind's algorithm, that is too short, or whose
    /// private half is there for all to read.
    fileprivate init?(_ jwk: JSONObject) async throws {
        func text(_ name: String) -> String? { jwk[name]?.slice.string }
        switch (text("kty"), text("crv")) {
        case ("RSA", _):
            guard let modulus = text("n"), let exponent = text("e"),
                let key = try? Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent)
            else { return nil }
            try await self.init(key)
        case ("EC", "P-256"):
            guard let x = text("x"), let y = text("y"), let key = try? ES256PublicKey(parameters: (x, y)) else {
                return nil
            }
            try await self.init(key)
        case ("OKP", "Ed25519"):
            guard let x = text("x"), let key = try? EdDSA.PublicKey(x: x, curve: .ed25519) else { return nil }
            try await self.init(key)
        default: return nil
        }
        guard jwk["d"] == nil, jwk["alg"] == nil || text("alg") == algorithm,
            jwk["use"] == nil || text("use") == "sig",
            jwk["key_ops"]?.slice.elements.contains(where: { $0.string == "verify" }) ?? true
        else { return nil }
    }
}
