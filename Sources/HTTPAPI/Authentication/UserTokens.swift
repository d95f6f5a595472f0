package import Connections
import JWTKit
package import Logging
import LosslessJSON

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How users' JWTs are checked. The algorithm is fixed here, never taken from a token.
package struct UserTokenConfiguration: Sendable {
    package enum Key: Sendable {
        /// HS256; at least 32 bytes.
        case secret(Secret)
        /// RS256, ES256 or EdDSA, by the kind of key.
        case publicKey(pem: String)
        /// RS256, ES256 or EdDSA, by the kind of each key in the JWK set that stands there.
        case keySet(url: String)
    }

    package enum Invalid: Error, CustomStringConvertible {
        case secretTooShort, unreadableKey, emptyIssuer, emptyAudience
        case claims(String)

        package var description: String {
            switch self {
            case .secretTooShort: "the JWT secret is shorter than 32 bytes"
            case .unreadableKey: "the JWT public key is not a PEM of an RSA, P-256 or Ed25519 key"
            case .emptyIssuer: "an issuer is required for JWTs"
            case .emptyAudience: "an audience is required for JWTs"
            case .claims(let reason): "the JWT claims mapping \(reason)"
            }
        }
    }

    let key: Key
    let issuer: String
    let audience: String
    let workspacesClaim: [String]
    let permissionsClaim: [String]

    /// `claims` is `workspaces=path.to.claim,permissions=path.to.claim`; what it leaves out keeps its default under
    /// `app_metadata`. Paths under `user_metadata` are refused: users write those themselves.
    package init(key: Key, issuer: String, audience: String, claims: String?) throws(Invalid) {
        if case .secret(let secret) = key, secret.count < 32 { throw .secretTooShort }
        guard !issuer.isEmpty else { throw .emptyIssuer }
        guard !audience.isEmpty else { throw .emptyAudience }
        self.key = key
        self.issuer = issuer
        self.audience = audience
        var paths = ["workspaces": ["app_metadata", "workspaces"], "permissions": ["app_metadata", "permissions"]]
        for entry in (claims ?? "").split(separator: ",") {
            let parts = entry.split(separator: "=", maxSplits: 1).map(\.trimmingSpaces)
            guard parts.count == 2, paths[parts[0]] != nil else {
                throw .claims("must look like workspaces=app_metadata.workspaces,permissions=app_metadata.permissions")
            }
            let path = parts[1].split(separator: ".").map(String.init)
            guard !path.isEmpty, !path.contains("user_metadata") else {
                throw .claims("names user_metadata, which users can change themselves")
            }
            paths[parts[0]] = path
        }
        workspacesClaim = paths["workspaces"] ?? []
        permissionsClaim = paths["permissions"] ?? []
    }
}

