import JWTKit
import Testing

@testable import HTTPAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Keys and signatures of the standards.
enum KeyVectors {
    static let rsaModulus = """
        ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ\
        S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2\
        R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD\
        TW9gb54h4FRWyuXpoQ
        """
    static let rsaPrivateExponent = """
        Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_G\
        O-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQl\
        BjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0\
        QU91p1DhOVRuOopznQ
        """
    static let rsa = #""kty":"RSA","n":"\#(rsaModulus)","e":"AQAB""#
    static let p256 = """
        "kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",\
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
        """
    static let ed25519 = #""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#
    /// 1,024 bits.
    static let shortModulus = """
        wlCJD5WLF5Xkr2Qj9s2pVSFpwkD1IJOSyy5A4_M9dBK9nEV80ikq6MBX6r-TuvL9VSQD2eO_CIzQzEwJ_XK-frUKN-CbGdp17TVOsRr4C00X\
        iYOW1vFZV2oxU224xTxBpbH7BT6zE3JgsQK3Mr_XOP4mSeQncI6-GzybR772VA8
        """

    private static let payload = """
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ
        """

    /// RFC 7515, A.2 and A.3; RFC 8037, A.4.
    static let signatures: [(jwk: String, text: String, signature: String)] = [
        (
            rsa, "eyJhbGciOiJSUzI1NiJ9." + payload,
            """
            cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb\
            F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383\
            LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy\
            wlVmtVrBp0igcN_IoypGlUPQGe77Rw
            """
        ),
        (
            p256, "eyJhbGciOiJFUzI1NiJ9." + payload,
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        ),
        (
            ed25519, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        ),
    ]
}

@Suite struct JSONWebKeysTests {
    @Test(arguments: KeyVectors.signatures)
    func `signatures of the standards verify`(_ jwk: String, _ text: String, _ signature: String) async throws {
        let key = try #require(try await JSONWebKeys(Array(#"{"keys":[{\#(jwk)}]}"#.utf8)).key(nil))
        let padded =
            signature.replacing("-", with: "+").replacing("_", with: "/")
            + String(repeating: "=", count: (4 - signature.utf8.count % 4) % 4)
        let bytes = try #require(Data(base64Encoded: padded))
        #expect(key.verifies(bytes, of: text[...]))
        #expect(!key.verifies(bytes, of: (text + "A")[...]))
        #expect(!key.verifies(Data(bytes.dropLast()), of: text[...]))
    }

    @Test func `the kind of a PEM's key decides its algorithm`() async throws {
        let rsa = try Insecure.RSA.PublicKey(modulus: KeyVectors.rsaModulus, exponent: "AQAB")
        let pems = [
            ("RS256", rsa.pemRepresentation), ("ES256", ES256PrivateKey().publicKey.pemRepresentation),
            ("EdDSA", try EdDSA.PrivateKey().publicKey.pemRepresentation),
        ]
        for (algorithm, pem) in pems { #expect(try await VerificationKey(pem: pem)?.algorithm == algorithm) }
        for pem in ["", "no PEM", ES384PrivateKey().publicKey.pemRepresentation] {
            #expect(try await VerificationKey(pem: pem) == nil)
        }
    }

    static let usable = [
        KeyVectors.rsa, KeyVectors.p256, KeyVectors.ed25519,
        KeyVectors.rsa + #","alg":"RS256","use":"sig","key_ops":["verify"]"#,
        KeyVectors.p256 + #","alg":"ES256","key_ops":["sign","verify"]"#,
        KeyVectors.ed25519 + #","alg":"EdDSA","x5c":["unread"],"x5u":"https://unread""#,
    ]

    @Test(arguments: usable)
    func `a key for checking signatures is used`(_ jwk: String) async throws {
        #expect(try await JSONWebKeys(Array(#"{"keys":[{\#(jwk)}]}"#.utf8)).count == 1)
    }

    static let passedOver = [
        "another algorithm of its kind": KeyVectors.rsa + #","alg":"RS512""#,
        "another padding": KeyVectors.rsa + #","alg":"PS256""#,
        "an algorithm of another kind": KeyVectors.rsa + #","alg":"HS256""#,
        "an algorithm that is no text": KeyVectors.p256 + #","alg":null"#,
        "for encryption": KeyVectors.rsa + #","use":"enc""#,
        "not for verifying": KeyVectors.p256 + #","key_ops":["sign"]"#,
        "operations that are no list": KeyVectors.p256 + #","key_ops":"verify""#,
        "a private half for all to read": KeyVectors.rsa + #","d":"\#(KeyVectors.rsaPrivateExponent)""#,
        "too short": #""kty":"RSA","n":"\#(KeyVectors.shortModulus)","e":"AQAB""#,
        "without a modulus": #""kty":"RSA","e":"AQAB""#,
        "a modulus that is no base64url": #""kty":"RSA","n":"\#(KeyVectors.rsaModulus)!","e":"AQAB""#,
        "a secret": #""kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75""#,
        "a secret that says otherwise": #""kty":"oct","alg":"RS256","k":"AyM1SysPpbyDfgZld3umj1qz","e":"AQAB""#,
        "another curve": KeyVectors.p256.replacing("P-256", with: "P-384"),
        "no point of its curve": KeyVectors.p256.replacing("x_FEz", with: "x_FEy"),
        "a curve for agreeing on keys": KeyVectors.ed25519.replacing("Ed25519", with: "X25519"),
        "an unknown kind": #""kty":"AKP","pub":"AAAA""#,
        "no kind": #""crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#,
    ]

    @Test(arguments: passedOver)
    func `any other key is passed over`(_ what: String, _ jwk: String) async throws {
        await #expect(throws: JSONWebKeys.Unusable.noUsableKey) {
            try await JSONWebKeys(Array(#"{"keys":[{\#(jwk)}]}"#.utf8))
        }
        let both = #"{"keys":[{"kid":"a",\#(jwk)},{"kid":"a",\#(KeyVectors.p256)}]}"#
        let beside = try await JSONWebKeys(Array(both.utf8))
        #expect(beside.count == 1)
        #expect(try beside.key("a")?.algorithm == "ES256")
    }

    static let noSets = [
        "", "<html></html>", "[]", "{}", #"{"keys":null}"#, #"{"keys":{}}"#, "{\(KeyVectors.rsa)}",
        #"{"keys":[{\#(KeyVectors.rsa)}]"#,
        #"{"keys":[{\#(KeyVectors.rsa)}],"pad":"\#(String(repeating: "x", count: 256 << 10))"}"#,
    ]

    @Test(arguments: noSets.indices)
    func `what is no key set is refused`(_ index: Int) async {
        await #expect(throws: JSONWebKeys.Unusable.notAKeySet) { try await JSONWebKeys(Array(Self.noSets[index].utf8)) }
    }

    @Test(arguments: [#"{"keys":[]}"#, #"{"keys":[null,7,"key",[]]}"#])
    func `a set without a key is refused`(_ text: String) async {
        await #expect(throws: JSONWebKeys.Unusable.noUsableKey) { try await JSONWebKeys(Array(text.utf8)) }
    }
}
