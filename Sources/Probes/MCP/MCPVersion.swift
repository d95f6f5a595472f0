/// The revisions of the Model Context Protocol that are spoken here.
enum MCPVersion {
    /// Every request says by itself what it needs (2026-07-28, Versioning).
    static let stateless = "2026-07-28"
    /// A handshake says it once, and may begin a session; the newest first. The oldest did not have this transport, but some
    /// servers answer with it.
    static let withHandshake = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]

    static func hasHandshake(_ versions: [String]) -> Bool { versions.contains { withHandshake.contains($0) } }

    /// `UnsupportedProtocolVersion` of 2026-07-28.
    static let unsupportedCode = -32_022
}