/// Turns a user's JWT into a principal.
package struct UserTokenVerifier: Sendable {
    /// What stands at a URL, in bounded time and of at most `maxKeySetSize`.
    package typealias Fetch = @Sendable (_ url: String) async throws -> [UInt8]

    /// In bytes.
    package static let maxKeySetSize = 256 << 10

    private enum Keys: Sendable {
        case one(VerificationKey)
        case issued(IssuerKeys)
    }

    private let configuration: UserTokenConfiguration
    private let keys: Keys

    private static let leewaySeconds: Int64 = 60
    /// Headers that would have the token choose its own key, or that demand an understanding which we have not.
    private static let refusedHeaders = ["jku", "jwk", "x5u", "crit"]
    /// Supabase's keys for an application itself: nobody's user.
    private static let refusedRoles = ["anon", "service_role"]

    /// A key set's first fetch begins here, and nobody waits for it. `fetch` is asked for nothing else.
    package init(
        _ configuration: UserTokenConfiguration, at now: Timestamp, logger: Logger, fetch: @escaping Fetch
    ) async throws {
        self.configuration = configuration
        switch configuration.key {
        case .secret(let secret):
            keys = .one(try await VerificationKey(HMACKey(from: secret.withBytes { Data($0) })))
        case .publicKey(let pem):
            guard let key = try await VerificationKey(pem: pem) else {
                throw UserTokenConfiguration.Invalid.unreadableKey
            }
            keys = .one(key)
        case .keySet(let url):
            keys = .issued(IssuerKeys(at: now, logger: logger) { try await fetch(url) })
        }
    }

    /// The ends of the keys that are known, where their issuer says when they end. A key from the settings has none.
    var expirations: [Expiration] {
        guard case .issued(let keys) = keys else { return [] }
        return keys.ends.map { id, end in
            Expiration(.jwtKey, of: String(id.prefix(255)), at: end, label: configuration.issuer, renewsItself: false)
        }
    }

    /// Throws a sentence that says what is wrong, and nothing of the token.
    func verify(_ token: String, at now: Timestamp) async throws -> Principal {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let claims = Self.object(parts[1]) else {
            throw APIError.unauthorized("The token is neither a known API key nor a JWT")
        }
        for name in Self.refusedHeaders where header[name] != nil {
            throw APIError.unauthorized("The JWT's header '\(name)' is not accepted")
        }
        let key = try await key(for: header, at: now)
        guard header["alg"]?.slice.string == key.algorithm else {
            throw APIError.unauthorized("The JWT must be signed with \(key.algorithm)")
        }
        guard let signature = Self.data(parts[2]), key.verifies(signature, of: token[..<parts[1].endIndex]) else {
            throw APIError.unauthorized("The JWT's signature does not verify")
        }
        return try principal(claims, at: now)
    }

    /// The one that the token has to be signed with: its header chooses no more than which of an issuer's.
    private func key(for header: JSONObject, at now: Timestamp) async throws -> VerificationKey {
        switch keys {
        case .one(let key): return key
        case .issued(let keys):
            // Checked before the kid, so that a token that no key could help has nothing fetched.
            guard let algorithm = header["alg"]?.slice.string,
                VerificationKey.publicAlgorithms.contains(algorithm)
            else {
                let names = VerificationKey.publicAlgorithms.joined(separator: ", ")
                throw APIError.unauthorized("The JWT must be signed with one of \(names)")
            }
            let id = header["kid"]?.slice
            guard id == nil || id?.kind == .string else {
                throw APIError.unauthorized("The JWT's kid must be a string")
            }
            return try await keys.key(id?.string, at: now)
        }
    }

    private func principal(_ claims: JSONObject, at now: Timestamp) throws -> Principal {
        guard claims["iss"]?.slice.string == configuration.issuer else {
            throw APIError.unauthorized("The JWT's iss is not the expected issuer")
        }
        guard Self.strings(claims["aud"])?.contains(configuration.audience) == true else {
            throw APIError.unauthorized("The JWT's aud does not name this service")
        }
        guard let subject = claims["sub"]?.slice.string, (1...255).contains(subject.utf8.count), !subject.contains("\0")
        else { throw APIError.unauthorized("The JWT needs a sub of at most 255 bytes") }
        guard let expiry = Self.seconds(claims["exp"]) else { throw APIError.unauthorized("The JWT needs an exp") }
        let seconds = now.microseconds / 1_000_000
        guard seconds < expiry + Self.leewaySeconds else { throw APIError.unauthorized("The JWT has expired") }
        if let start = claims["nbf"] {
            guard let start = Self.seconds(start), seconds >= start - Self.leewaySeconds else {
                throw APIError.unauthorized("The JWT is not valid yet")
            }
        }
        if let role = claims["role"]?.slice.string, Self.refusedRoles.contains(role) {
            throw APIError.unauthorized("A JWT with role '\(role)' is nobody's user")
        }
        let workspaces = Self.strings(Self.value(claims, at: configuration.workspacesClaim)) ?? []
        let permissions = Self.strings(Self.value(claims, at: configuration.permissionsClaim)) ?? []
        return Principal(
            identity: .user(
                subject: subject, email: claims["email"]?.slice.string,
                workspaces: workspaces.compactMap { WorkspaceID($0) }),
            permissions: Permissions(permissions.compactMap { Permission(rawValue: $0) }),
            expiresAt: Timestamp(microseconds: 0).advanced(bySeconds: expiry))
    }

    // MARK: Claims

    private static func object(_ part: Substring) -> JSONObject? {
        guard let data = data(part), let slice = try? JSONSlice(parsing: Array(data)), slice.kind == .object else {
            return nil
        }
        return JSONObject(slice)
    }

    private static func data(_ part: Substring) -> Data? {
        let padding = String(repeating: "=", count: (4 - part.count % 4) % 4)
        return Data(base64Encoded: part.replacing("-", with: "+").replacing("_", with: "/") + padding)
    }

    /// NumericDate of RFC 7519: seconds, possibly with a fraction. Past the year 9999 it is no date.
    private static func seconds(_ text: JSONText?) -> Int64? {
        guard let text, text.slice.kind == .number, let seconds = Double(text.string),
            (0...253_402_300_799).contains(seconds)
        else { return nil }
        return Int64(seconds)
    }

    private static func value(_ claims: JSONObject, at path: [String]) -> JSONText? {
        path.dropLast().reduce(claims) { JSONObject($0[$1]?.slice ?? JSONText.null.slice) }[path.last ?? ""]
    }

    private static func strings(_ text: JSONText?) -> [String]? {
        guard let slice = text?.slice else { return nil }
        return slice.string.map { [$0] } ?? (slice.kind == .array ? slice.elements.compactMap(\.string) : nil)
    }
}
