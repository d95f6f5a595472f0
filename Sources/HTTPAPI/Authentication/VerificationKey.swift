import Connections
import JWTKit

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A key and the one algorithm that it is used with, which follows from its kind: what a token says chooses nothing.
struct VerificationKey: Sendable {
    private let signer: any JWTAlgorithm

    /// Those of public keys.
    static let publicAlgorithms = ["RS256", "ES256", "EdDSA"]

    /// As a JWT's `alg` names it.
    var algorithm: String { signer.name }

    init(_ key: HMACKey) async throws {
        signer = try await JWTKeyCollection().add(hmac: key, digestAlgorithm: .sha256).getKey()
    }

    init(_ key: Insecure.RSA.PublicKey) async throws {
        signer = try await JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256).getKey()
    }

    init(_ key: ES256PublicKey) async throws {
        signer = try await JWTKeyCollection().add(ecdsa: key).getKey()
    }

    init(_ key: EdDSA.PublicKey) async throws {
        signer = try await JWTKeyCollection().add(eddsa: key).getKey()
    }

    /// `nil` unless it is an RSA key of 2048 bits or more, a P-256 or an Ed25519 key.
    init?(pem: String) async throws {
        if let key = try? Insecure.RSA.PublicKey(pem: pem) {
            try await self.init(key)
        } else if let key = try? ES256PublicKey(pem: pem) {
            try await self.init(key)
        } else if let key = try? EdDSA.PublicKey(pem: pem) {
            try await self.init(key)
        } else {
            return nil
        }
    }

    func verifies(_ signature: Data, of text: Substring) -> Bool {
        (try? signer.verify(signature, signs: Data(text.utf8))) == true
    }
}
