import Catalog
import Connections
import Testing

/// Which patterns a file may bring: those that the engine is done with soon, whatever the value.
@Suite struct PatternTests {
    @Test(arguments: [
        "^[a-z]+$", "a", "^$", "[^:]+", "(xoxe[.])?xoxb-[A-Za-z0-9-]+", "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?",
        "(a|b|c)/?", "(?:a|b){2}", "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "[a-z0-9]{1,255}", "a{3,}",
        "a{,3}b", #"\d+"#, #"\.\-\/"#, #"[\]\\]+"#, "a+?", "a++", "(ab)+", "a b#", "\u{E9}+", "(a?){8}", "(a?){5}b*",
    ])
    func takes(_ pattern: String) throws {
        #expect(try parse(pattern) == pattern)
    }

    private static let slow =
        "test-api.yaml:20: pattern could take long to match: use one * or + at most, and repeat no choices"

    @Test(arguments: [
        "(a+)+", "(a*)*", "(a|b)*", "(a|aa)+", "(a?)+", "(a{1,2})+", "a*a*", "a+b+", "(a+|b)c*", "(a+){2}", "(a?){9}",
        "(a?){6}b*",
        "a?a?a?a?a?a?a?a?a?", "[a-z]{0,20}[a-z]{0,20}", "[a-z]{1,257}", "((a{100}){100}){100}", #"(a)\1"#, "(?=a)a",
        "(?<n>a)", "(?i)a", #"\p{L}"#, #"\u{41}"#, "[[a]b]",
    ])
    func refuses(_ pattern: String) {
        let error = #expect(throws: CatalogFileError.self) { try parse(pattern) }
        #expect(error?.description == Self.slow)
    }

    @Test(arguments: ["(", "[a", "[]a]", "a{2,1}", "*"])
    func refusesWhatIsNone(_ pattern: String) {
        let error = #expect(throws: CatalogFileError.self) { try parse(pattern) }
        #expect(error?.line == 20)
    }

    @Test func refusesWhatIsLong() throws {
        #expect(try parse(String(repeating: "a", count: 512)) != nil)
        let error = #expect(throws: CatalogFileError.self) { try parse(String(repeating: "(", count: 513)) }
        #expect(error?.description == "test-api.yaml:20: pattern is longer than 512 bytes")
    }

    private func parse(_ pattern: String) throws(CatalogFileError) -> String? {
        let text = CatalogFileTests.Case.good("pattern", [20: "        pattern: '\(pattern)'"]).text()
        return try CatalogFile.parse(text, file: "test-api.yaml").authMethods.first?.fields.first?.pattern
    }
}
