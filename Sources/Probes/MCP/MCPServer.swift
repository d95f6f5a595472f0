import LosslessJSON

/// What an MCP server says of itself.
struct MCPServer: Sendable {
    struct Tools: Sendable {
        var count = 0
        var hasMore = false
    }

    let hasTools: Bool
    private let name: String?
    /// Name and version, as they came.
    private let words: [String]

    init(initialized result: JSONObject) {
        self.init(capabilities: result["capabilities"], info: result["serverInfo"])
    }

    init(discovered result: JSONObject) {
        let metadata = result["_meta"].map { JSONObject($0.slice) }
        self.init(
            capabilities: result["capabilities"], info: metadata?["io.modelcontextprotocol/serverInfo"])
    }

    private init(capabilities: JSONText?, info: JSONText?) {
        hasTools = capabilities.map { JSONObject($0.slice)["tools"]?.slice.kind == .object } ?? false
        let info = info.map { JSONObject($0.slice) }
        name = info?["name"]?.slice.string
        words = [name, info?["version"]?.slice.string].compactMap { $0 }
    }

    /// By which people know it; `nil` where that is not fit to be shown.
    func name(isShowable: (String) -> Bool) -> String? {
        name.flatMap { Self.isPlain($0) && isShowable($0) ? $0 : nil }
    }

    /// - Parameter isShowable: keeps out what must not be seen.
    func description(tools: Tools?, isShowable: (String) -> Bool) -> String {
        let name = words.allSatisfy { Self.isPlain($0) && isShowable($0) } ? words.joined(separator: " ") : ""
        let count = tools.map { tools in
            "\(tools.count) \(tools.count == 1 ? "tool" : "tools")\(tools.hasMore ? " and more" : "")"
        }
        return [name, count ?? "no tools"].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// Short, of printable ASCII.
    private static func isPlain(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}
