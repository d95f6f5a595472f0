import Connections
import Crypto
import LosslessJSON

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Makes JWTs by hand, right ones and wrong ones.
struct TokenMint {
    let secret: String
    let now: Timestamp

    func token(workspaces: [String], permissions: [String] = ["read"]) -> String {
        sign(header: #"{"alg":"HS256","typ":"JWT"}"#, claims: claims(workspaces, permissions))
    }

    /// Each is wrong in one way.
    func broken(workspace: String) -> [String] {
        let good = claims([workspace], ["read"])
        let header = #"{"alg":"HS256"}"#
        func changed(_ from: String, _ to: String) -> String {
            sign(header: header, claims: good.replacing(from, with: to))
        }
        return [
            sign(header: #"{"alg":"none"}"#, claims: good),
            sign(header: #"{"alg":"HS512"}"#, claims: good),
            sign(header: #"{"alg":"HS256","jku":"https://evil"}"#, claims: good),
            sign(header: #"{"alg":"HS256","jwk":{}}"#, claims: good),
            sign(header: #"{"alg":"HS256","x5u":"https://evil"}"#, claims: good),
            sign(header: #"{"alg":"HS256","crit":["exp"]}"#, claims: good),
            sign(header: header, claims: good) + "x",
            TokenMint(secret: String(repeating: "w", count: 32), now: now).sign(header: header, claims: good),
            changed(#""exp":"#, #""old":"#),
            changed("https://issuer", "https://other"),
            changed(#""aud":"patchbay""#, #""aud":"other""#),
            changed(#""sub":"u1","#, ""),
            changed(#""role":"authenticated""#, #""role":"anon""#),
            changed(#""role":"authenticated""#, #""role":"service_role""#),
            sign(header: header, claims: good.replacing("\(expiry)", with: "\(expiry - 3_600 - 61)")),
        ]
    }

    private var expiry: Int64 { now.microseconds / 1_000_000 + 3_600 }

    private func claims(_ workspaces: [String], _ permissions: [String]) -> String {
        var metadata = JSONWriter()
        metadata.object { json in
            json.key("workspaces")
            json.strings(workspaces)
            json.key("permissions")
            json.strings(permissions)
        }
        return """
            {"iss":"https://issuer","aud":"patchbay","sub":"u1","exp":\(expiry),"role":"authenticated",\
            "app_metadata":\(metadata.text.string)}
            """
    }

    private func sign(header: String, claims: String) -> String {
        let text = "\(base64(Data(header.utf8))).\(base64(Data(claims.utf8)))"
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(text.utf8), using: SymmetricKey(data: Data(secret.utf8)))
        return "\(text).\(base64(Data(code)))"
    }

    private func base64(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
