import Connections

@testable import Probes

extension MCPProbeTests {
    private static let valid = Expected(.valid, .protocol, "verified")
    private static let version = Expected(.inconclusive, .protocol, "unsupported_protocol_version")
    private static let old = ["server/discover", "initialize"]
    private static let met = old + ["notifications/initialized"]
    private static let all = met + ["tools/list", "DELETE"]
    private static let ok = #"{"jsonrpc":"2.0","id":2,"result":{}}"#

    static let good: [Case] = [
        Case("stateless", valid, ["server/discover", "tools/list"], detail: "stand-in 1.0, 2 tools") {
            $0.era = .stateless
        },
        Case("stateless, in a stream", valid, ["server/discover", "tools/list"], detail: "stand-in 1.0, 2 tools") {
            $0.era = .stateless
            $0.isStreaming = true
        },
        Case("of both eras", valid, ["server/discover", "tools/list"], detail: "stand-in 1.0, 2 tools") {
            $0.era = .both
        },
        Case("with a handshake", valid, all, detail: "stand-in 1.0, 2 tools"),
        Case("with a handshake, in a stream", valid, all, detail: "stand-in 1.0, 2 tools") { $0.isStreaming = true },
        Case("an older version", valid, all, detail: "stand-in 1.0, 2 tools") { $0.version = "2025-03-26" },
        Case("without a session", valid, Array(all.dropLast()), detail: "stand-in 1.0, 2 tools") {
            $0.sessionID = nil
        },
        Case("sessions that clients may not end", valid, all, detail: "stand-in 1.0, 2 tools") {
            $0.instead["DELETE"] = .http(405)
        },
        Case("a session that nobody answers for", valid, all, detail: "stand-in 1.0, 2 tools") {
            $0.instead["DELETE"] = .bytesThenClose([])
        },
        Case("no tools at all", valid, met + ["DELETE"], detail: "stand-in 1.0, no tools") { $0.hasTools = false },
        Case("an empty list", valid, all, detail: "stand-in 1.0, 0 tools") { $0.pages = [0] },
        Case("one tool", valid, all, detail: "stand-in 1.0, 1 tool") { $0.pages = [1] },
        Case(
            "three pages", valid, met + ["tools/list", "tools/list", "tools/list", "DELETE"],
            detail: "stand-in 1.0, 6 tools"
        ) { $0.pages = [1, 2, 3] },
        Case(
            "more pages than are read", valid, met + Array(repeating: "tools/list", count: 5) + ["DELETE"],
            detail: "stand-in 1.0, 5 tools and more"
        ) { $0.pages = [1, 1, 1, 1, 1, 1] },
        Case("briefly, one page", valid, all, detail: "stand-in 1.0, 1 tool and more", depth: .brief) {
            $0.pages = [1, 1]
        },
        Case("a name that repeats the secret", valid, all, detail: "2 tools") { $0.name = "I am \(Lab.secret)" },
        Case("a name of other letters", valid, all, detail: "2 tools") { $0.name = "Bücher" },
        Case("a name past its length", valid, all, detail: "2 tools") { $0.name = String(repeating: "n", count: 65) },
        Case("no answer but 200 to the notification", valid, all, detail: "stand-in 1.0, 2 tools") {
            $0.instead["notifications/initialized"] = .http(200)
        },
        Case("fails over the new question", valid, all, detail: "stand-in 1.0, 2 tools") {
            $0.instead["server/discover"] = .html(500)
        },
        Case("does not know the new question", valid, all, detail: "stand-in 1.0, 2 tools") {
            $0.instead["server/discover"] = .json(200, [], MCPStandIn.error(-32_601, #""No""#, id: "1"))
        },
        Case("answers the new question with an old version", valid, all, detail: "stand-in 1.0, 2 tools") {
            $0.instead["server/discover"] = .json(
                200, [], #"{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2025-06-18"],"capabilities":{}}}"#)
        },
    ]

    static let bad: [Case] = [
        Case("a version that nobody knows", version, old + ["DELETE"]) { $0.version = "2031-01-01" },
        Case("a new version that nobody knows", version, ["server/discover"]) {
            $0.instead["server/discover"] = .json(
                400, [], MCPStandIn.error(-32_022, #""x","data":{"supported":["2031-01-01"]}"#, id: "1"))
        },
        Case("a new version that nobody knows, without an error", version, ["server/discover"]) {
            $0.instead["server/discover"] = .json(
                200, [], #"{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2031-01-01"],"capabilities":{}}}"#)
        },
        Case("a version that is refused", version, old) {
            $0.instead["initialize"] = .json(
                200, [], MCPStandIn.error(-32_602, #""x","data":{"supported":["2024-01-01"]}"#, id: "2"))
        },
        Case("no version", .unexpected, old) { $0.instead["initialize"] = .json(200, [], ok) },
        Case("another answer's ID", .unexpected, old) {
            $0.instead["initialize"] = .json(200, [], ok.replacing(#""id":2"#, with: #""id":"2""#))
        },
        Case("no JSON-RPC", .unexpected, old) { $0.instead["initialize"] = .json(200, [], #"{"id":2,"result":{}}"#) },
        Case("a stream that ends without an answer", .unexpected, old) {
            $0.instead["initialize"] = .http(200, [("Content-Type", "text/event-stream")], "data: {}\n\n")
        },
        Case(
            "an error of its own", Expected(.inconclusive, .protocol, "unexpected_answer", code: "-32603"), old
        ) { $0.instead["initialize"] = .json(200, [], MCPStandIn.error(-32_603, #""x""#, id: "2")) },
        Case("401 for the notification", .rejected, met + ["DELETE"]) {
            $0.instead["notifications/initialized"] = .http(401)
        },
        Case("401 for the tools", .rejected, all) { $0.instead["tools/list"] = .json(401, [], "{}") },
        Case("403 for the tools", .denied, all) { $0.instead["tools/list"] = .json(403, [], "{}") },
        Case("500 for the tools", .broken, all) { $0.instead["tools/list"] = .html(500) },
        Case("no list of tools", .unexpected, all) {
            $0.instead["tools/list"] = .json(200, [], #"{"jsonrpc":"2.0","id":3,"result":{"tools":{}}}"#)
        },
        Case("wants something more", .unexpected, all) {
            $0.instead["tools/list"] = .json(
                200, [], #"{"jsonrpc":"2.0","id":3,"result":{"resultType":"input_required","tools":[]}}"#)
        },
        Case(
            "no tools after all", Expected(.inconclusive, .protocol, "unexpected_answer", code: "-32601"), all
        ) { $0.instead["tools/list"] = .json(200, [], MCPStandIn.error(-32_601, #""x""#, id: "3")) },
        Case("hangs up on the tools", Expected(.inconclusive, .http, "connection_lost", unreachable: true), all) {
            $0.instead["tools/list"] = .bytesThenClose([])
        },
        Case("another token", .rejected, ["server/discover"]) { $0.token = "another" },
    ]

    static let constant: [RequestProbeTests.Case] = [
        .init("401", .json(401, [("WWW-Authenticate", "Bearer")], "{}"), .rejected),
        .init("401 with a page", .html(401), .rejected), .init("401 with nothing", .http(401), .rejected),
        .init("403", .json(403, [], "{}"), .denied), .init("403 with a page", .html(403), .unexpected),
        .init("429", .http(429), .limited), .init("500", .html(500), .broken), .init("404", .html(404), .unexpected),
        .init("405", .http(405), .unexpected), .init("302", .http(302, [("Location", "/login")]), .unexpected),
        .init("a page", .html(200), .unexpected), .init("nothing", .http(200), .unexpected),
        .init("accepts and says nothing", .http(202), .unexpected),
        .init(
            "hangs", .silence, .hanging, limits: Lab.impatient),
        .init(
            "a stream that says nothing", .events(": hello\n\n"),
            .hanging, limits: Lab.impatient),
        .init("closes", .bytesThenClose([]), Expected(.inconclusive, .http, "connection_lost", unreachable: true)),
    ]
}
