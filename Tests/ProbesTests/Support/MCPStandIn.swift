import LosslessJSON

/// A server of the Model Context Protocol, by the book except where a test says otherwise.
struct MCPStandIn: Sendable {
    enum Era: Sendable { case stateless, handshake, both }

    var era = Era.handshake
    var isStreaming = false
    /// What it answers to the version that it is offered.
    var version = "2025-11-25"
    var sessionID: String? = "session-1"
    var hasTools = true
    /// How many tools each page has.
    var pages = [2]
    var name = "stand-in"
    /// Whole answers by method, instead of those by the book.
    var instead: [String: LoopbackServer.Answer] = [:]
    var token: String? = Lab.secret

    func answer(_ request: LoopbackServer.Request) -> LoopbackServer.Answer {
        if let token, request.header("authorization") != "Bearer \(token)" {
            return .json(401, [("WWW-Authenticate", "Bearer")], #"{"error":"invalid_token"}"#)
        }
        if request.method == "DELETE" { return instead["DELETE"] ?? .http(204) }
        guard let message = (try? JSONSlice(parsing: Array(request.body.utf8))).map({ JSONObject($0) }),
            let method = message["method"]?.slice.string, request.method == "POST"
        else { return .http(405) }
        if let answer = instead[method] { return answer }
        let id = message["id"]?.string
        let version = request.header("mcp-protocol-version")
        if version == "2026-07-28" {
            guard era != .handshake else {
                return .json(400, [], Self.error(-32_600, #""Unsupported protocol version""#, id: "\"server-error\""))
            }
            return stateless(method, message, id: id ?? "null", request)
        }
        guard era != .stateless else {
            return .json(400, [], Self.error(-32_022, #""Unsupported","data":{"supported":["2026-07-28"]}"#, id: id))
        }
        return handshake(method, message, id: id, request)
    }

    private func stateless(
        _ method: String, _ message: JSONObject, id: String, _ request: LoopbackServer.Request
    ) -> LoopbackServer.Answer {
        let metadata = "params._meta"
        let named = message.value(at: metadata).map { JSONObject($0.slice) }
        guard request.header("mcp-method") == method, request.header("mcp-session-id") == nil,
            named?["io.modelcontextprotocol/protocolVersion"]?.slice.string == "2026-07-28",
            named?["io.modelcontextprotocol/clientCapabilities"]?.slice.kind == .object
        else { return .json(400, [], Self.error(-32_020, #""Header mismatch""#, id: id)) }
        switch method {
        case "server/discover":
            let versions = era == .both ? #"["2026-07-28","2025-11-25"]"# : #"["2026-07-28"]"#
            return result(
                #""resultType":"complete","supportedVersions":\#(versions),"capabilities":\#(capabilities),"#
                    + #""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"\#(name)","version":"1.0"}}"#, id: id)
        case "tools/list": return tools(message, id: id, more: #""resultType":"complete","#)
        default: return .json(404, [], Self.error(-32_601, #""Method not found""#, id: id))
        }
    }

    private func handshake(
        _ method: String, _ message: JSONObject, id: String?, _ request: LoopbackServer.Request
    ) -> LoopbackServer.Answer {
        if method == "initialize" {
            guard request.header("mcp-session-id") == nil, request.header("mcp-protocol-version") == nil,
                message.text(at: "params.protocolVersion") == "2025-11-25",
                message.text(at: "params.clientInfo.name") != nil
            else { return .http(400) }
            return result(
                #""protocolVersion":"\#(version)","capabilities":\#(capabilities),"#
                    + #""serverInfo":{"name":"\#(name)","version":"1.0"}"#, id: id ?? "null",
                sessionID.map { [("Mcp-Session-Id", $0)] } ?? [])
        }
        guard request.header("mcp-session-id") == sessionID, request.header("mcp-protocol-version") == version else {
            return .http(400)
        }
        guard let id else { return .http(202) }
        return method == "tools/list" ? tools(message, id: id) : .json(200, [], Self.error(-32_601, #""No""#, id: id))
    }

    private func tools(_ message: JSONObject, id: String, more: String = "") -> LoopbackServer.Answer {
        let page = message.text(at: "params.cursor").flatMap { Int($0.dropFirst(5)) } ?? 0
        let tools = (0..<pages[page]).map { #"{"name":"tool-\#($0)","inputSchema":{"type":"object"}}"# }
        let next = page + 1 < pages.count ? #","nextCursor":"page-\#(page + 1)""# : ""
        return result(#"\#(more)"tools":[\#(tools.joined(separator: ","))]\#(next)"#, id: id)
    }

    private var capabilities: String { hasTools ? #"{"tools":{"listChanged":true}}"# : #"{"prompts":{}}"# }

    private func result(_ members: String, id: String, _ headers: [(String, String)] = []) -> LoopbackServer.Answer {
        let text = #"{"jsonrpc":"2.0","id":\#(id),"result":{\#(members)}}"#
        guard isStreaming else { return .json(200, headers, text) }
        // Something else before, as servers do, and no end.
        return .events(
            "id: 1\r\ndata:\r\n\r\n: ping\r\nevent: message\r\n"
                + #"data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}"# + "\r\n\r\n"
                + "event: message\r\ndata: \(text)\r\n\r\n", headers)
    }

    static func error(_ code: Int, _ rest: String, id: String?) -> String {
        #"{"jsonrpc":"2.0","id":\#(id ?? "null"),"error":{"code":\#(code),"message":\#(rest)}}"#
    }
}

extension LoopbackServer.Request {
    /// What it asks for, as `POST tools/list`.
    var summary: String {
        let message = (try? JSONSlice(parsing: Array(body.utf8))).map { JSONObject($0) }
        return message?["method"]?.slice.string ?? method
    }
}
