import Connections
import Egress
import LosslessJSON

extension Examination {
    /// What an error says. An answer that need not come from whom we asked, or that may pass, is no evidence.
    /// - Parameters:
    ///   - code: the provider's own, as it came.
    ///   - meanings: by code and by HTTP status.
    func refused(
        _ response: EgressResponse, code: String? = nil, meanings: [String: TestRequest.Meaning] = [:]
    ) -> Decision {
        let shown = code.flatMap(showable)
        if let meaning = code.flatMap({ meanings[$0] }) {
            return decided(meaning, status: response.status, providerCode: shown)
        }
        if response.status == 403, response.saysTooMany {
            return decided(.inconclusive, at: .http, .rateLimited, providerCode: shown)
        }
        if let meaning = meanings["\(response.status)"] {
            return decided(meaning, status: response.status, providerCode: shown)
        }
        switch response.status {
        case 401: return decided(.auth, status: 401, providerCode: shown)
        case 403 where response.isJSON || response.namesInsufficientScope:
            return decided(.scope, status: 403, providerCode: shown)
        case 429, 500...: return decided(.transient, status: response.status, providerCode: shown)
        default: return decided(.inconclusive, at: .protocol, .unexpectedAnswer, providerCode: shown)
        }
    }

    private func decided(_ meaning: TestRequest.Meaning, status: Int, providerCode: String?) -> Decision {
        switch meaning {
        case .auth: return decided(.invalid, at: .auth, .credentialRejected, providerCode: providerCode)
        case .grant:
            return decided(.invalid, at: .auth, .grantGone, providerCode: providerCode, isGrantGone: true)
        case .scope:
            var known = self
            known.authenticated()
            return known.decided(.invalid, at: .scope, .permissionDenied, providerCode: providerCode)
        case .transient:
            let reason: Reason = status == 429 ? .rateLimited : .providerError
            return decided(.inconclusive, at: .http, reason, providerCode: providerCode)
        }
    }

    /// The credential was taken, where there is one.
    mutating func authenticated() {
        if subject.credential != nil { passed(.auth) }
    }

    /// A code that looks like one, and is no piece of a secret that the other side sends back.
    func showable(_ code: String) -> String? {
        guard (1...64).contains(code.utf8.count), code.utf8.allSatisfy(Self.isCodeCharacter) else { return nil }
        return repeatsSecret(code) ? nil : code
    }

    /// Whether a text of the other side has a secret in it, or a piece of one.
    func repeatsSecret(_ text: String) -> Bool {
        let shown = target.method.fields.filter { !$0.isSecure }.map(\.key)
        let hidden = target.integration.secureConfigKeys
        let secrets =
            target.data.members.filter { !shown.contains($0.name) }
            + target.config.members.filter { hidden.contains($0.name) }
        let echo = SecretEcho(text)
        return secrets.contains { member in member.value.slice.string.map(echo.repeats) ?? false }
    }

    private static func isCodeCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension EgressResponse {
    var isSuccess: Bool { (200..<300).contains(status) }

    /// Whether the body is a JSON object or list, whatever it is called.
    var isJSON: Bool {
        guard let slice = try? JSONSlice(parsing: body) else { return false }
        return slice.kind == .object || slice.kind == .array
    }

    /// A page for people, as a portal or a proxy on the way would show.
    var isHTML: Bool {
        if header("content-type")?.lowercased().contains("html") == true { return true }
        let start = body.prefix(512).drop { [0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }
        let text = String(decoding: start, as: UTF8.self).lowercased()
        return text.hasPrefix("<!doctype html") || text.hasPrefix("<html")
    }

    /// Whether a refusal may mean that there were too many requests: RFC 9110, the IETF's RateLimit headers, and those with X-.
    var saysTooMany: Bool {
        headers.contains { header in
            let name = header.name.lowercased()
            if name == "retry-after" { return true }
            guard name.contains("ratelimit") || name.contains("rate-limit") else { return false }
            if name.hasSuffix("remaining") { return Double(header.value) == 0 }
            // RateLimit: "default";r=0;t=30, and limit=100, remaining=0, reset=30 before.
            return header.value.split { ";, ".contains($0) }.contains { $0 == "r=0" || $0 == "remaining=0" }
        }
    }

    /// RFC 6750, 3.1.
    var namesInsufficientScope: Bool {
        header("www-authenticate")?.contains("insufficient_scope") == true
    }
}
