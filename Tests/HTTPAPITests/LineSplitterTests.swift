import Testing

@testable import HTTPAPI

@Suite struct LineSplitterTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let chunks: [String]
        /// `nil` is one that is too long.
        let lines: [String?]

        var testDescription: String { "\(chunks)" }
    }

    @Test(arguments: [
        Case(chunks: [], lines: []), Case(chunks: ["\n"], lines: [""]), Case(chunks: ["a"], lines: ["a"]),
        Case(chunks: ["a\nb\n"], lines: ["a", "b"]), Case(chunks: ["a\r\n", "\r\nb\r"], lines: ["a", "", "b"]),
        Case(chunks: ["a", "b", "\nc", "d"], lines: ["ab", "cd"]),
        Case(chunks: ["12345678\n"], lines: ["12345678"]), Case(chunks: ["12345678\r\n"], lines: ["12345678"]),
        Case(chunks: ["123456789\nb"], lines: [nil, "b"]),
        Case(chunks: ["12345", "67890", "12345\nb"], lines: [nil, "b"]),
        Case(chunks: ["123456789"], lines: [nil]), Case(chunks: ["12345678", "9"], lines: [nil]),
    ])
    func `lines of at most eight bytes`(_ expected: Case) {
        var splitter = LineSplitter(limit: 8)
        var found = expected.chunks.flatMap { splitter.append(Array($0.utf8)) }
        if let last = splitter.last() { found.append(last) }
        let lines = found.map { line -> String? in
            if case .whole(let bytes) = line { String(decoding: bytes, as: UTF8.self) } else { nil }
        }
        #expect(lines == expected.lines)
        #expect(splitter.last() == nil)
    }
}
