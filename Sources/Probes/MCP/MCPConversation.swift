import Connections
import Egress
import LosslessJSON
import Synchronization

/// Speaks to one MCP server over Streamable HTTP: one message to a request, one answer.
struct MCPConversation: Sendable {
    let url: String
    var version = MCPVersion.stateless
    var isStateless = true
    /// What the server gave at the handshake, and wants back with every message.
    private(set) var sessionID: String?
    private var nextID = 1

    init(url: String) { self.url = url }

    struct Reply: Sendable {
        let response: EgressResponse
        /// `nil` where it is none of JSON-RPC.
        let answer: RPCAnswer?
    }

    /// Sends a request and waits for its answer, not for the end of a stream.
    mutating func ask(
        _ method: String, _ members: [(name: String, value: JSONText)] = [], through examination: inout Examination
    ) async throws(Decision) -> Reply {
        let id = nextID
        nextID += 1
        var params = JSONObject()
        for member in members { params[member.name] = member.value }
        if isStateless { params["_meta"] = Self.metadata(version: version) }
        var request = post(method, params: params, id: id, examination.target)
        let progress = Progress()
        request.isComplete = { progress.holdsAnswer(in: $0, to: id) }
        let response = try await examination.send(request)
        if method == "initialize" { sessionID = response.header("mcp-session-id").flatMap(Self.visible) }
        return Reply(response: response, answer: RPCAnswer(response, to: id))
    }

    func notify(_ method: String, through examination: inout Examination) async throws(Decision) -> EgressResponse {
        try await examination.send(post(method, params: JSONObject(), id: nil, examination.target))
    }

    /// Ends the session, where there is one. A server need not let clients do that, and nothing depends on it.
    func close(_ examination: Examination) async {
        guard sessionID != nil, examination.timeLeft > .zero else { return }
        var request = EgressRequest(
            purpose: .probe, method: "DELETE", url: url, timeout: min(examination.timeLeft, .seconds(5)))
        complete(&request, examination.target)
        _ = try? await examination.egress.send(request)
    }

    // MARK: Requests

    private func post(_ method: String, params: JSONObject, id: Int?, _ target: ProbeTarget) -> EgressRequest {
        var message = JSONObject()
        message["jsonrpc"] = JSONText("2.0")
        message["id"] = id.map { JSONText(unchecked: Array("\($0)".utf8)) }
        message["method"] = JSONText(method)
        if !params.members.isEmpty { message["params"] = params.text }
        var request = EgressRequest(
            purpose: .probe, method: "POST", url: url,
            headers: [
                (name: "Content-Type", value: "application/json"),
                (name: "Accept", value: "application/json, text/event-stream"),
            ], body: message.text.bytes)
        if isStateless { request.headers.append((name: "Mcp-Method", value: method)) }
        // Before the handshake there is no version that both know.
        complete(&request, target, namesVersion: method != "initialize")
        return request
    }

    private func complete(_ request: inout EgressRequest, _ target: ProbeTarget, namesVersion: Bool = true) {
        if namesVersion { request.headers.append((name: "MCP-Protocol-Version", value: version)) }
        if let sessionID { request.headers.append((name: "Mcp-Session-Id", value: sessionID)) }
        request.apply(target.method, data: target.data, config: target.config)
    }

    private static func metadata(version: String) -> JSONText {
        var metadata = JSONObject()
        metadata["io.modelcontextprotocol/protocolVersion"] = JSONText(version)
        metadata["io.modelcontextprotocol/clientInfo"] = clientInfo
        metadata["io.modelcontextprotocol/clientCapabilities"] = .emptyObject
        return metadata.text
    }

    static var clientInfo: JSONText {
        var info = JSONObject()
        info["name"] = JSONText("Patchbay")
        info["version"] = JSONText("1")
        return info.text
    }

    /// A session's ID is of visible ASCII characters, or none.
    private static func visible(_ text: String) -> String? {
        (1...4_096).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? text : nil
    }
}

/// Looks for the answer in a stream while it comes.
private final class Progress: Sendable {
    private let stream = Mutex(EventStream())

    func holdsAnswer(in part: [UInt8], to id: Int) -> Bool {
        stream.withLock { stream in
            stream.read(part).contains { $0.isMessage && RPCAnswer($0.data, to: id) != nil }
        }
    }
}
