import Connections

@testable import Probes

extension RequestProbeTests {
    static let plain = TestRequest(url: "/me")
    private static let strict = TestRequest(url: "/me", method: "POST", expects: "user.id")
    private static let always200 = TestRequest(
        url: "/me", errorWhen: (path: "ok", equals: "false"), errorCode: "error",
        meanings: [
            "invalid_auth": .auth, "token_revoked": .grant, "missing_scope": .scope, "ratelimited": .transient,
            "503": .transient, "404": .auth, "429": .auth,
        ])

    static let cases = answers + coded + lines

    /// By HTTP alone.
    private static let answers: [Case] = [
        Case("an object", .json(200, [], "{}"), .valid),
        Case("nothing, and well so", .http(204), .valid),
        Case("text", .http(200, [("Content-Type", "text/plain")], "pong"), .valid),
        Case("a page", .html(200), .unexpected),
        Case("a page without a type", .http(200, [], "\r\n<HTML><body>"), .unexpected),
        Case("401", .json(401, [], #"{"error":"x"}"#), .rejected),
        Case("401 with a page", .html(401), .rejected),
        Case("401 with nothing", .http(401, [("WWW-Authenticate", "Bearer")]), .rejected),
        Case("403", .json(403, [], "{}"), .denied),
        Case("403 with a count that is left", .json(403, [("X-RateLimit-Remaining", "12")], "{}"), .denied),
        Case("403 with a page", .html(403), .unexpected),
        Case("403 with nothing", .http(403), .unexpected),
        Case("403 by RFC 6750", .http(403, [("WWW-Authenticate", #"Bearer error="insufficient_scope""#)]), .denied),
        Case("403 and later", .json(403, [("Retry-After", "30")], "{}"), .limited),
        Case("403 and none left", .json(403, [("X-RateLimit-Remaining", "0")], "{}"), .limited),
        Case("403 and none left, by the draft", .json(403, [("RateLimit", #""default";r=0;t=30"#)], "{}"), .limited),
        Case("403 and none left, before it", .json(403, [("RateLimit-Remaining", "0")], "{}"), .limited),
        Case("403 and some left", .json(403, [("RateLimit", "limit=10, remaining=10, reset=5")], "{}"), .denied),
        Case("429", .json(429, [], "{}"), .limited),
        Case("500", .html(500), .broken),
        Case("503 and later", .json(503, [("Retry-After", "30")], "{}"), .broken),
        Case("301", .http(301, [("Location", "/api/other")]), .unexpected),
        Case("302 elsewhere", .http(302, [("Location", "https://login.example.test/")]), .unexpected),
        Case("304", .http(304), .unexpected),
        Case("400", .json(400, [], "{}"), .unexpected),
        Case("404", .json(404, [], "{}"), .unexpected),
        Case("405", .html(405), .unexpected),
        Case("407", .http(407), .unexpected),
    ]

    /// By what the catalog says of the answer.
    private static let coded: [Case] = [
        Case("as expected", .json(200, [], #"{"user":{"id":1}}"#), .valid, test: strict),
        Case("something else", .json(200, [], #"{"user":{}}"#), .unexpected, test: strict),
        Case("null", .json(200, [], #"{"user":{"id":null}}"#), .unexpected, test: strict),
        Case("no JSON", .http(200, [("Content-Type", "application/json")], #"{"user""#), .unexpected, test: strict),
        Case("a page instead", .html(200), .unexpected, test: strict),
        Case("all is well", .json(200, [], #"{"ok":true}"#), .valid, test: always200),
        Case("no JSON where it should be", .http(200, [], "ok"), .unexpected, test: always200),
        Case(
            "a code for the credential", .json(200, [], #"{"ok":false,"error":"invalid_auth"}"#),
            Expected(.invalid, .auth, "credential_rejected", code: "invalid_auth"), test: always200),
        Case(
            "a code for the grant", .json(200, [], #"{"ok":false,"error":"token_revoked"}"#),
            Expected(.invalid, .auth, "grant_gone", code: "token_revoked", gone: true), test: always200),
        Case(
            "a code for the scope", .json(403, [("Retry-After", "1")], #"{"ok":false,"error":"missing_scope"}"#),
            Expected(.invalid, .scope, "permission_denied", code: "missing_scope"), test: always200),
        Case(
            "a code for later", .json(429, [], #"{"ok":false,"error":"ratelimited"}"#),
            Expected(.inconclusive, .http, "rate_limited", code: "ratelimited"), test: always200),
        Case(
            "a code for later with 401", .json(401, [], #"{"ok":false,"error":"ratelimited"}"#),
            Expected(.inconclusive, .http, "provider_error", code: "ratelimited"), test: always200),
        Case(
            "a code that nobody named", .json(200, [], #"{"ok":false,"error":"what"}"#),
            Expected(.inconclusive, .protocol, "unexpected_answer", code: "what"), test: always200),
        Case(
            "a sentence for a code", .json(200, [], #"{"ok":false,"error":"not today"}"#), .unexpected, test: always200),
        Case(
            "a code past its length",
            .json(200, [], #"{"ok":false,"error":"\#(String(repeating: "x", count: 65))"}"#), .unexpected,
            test: always200),
        Case("a status that means something", .html(404), .rejected, test: always200),
        Case("a status that means something else", .json(429, [], "{}"), .rejected, test: always200),
    ]

    /// By what is no answer.
    private static let lines: [Case] = [
        Case(
            "hangs", .silence, .hanging, limits: Lab.impatient),
        Case(
            "hangs within the answer", .bytes(LoopbackServer.Answer.head(200, [("Content-Length", "9")])),
            .hanging, limits: Lab.impatient),
        Case(
            "closes", .bytesThenClose([]), Expected(.inconclusive, .http, "connection_lost", unreachable: true)),
        Case("resets", .reset, Expected(.inconclusive, .http, "connection_lost", unreachable: true)),
        Case(
            "closes within the answer",
            .bytesThenClose(LoopbackServer.Answer.head(200, [("Content-Length", "9")]) + [0x61]),
            Expected(.inconclusive, .http, "connection_lost", unreachable: true)),
        Case(
            "speaks something else", .bytesThenClose(Array("SSH-2.0-OpenSSH_9.7\r\n".utf8)),
            Expected(.inconclusive, .http, "not_http")),
        Case(
            "goes on and on", .bytes(LoopbackServer.Answer.head(200, [("Content-Length", "1048577")])),
            Expected(.inconclusive, .protocol, "answer_too_large")),
    ]
}
