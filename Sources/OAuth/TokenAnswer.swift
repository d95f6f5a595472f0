import Connections
import LosslessJSON

/// What a token endpoint answered, as it came. It is kept sealed before anybody looks into it, so that a crash while parsing,
/// or a bug there, loses nothing.
struct RawAnswer: Sendable {
    let status: Int
    let body: [UInt8]
    /// When the request was sent: lifetimes count from there.
    let askedAt: Timestamp

    init(status: Int, body: [UInt8], askedAt: Timestamp) {
        self.status = status
        self.body = body
        self.askedAt = askedAt
    }

    /// One line in front of the body.
    var bytes: [UInt8] { Array("\(status) \(askedAt.microseconds)\n".utf8) + body }

    init?(_ bytes: [UInt8]) {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let parts = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
        guard parts.count == 2, let status = Int(parts[0]), let asked = Int64(parts[1]) else { return nil }
        self.init(
            status: status, body: Array(bytes[(end + 1)...]), askedAt: Timestamp(microseconds: asked))
    }
}

/// What an answer means.
enum TokenOutcome: Sendable {
    case granted(Tokens, answer: JSONObject)
    case refused(TokenRefusal)
}

struct TokenRefusal: Error, Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// The grant is gone; only its owner can give a new one.
        case grant
        /// The provider does not take the app; the grants are not to blame.
        case app
        /// Everything else: it may pass.
        case transient
    }

    let kind: Kind
    /// A word of ours or a provider's that looks like one; never a provider's sentence.
    let code: String
    let httpStatus: Int?

    init(_ kind: Kind, _ code: String, httpStatus: Int? = nil) {
        self.kind = kind
        self.code = code
        self.httpStatus = httpStatus
    }
}

extension TokenRefusal {
    /// Whether the provider may have spent the token although this answer gives no other: a success that cannot be read, and for
    /// those who punish a second use a failure behind the door.
    func mayHaveSpent(reuse: OAuthMethod.Reuse) -> Bool {
        guard kind == .transient, let httpStatus else { return false }
        if (200..<300).contains(httpStatus) {
            return ["answer_not_json", "no_access_token", "malformed_access_token"].contains(code)
        }
        return reuse == .punish && httpStatus >= 500
    }
}

extension TokenOutcome {
    /// Reads an answer by the method's data. It never trusts the status line: there are providers that refuse with 200.
    init(_ raw: RawAnswer, method: OAuthMethod) {
        guard let slice = try? JSONSlice(parsing: raw.body), slice.kind == .object else {
            self = .refused(TokenRefusal(.transient, "answer_not_json", httpStatus: raw.status))
            return
        }
        let answer = JSONObject(slice)
        if let code = Self.errorCode(in: answer, status: raw.status, method: method) {
            let code = method.errorCodes.first { $0.code == code }?.means ?? code
            let isGone =
                method.goneWhen.map { answer.text(at: $0.path)?.contains($0.contains) ?? false } ?? false
            self = .refused(
                isGone
                    ? TokenRefusal(.grant, "invalid_grant", httpStatus: raw.status)
                    : TokenRefusal(Self.kind(of: code), code, httpStatus: raw.status))
            return
        }
        guard (200..<300).contains(raw.status) else {
            self = .refused(TokenRefusal(.transient, "http_\(raw.status)", httpStatus: raw.status))
            return
        }
        guard let access = answer.text(at: method.response.accessToken), !access.isEmpty else {
            self = .refused(TokenRefusal(.transient, "no_access_token", httpStatus: raw.status))
            return
        }
        // RFC 6749, appendix A.12: anything else would break the header that it is sent in.
        guard access.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            self = .refused(TokenRefusal(.transient, "malformed_access_token", httpStatus: raw.status))
            return
        }
        let paths = method.response
        let refresh = answer.text(at: paths.refreshToken).flatMap { $0.isEmpty ? nil : Secret($0) }
        self = .granted(
            Tokens(
                accessToken: Secret(access), refreshToken: refresh,
                tokenType: answer.text(at: paths.tokenType).flatMap(Self.word) ?? "Bearer",
                expiresAt: Self.seconds(answer.value(at: paths.expiresIn)).map { raw.askedAt.advanced(bySeconds: $0) }
                    ?? Tokens.instant(answer.value(at: paths.expiresAt)),
                refreshExpiresAt: Self.seconds(answer.value(at: paths.refreshExpiresIn)).map {
                    raw.askedAt.advanced(bySeconds: $0)
                },
                scopes: Self.scopes(answer.value(at: paths.scope), separator: method.scopeSeparator),
                idToken: answer.text(at: "id_token").map { Secret($0) }),
            answer: answer)
    }

    // MARK: Refusals

    private static let grantCodes: Set<String> = [
        "invalid_grant", "bad_refresh_token", "invalid_refresh_token", "expired_refresh_token", "token_revoked",
        "token_expired", "access_denied", "consent_required", "interaction_required", "login_required",
    ]
    private static let appCodes: Set<String> = [
        "invalid_client", "unauthorized_client", "incorrect_client_credentials", "bad_client_secret",
        "invalid_client_id", "bad_client_id", "application_suspended",
    ]

    private static func kind(of code: String) -> TokenRefusal.Kind {
        if grantCodes.contains(code) { return .grant }
        return appCodes.contains(code) ? .app : .transient
    }

    private static func errorCode(in answer: JSONObject, status: Int, method: OAuthMethod) -> String? {
        let value = answer.value(at: method.response.error)
        let isRefused =
            method.errorCondition.map { answer.value(at: $0.path).map { $0.slice.string ?? $0.string } == $0.equals }
            ?? false
        guard let value, value != .null, value.string != "false" else { return isRefused ? "refused" : nil }
        // Some wrap the code in an object of their own.
        let object = JSONObject(value.slice)
        let code =
            value.slice.string
            ?? ["code", "type", "error", "status"].lazy.compactMap { object[$0]?.slice.string }.first ?? ""
        // An answer with a token in it and an empty error is a success.
        if code.isEmpty, value.slice.string != nil, !isRefused { return nil }
        return word(code) ?? "unrecognised_error"
    }

    /// A provider's word, if it looks like one: it is shown and kept, and must carry no token and no text.
    static func word(_ text: String) -> String? {
        guard (1...48).contains(text.utf8.count),
            text.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            })
        else { return nil }
        return text
    }

    // MARK: Values

    /// Ten years, past which a lifetime is somebody's mistake.
    private static let longest = 315_360_000.0

    private static func seconds(_ value: JSONText?) -> Int64? {
        guard let value, value != .null, let number = Double(value.slice.string ?? value.string), number >= 0 else {
            return nil
        }
        return Int64(min(number, longest))
    }

    private static func scopes(_ value: JSONText?, separator: String) -> [String]? {
        guard let value, value != .null else { return nil }
        if value.slice.kind == .array { return value.slice.elements.compactMap(\.string) }
        guard let text = value.slice.string else { return nil }
        // Some ask for scopes in one form and answer in another.
        return text.split { $0 == " " || $0 == "," || String($0) == separator }.map(String.init)
    }
}
