import Catalog
import Testing

@Suite struct NearestTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let word: String
        let candidates: [String]
        let nearest: String?

        init(_ word: String, _ candidates: [String], _ nearest: String?) {
            self.word = word
            self.candidates = candidates
            self.nearest = nearest
        }

        var testDescription: String { "\(word.prefix(20)) among \(candidates)" }
    }

    static let keys = ["bot_token", "api_key", "region"]

    static let cases: [Case] = [
        Case("bot_token", keys, "bot_token"),
        Case("bottoken", keys, "bot_token"), Case("bot_tokn", keys, "bot_token"), Case("bot_tokens", keys, "bot_token"),
        Case("bot_tokne", keys, "bot_token"), Case("obt_tokne", keys, "bot_token"),
        Case("BOT_TOKEN", keys, "bot_token"),
        Case("apikey", keys, "api_key"), Case("api-key", keys, "api_key"), Case("regoin", keys, "region"),
        // Too far: a suggestion that is not meant is worse than none.
        Case("token", keys, nil), Case("key", keys, nil), Case("password", keys, nil), Case("", keys, nil),
        Case("x", [], nil), Case("ab", ["cd"], nil), Case("a", ["b"], "b"),
        // The first of equals.
        Case("cat", ["bat", "car"], "bat"),
        Case(String(repeating: "x", count: 10_000), keys, nil),
    ]

    @Test(arguments: NearestTests.cases)
    func nearestWord(_ expected: Case) {
        #expect(nearest(to: expected.word, among: expected.candidates) == expected.nearest)
    }
}
