import Connections

@testable import OAuth

extension TokenOutcomeTests {
    /// Ten years.
    private static let longest: Int64 = 315_360_000

    static let successes: [Success] = [
        Success(
            testDescription: "RFC 6749, 5.1",
            body: #"{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","scope":"x y"}"#,
            refresh: "r", expires: 3_600, scopes: ["x", "y"]),
        Success(testDescription: "nothing but a token", body: #"{"access_token":"a"}"#),
        Success(
            testDescription: "a token that is a number", body: #"{"access_token":12345678901234567890}"#,
            access: "12345678901234567890"),
        Success(testDescription: "an empty refresh token is none", body: #"{"access_token":"a","refresh_token":""}"#),
        Success(testDescription: "a refresh token that is null", body: #"{"access_token":"a","refresh_token":null}"#),
        Success(testDescription: "a type of its own", body: #"{"access_token":"a","token_type":"bot"}"#, type: "bot"),
        Success(
            testDescription: "a type that is no word", body: #"{"access_token":"a","token_type":"Bearer\r\nX: y"}"#),
        Success(testDescription: "an empty error", body: #"{"access_token":"a","error":""}"#),
        Success(testDescription: "an error that is null", body: #"{"access_token":"a","error":null}"#),
        Success(testDescription: "an error that is false", body: #"{"access_token":"a","error":false}"#),
        Success(
            testDescription: "the condition of an error, not met", body: #"{"ok":true,"access_token":"a"}"#,
            method: { $0.errorCondition = OAuthMethod.ErrorCondition(path: "ok", equals: "false") }),

        // Lifetimes
        Success(
            testDescription: "expires_in as text", body: #"{"access_token":"a","expires_in":"3600"}"#, expires: 3_600),
        Success(
            testDescription: "expires_in with a fraction", body: #"{"access_token":"a","expires_in":59.9}"#,
            expires: 59),
        Success(testDescription: "expires_in of 0", body: #"{"access_token":"a","expires_in":0}"#, expires: 0),
        Success(testDescription: "expires_in below 0", body: #"{"access_token":"a","expires_in":-1}"#),
        Success(testDescription: "expires_in that is null", body: #"{"access_token":"a","expires_in":null}"#),
        Success(testDescription: "expires_in that is no number", body: #"{"access_token":"a","expires_in":"soon"}"#),
        Success(testDescription: "expires_in that is nan", body: #"{"access_token":"a","expires_in":"nan"}"#),
        Success(
            testDescription: "expires_in past every number", body: #"{"access_token":"a","expires_in":1e400}"#,
            expires: longest),
        Success(
            testDescription: "expires_in of a thousand years",
            body: #"{"access_token":"a","expires_in":31536000000}"#, expires: longest),
        Success(
            testDescription: "expires_at in seconds", body: #"{"access_token":"a","expires_at":1767225660}"#,
            expires: 60),
        Success(
            testDescription: "expires_at as text", body: #"{"access_token":"a","expires_at":"1767225660"}"#,
            expires: 60),
        Success(
            testDescription: "expires_at in RFC 3339",
            body: #"{"access_token":"a","expires_at":"2026-01-01T01:01:00+01:00"}"#, expires: 60),
        Success(testDescription: "expires_at that is no time", body: #"{"access_token":"a","expires_at":"later"}"#),
        Success(
            testDescription: "expires_in goes before expires_at",
            body: #"{"access_token":"a","expires_in":5,"expires_at":1767225660}"#, expires: 5),
        Success(
            testDescription: "the life of a refresh token",
            body: #"{"access_token":"a","refresh_token":"r","refresh_token_expires_in":"86400"}"#, refresh: "r",
            refreshExpires: 86_400),

        // Scopes
        Success(testDescription: "no scope at all", body: #"{"access_token":"a","scope":""}"#, scopes: []),
        Success(
            testDescription: "scopes with commas", body: #"{"access_token":"a","scope":"x,y, z"}"#,
            scopes: ["x", "y", "z"]),
        Success(
            testDescription: "scopes as an array", body: #"{"access_token":"a","scope":["x","y"]}"#,
            scopes: ["x", "y"]),
        Success(
            testDescription: "scopes with a separator of its own", body: #"{"access_token":"a","scope":"x;y"}"#,
            method: { $0.scopeSeparator = ";" }, scopes: ["x", "y"]),
        Success(testDescription: "a scope that is null", body: #"{"access_token":"a","scope":null}"#),

        // Paths
        Success(
            testDescription: "a user's token inside a bot's answer",
            body: #"{"ok":true,"access_token":"bot","authed_user":{"access_token":"u","scope":"x","expires_in":9}}"#,
            method: { method in
                method.response.accessToken = "authed_user.access_token"
                method.response.scope = "authed_user.scope"
                method.response.expiresIn = "authed_user.expires_in"
            }, access: "u", expires: 9, scopes: ["x"]),
        Success(
            testDescription: "a path into an array", body: #"{"tokens":[{"v":"first"},{"v":"second"}]}"#,
            method: { $0.response.accessToken = "tokens.1.v" }, access: "second"),
    ]

    static let refusals: [Refusal] = [
        Refusal(
            testDescription: "RFC 6749, 5.2", body: #"{"error":"invalid_grant","error_description":"gone"}"#,
            kind: .grant, code: "invalid_grant"),
        Refusal(
            testDescription: "a grant revoked", body: #"{"error":"token_revoked"}"#, kind: .grant,
            code: "token_revoked"),
        Refusal(
            testDescription: "an unknown client", body: #"{"error":"invalid_client"}"#, status: 401, kind: .app,
            code: "invalid_client"),
        Refusal(
            testDescription: "an unauthorized client", body: #"{"error":"unauthorized_client"}"#, kind: .app,
            code: "unauthorized_client"),
        Refusal(
            testDescription: "a code that is neither's fault", body: #"{"error":"temporarily_unavailable"}"#,
            status: 503, kind: .transient, code: "temporarily_unavailable"),
        Refusal(
            testDescription: "a malformed request says nothing of the grant", body: #"{"error":"invalid_request"}"#,
            kind: .transient, code: "invalid_request"),
        Refusal(
            testDescription: "200 with an error", body: #"{"error":"bad_refresh_token"}"#, status: 200,
            kind: .grant, code: "bad_refresh_token"),
        Refusal(
            testDescription: "200 with an error beside a token", body: #"{"access_token":"a","error":"invalid_grant"}"#,
            status: 200, kind: .grant, code: "invalid_grant"),
        Refusal(
            testDescription: "200 that says it is none", body: #"{"ok":false,"error":"internal_error"}"#,
            status: 200, method: { $0.errorCondition = OAuthMethod.ErrorCondition(path: "ok", equals: "false") },
            kind: .transient, code: "internal_error"),
        Refusal(
            testDescription: "200 that says it is none, and not why", body: #"{"ok":false,"access_token":"a"}"#,
            status: 200, method: { $0.errorCondition = OAuthMethod.ErrorCondition(path: "ok", equals: "false") },
            kind: .transient, code: "refused"),
        Refusal(
            testDescription: "a condition on text", body: #"{"status":"fail","access_token":"a"}"#, status: 200,
            method: { $0.errorCondition = OAuthMethod.ErrorCondition(path: "status", equals: "fail") },
            kind: .transient, code: "refused"),
        Refusal(
            testDescription: "an error in an object", body: #"{"error":{"code":"invalid_grant","message":"m"}}"#,
            kind: .grant, code: "invalid_grant"),
        Refusal(
            testDescription: "an error by type", body: #"{"error":{"type":"invalid_client"}}"#, kind: .app,
            code: "invalid_client"),
        Refusal(
            testDescription: "an error at a path of its own", body: #"{"fault":{"code":"invalid_grant"}}"#,
            method: { $0.response.error = "fault.code" }, kind: .grant, code: "invalid_grant"),
        Refusal(
            testDescription: "a code of its own for a dead grant", body: #"{"error":"session_over"}"#,
            method: { $0.errorCodes = [(code: "session_over", means: "invalid_grant")] }, kind: .grant,
            code: "invalid_grant"),
        Refusal(
            testDescription: "a dead grant by its text",
            body: #"{"error":"invalid_request","error_description":"Token has been revoked by the user"}"#,
            method: { $0.goneWhen = (path: "error_description", contains: "revoked") }, kind: .grant,
            code: "invalid_grant"),

        // Words
        Refusal(
            testDescription: "a sentence is no word", body: #"{"error":"Your token xoxe-123 is dead"}"#,
            kind: .transient, code: "unrecognised_error"),
        Refusal(
            testDescription: "a long code is no word",
            body: #"{"error":"\#(String(repeating: "a", count: 49))"}"#, kind: .transient,
            code: "unrecognised_error"),
        Refusal(
            testDescription: "a code beyond ASCII", body: #"{"error":"inválido"}"#, kind: .transient,
            code: "unrecognised_error"),
        Refusal(
            testDescription: "an error that is a number", body: #"{"error":42}"#, kind: .transient,
            code: "unrecognised_error"),

        // Not even that
        Refusal(
            testDescription: "a page", body: "<html>503</html>", status: 200, kind: .transient,
            code: "answer_not_json"),
        Refusal(testDescription: "nothing", body: "", status: 502, kind: .transient, code: "answer_not_json"),
        Refusal(testDescription: "an array", body: "[]", status: 200, kind: .transient, code: "answer_not_json"),
        Refusal(testDescription: "a status alone", body: "{}", status: 500, kind: .transient, code: "http_500"),
        Refusal(
            testDescription: "a token under a status of failure", body: #"{"access_token":"a"}"#, status: 500,
            kind: .transient, code: "http_500"),
        Refusal(testDescription: "a redirect", body: "{}", status: 302, kind: .transient, code: "http_302"),
        Refusal(testDescription: "no token", body: "{}", status: 200, kind: .transient, code: "no_access_token"),
        Refusal(
            testDescription: "an empty token", body: #"{"access_token":""}"#, status: 200, kind: .transient,
            code: "no_access_token"),
        Refusal(
            testDescription: "a token that is an object", body: #"{"access_token":{}}"#, status: 200,
            kind: .transient, code: "no_access_token"),
    ]
}
