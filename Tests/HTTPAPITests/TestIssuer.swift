import Connections
import JWTKit
import Logging
import Synchronization

@testable import HTTPAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An issuer in memory: what it publishes can be changed, its answers can be held up, and it counts who asks.
final class TestIssuer: Sendable {
    struct Unreachable: Error {}

    private struct State: Sendable {
        /// `nil` while it cannot be reached.
        var answer: [UInt8]?
        var fetches = 0
        var isHeld = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var fetches: Int { state.withLock { $0.fetches } }

    func publish(_ keys: IssuerKey...) {
        publish(#"{"keys":[\#(keys.map(\.jwk).joined(separator: ","))]}"#)
    }

    func publish(_ text: String?) {
        state.withLock { $0.answer = text.map { Array($0.utf8) } }
    }

    func hold() {
        state.withLock { $0.isHeld = true }
    }

    func release() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.isHeld = false
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    @Sendable func answer(_ url: String) async throws -> [UInt8] {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                state.fetches += 1
                if state.isHeld { state.waiting.append(continuation) }
                return !state.isHeld
            }
            if goesOn { continuation.resume() }
        }
        guard let answer = state.withLock({ $0.answer }) else { throw Unreachable() }
        return answer
    }
}

/// A key pair, whose public half is written as a JWK.
struct IssuerKey: Sendable {
    let id: String?
    let algorithm: String
    let jwk: String
    private let signer: any JWTAlgorithm

    static func es256(_ id: String?) async throws -> IssuerKey {
        let key = ES256PrivateKey()
        let (x, y) = key.parameters ?? ("", "")
        return try await IssuerKey(
            id, "ES256", #""kty":"EC","crv":"P-256","x":"\#(urlSafe(x))","y":"\#(urlSafe(y))""#,
            JWTKeyCollection().add(ecdsa: key).getKey())
    }

    static func edDSA(_ id: String?) async throws -> IssuerKey {
        let key = try EdDSA.PrivateKey()
        let x = key.publicKey.rawRepresentation.base64EncodedString()
        return try await IssuerKey(
            id, "EdDSA", #""kty":"OKP","crv":"Ed25519","x":"\#(urlSafe(x))""#,
            JWTKeyCollection().add(eddsa: key).getKey())
    }

    /// The one of RFC 7515, A.2, since making one takes long.
    static func rs256(_ id: String?) async throws -> IssuerKey {
        let key = try Insecure.RSA.PrivateKey(
            modulus: KeyVectors.rsaModulus, exponent: "AQAB", privateExponent: KeyVectors.rsaPrivateExponent)
        return try await IssuerKey(
            id, "RS256", #""kty":"RSA","n":"\#(KeyVectors.rsaModulus)","e":"AQAB""#,
            JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256).getKey())
    }

    /// A secret: nothing that an issuer may publish for this.
    static func hs256(_ id: String?, secret: String) async throws -> IssuerKey {
        try await IssuerKey(
            id, "HS256", #""kty":"oct","k":"\#(urlSafe(Data(secret.utf8).base64EncodedString()))""#,
            JWTKeyCollection().add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256).getKey())
    }

    private init(_ id: String?, _ algorithm: String, _ members: String, _ signer: any JWTAlgorithm) {
        self.id = id
        self.algorithm = algorithm
        self.signer = signer
        jwk = "{" + (id.map { #""kid":"\#($0)","# } ?? "") + members + "}"
    }

    /// A good token in all but what `header` says.
    func token(header: String? = nil, at now: Timestamp) throws -> String {
        let kid = id.map { #","kid":"\#($0)""# } ?? ""
        let header = header ?? #"{"alg":"\#(algorithm)"\#(kid)}"#
        let claims =
            #"{"iss":"https://issuer","aud":"patchbay","sub":"u1","exp":\#(now.microseconds / 1_000_000 + 86_400)}"#
        let text = [header, claims].map { Self.urlSafe(Data($0.utf8).base64EncodedString()) }.joined(separator: ".")
        return text + "." + Self.urlSafe(Data(try signer.sign(Data(text.utf8))).base64EncodedString())
    }

    private static func urlSafe(_ base64: String) -> String {
        base64.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

extension UserTokenVerifier {
    /// With a key of its own: it has nothing to fetch.
    init(_ configuration: UserTokenConfiguration) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try await self.init(configuration, at: Timestamp(microseconds: 0), logger: logger) { _ in
            throw TestIssuer.Unreachable()
        }
    }
}
