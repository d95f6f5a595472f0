import LosslessJSON

extension JSONScannerTests {
    /// On both sides of each limit as it is by itself: depth 64, numbers of 1,000 characters, texts of 1 MiB.
    static let limits: [TextCase] = [
        .accept(arrays(64)),
        .refuse(arrays(65), .tooDeep, at: 64),
        .refuse(repeated("[", 100_000), .tooDeep, at: 64),
        .accept(objects(63)),
        .refuse(objects(64), .tooDeep, at: 320),
        // Depth is what stands open, not how many there are.
        .accept("[\(repeated("[],", 1_000))[]]"),

        .accept(repeated("7", 1_000)),
        .refuse(repeated("7", 1_001), .numberTooLong, at: 0),
        .accept("-\(repeated("7", 999))"),
        .refuse("-\(repeated("7", 1_000))", .numberTooLong, at: 0),
        .accept("0.\(repeated("7", 998))"),
        .refuse("[0.\(repeated("7", 999))]", .numberTooLong, at: 1),
        .accept("1e\(repeated("7", 998))"),
        .refuse("{\"a\":1e\(repeated("7", 999))}", .numberTooLong, at: 5),
        .accept("\"\(repeated("7", 1_001))\""),

        .accept("\(repeated(" ", mebibyte - 1))1", canonical: "1"),
        .refuse("\(repeated(" ", mebibyte))1", .tooLarge, at: mebibyte),
        .accept("\"\(repeated("a", mebibyte - 2))\""),
    ]

    private static let mebibyte = 1_048_576

    private static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    private static func arrays(_ depth: Int) -> String { "\(repeated("[", depth))\(repeated("]", depth))" }

    /// Objects around an array, which is one level more.
    private static func objects(_ count: Int) -> String { "\(repeated("{\"a\":", count))[]\(repeated("}", count))" }
}
