import Connections
import Testing

/// `searchFolded` stands in Store.swift.
@Suite struct SearchFoldingTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let parts: [String?]
        let folded: String

        var testDescription: String { folded }
    }

    @Test(arguments: [
        Case(parts: [nil, nil, nil], folded: ""),
        Case(parts: ["Team Slack", nil, "EXT-1"], folded: "team slack\next-1"),
        Case(parts: ["a", "b", "c"], folded: "a\nb\nc"),
        Case(parts: ["", nil, ""], folded: "\n"),
        Case(parts: ["\u{C4}RGER \u{416}\u{3A9}", nil, nil], folded: "\u{E4}rger \u{436}\u{3C9}"),
        Case(parts: ["STRASSE", nil, nil], folded: "strasse"),
        // An engine that stops at U+0000 must find what stands behind it.
        Case(parts: ["a\0B\0", nil, nil], folded: "a b "),
        Case(parts: ["100%_\\", nil, nil], folded: "100%_\\"),
        Case(parts: ["\u{1F600}", nil, nil], folded: "\u{1F600}"),
    ])
    func folding(_ expected: Case) {
        #expect(searchFolded(expected.parts[0], expected.parts[1], expected.parts[2]) == expected.folded)
    }

    /// What is stored and what is asked for meet, whichever of the two is in capitals.
    @Test(arguments: ["Slack", "\u{C9}t\u{E9}", "\u{391}\u{3A3}", "x\0y"])
    func foldingTwiceChangesNothing(_ text: String) {
        let folded = searchFolded(text)
        #expect(searchFolded(folded) == folded)
        #expect(searchFolded(folded.uppercased()) == folded)
    }
}
