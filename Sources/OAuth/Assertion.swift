import Connections
import JWTKit
import LosslessJSON

/// Signs the statement that stands for a credential (RFC 7523; GitHub Apps).
enum AssertionSigner {
    /// - Parameter value: a field of the credential or a key of the config, by name.
    static func sign(
        _ assertion: OAuthMethod.Assertion, audience: String, at now: Timestamp, id: String,
        value: (String) -> String?
    ) async throws -> String {
        func filled(_ template: String?) throws -> String? {
            guard let template else { return nil }
            guard let text = fillTemplate(template, from: value) else {
                throw GrantProblem(.notInstalled, "assertion_field_missing")
            }
            return text
        }
        let seconds = now.microseconds / 1_000_000
        var claims: [String: Claims.Value] = [
            "iss": .text(try filled(assertion.issuer) ?? ""), "aud": .text(try filled(assertion.audience) ?? audience),
            // A minute back, since providers' clocks differ.
            "iat": .number(seconds - 60), "exp": .number(seconds - 60 + Int64(assertion.lifetime)),
        ]
        // Optional parts that nobody entered are left out.
        if let subject = assertion.subject, let text = fillTemplate(subject, from: value), !text.isEmpty {
            claims["sub"] = .text(text)
        }
        if assertion.use == .assertion { claims["jti"] = .text(id) }
        for claim in assertion.claims {
            if let text = fillTemplate(claim.value, from: value), !text.isEmpty { claims[claim.name] = .text(text) }
        }
        let keys = JWTKeyCollection()
        guard let pem = try filled(assertion.key) else { throw GrantProblem(.notInstalled, "assertion_key_missing") }
        // Keys are pasted out of JSON files, where line ends are written as two characters.
        let key = pem.replacing("\\n", with: "\n")
        do {
            switch assertion.algorithm {
            case .rs256: await keys.add(rsa: try Insecure.RSA.PrivateKey(pem: key), digestAlgorithm: .sha256)
            case .es256: await keys.add(ecdsa: try ES256PrivateKey(pem: key))
            case .hs256: await keys.add(hmac: HMACKey(from: key), digestAlgorithm: .sha256)
            }
            var header = JWTHeader()
            if let keyID = assertion.keyID.flatMap({ fillTemplate($0, from: value) }), !keyID.isEmpty {
                header.kid = keyID
            }
            header.typ = "JWT"
            return try await keys.sign(Claims(values: claims), header: header)
        } catch let problem as GrantProblem {
            throw problem
        } catch {
            throw GrantProblem(.needsReauthorization, "assertion_key_unusable")
        }
    }

    private struct Claims: JWTPayload {
        enum Value: Encodable, Sendable {
            case text(String)
            case number(Int64)

            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                switch self {
                case .text(let text): try container.encode(text)
                case .number(let number): try container.encode(number)
                }
            }
        }

        let values: [String: Value]

        init(values: [String: Value]) { self.values = values }

        /// Never read: this side only signs.
        init(from decoder: any Decoder) throws {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "write only"))
        }

        func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }

        func verify(using _: some JWTAlgorithm) async throws {}
    }
}
