import TestSupport
import Testing

@testable import Connections

@Suite struct ULIDTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let high: UInt64
        let low: UInt64
        let text: String

        var testDescription: String { text }
    }

    @Test(arguments: [
        Case(high: 0, low: 0, text: "00000000000000000000000000"),
        Case(high: .max, low: .max, text: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
        Case(high: 1, low: 0, text: "0000000000000G000000000000"),
        Case(high: 0, low: .max, text: "0000000000000FZZZZZZZZZZZZ"),
        Case(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210, text: "014D2PF2DBSQQZXQ5TK1V58CGG"),
        Case(high: 1_767_225_600_000 << 16, low: 0, text: "01KDVDNA000000000000000000"),
    ])
    func text(_ expected: Case) {
        let ulid = ULID(high: expected.high, low: expected.low)
        #expect(Self.text(of: ulid) == expected.text)
        #expect(Self.ulid(expected.text) == ulid)
    }

    @Test(arguments: [
        "", "0", "0000000000000000000000000", "000000000000000000000000000",  // 25 and 27 characters
        "80000000000000000000000000", "Z0000000000000000000000000",  // past 128 bits
        "0000000000000000000000000I", "0000000000000000000000000L", "0000000000000000000000000O",
        "0000000000000000000000000U", "0000000000000000000000000a", "0000000000000000000000000-",
        "0000000000000000000000000 ", "0000000000000000000000000\n", "0000000000000000000000000\0",
        "000000000000000000000000\u{E9}", "00000000000000000000000\u{FF10}", "0000000000000000000000000\u{661}",
    ])
    func refused(_ text: String) {
        #expect(Self.ulid(text) == nil)
    }

    @Test(arguments: 1...10)
    func orderIsThatOfTheText(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<100 {
            // Half of the pairs share their time and first random bits.
            let first = ULID(high: random.next(), low: random.next())
            let second = ULID(high: Bool.random(using: &random) ? first.high : random.next(), low: random.next())
            #expect((first < second) == (Self.text(of: first) < Self.text(of: second)))
            #expect(Self.ulid(Self.text(of: first)) == first)
        }
    }

    private static func ulid(_ text: String) -> ULID? { Array(text.utf8).withUnsafeBytes { ULID($0) } }

    private static func text(of ulid: ULID) -> String {
        var bytes: [UInt8] = []
        ulid.append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
