import Connections
import TestSupport
import Testing

@Suite struct TimestampTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let text: String
        let microseconds: Int64

        init(_ text: String, _ microseconds: Int64) {
            self.text = text
            self.microseconds = microseconds
        }

        var testDescription: String { text }
    }

    @Test(arguments: [
        Case("1970-01-01T00:00:00.000000Z", 0),
        Case("1970-01-01T00:00:00.000001Z", 1),
        Case("1969-12-31T23:59:59.999999Z", -1),
        Case("2026-01-01T00:00:00.000000Z", 1_767_225_600_000_000),
        Case("2026-01-31T12:00:00.000000Z", 1_769_860_800_000_000),
        Case("2024-02-29T23:59:59.999999Z", 1_709_251_199_999_999),
        Case("2000-02-29T00:00:00.000000Z", 951_782_400_000_000),
        Case("1900-02-28T23:59:59.000000Z", -2_203_891_201_000_000),
        Case("1900-03-01T00:00:00.000000Z", -2_203_891_200_000_000),
        Case("2100-02-28T00:00:00.000000Z", 4_107_456_000_000_000),
        Case("2100-03-01T00:00:00.000000Z", 4_107_542_400_000_000),
        Case("2038-01-19T03:14:08.000000Z", 2_147_483_648_000_000),
        Case("1582-10-15T00:00:00.000000Z", -12_219_292_800_000_000),
        Case("0001-01-01T00:00:00.000000Z", -62_135_596_800_000_000),
        Case("0000-01-01T00:00:00.000000Z", -62_167_219_200_000_000),
        Case("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ])
    func formats(_ expected: Case) {
        #expect(Timestamp(microseconds: expected.microseconds).rfc3339 == expected.text)
        #expect(Timestamp(rfc3339: expected.text)?.microseconds == expected.microseconds)
    }

    @Test(arguments: [
        Case("2026-01-31T12:00:00Z", 1_769_860_800_000_000),
        Case("2026-01-31t12:00:00z", 1_769_860_800_000_000),
        Case("2026-01-31 12:00:00Z", 1_769_860_800_000_000),
        Case("2026-01-31T12:00:00", 1_769_860_800_000_000),
        Case("2026-01-31T12:00:00+00:00", 1_769_860_800_000_000),
        Case("2026-01-31T12:00:00-00:00", 1_769_860_800_000_000),
        Case("2026-01-31T13:30:00+01:30", 1_769_860_800_000_000),
        Case("2026-01-31T04:00:00-08:00", 1_769_860_800_000_000),
        Case("2026-02-01T11:59:00+23:59", 1_769_860_800_000_000),
        Case("2026-01-30T12:01:00-23:59", 1_769_860_800_000_000),
        Case("2026-12-31T23:30:00-00:30", 1_798_761_600_000_000),
        Case("2026-01-31T12:00:00.5Z", 1_769_860_800_500_000),
        Case("2026-01-31T12:00:00.000001Z", 1_769_860_800_000_001),
        Case("2026-01-31T12:00:00.1234569999999999999999999999Z", 1_769_860_800_123_456),
        Case("2026-01-31T12:00:00.0000009+00:00", 1_769_860_800_000_000),
        // A leap second is the first instant of the next minute.
        Case("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        Case("2000-02-29T01:00:00+01:00", 951_782_400_000_000),
    ])
    func parses(_ expected: Case) {
        #expect(Timestamp(rfc3339: expected.text)?.microseconds == expected.microseconds)
    }

    @Test(arguments: [
        "", "Z", "2026", "2026-01-31", "2026-01-31T", "2026-01-31T12", "2026-01-31T12:00", "2026-01-31T12:00Z",
        "1769860800", "20260131T120000Z", "2026-W05-6T12:00:00Z", "2026-031T12:00:00Z", "26-01-31T12:00:00Z",
        "2026-1-31T12:00:00Z", "2026-01-31T1:00:00Z", "2026/01/31T12:00:00Z", "2026-01-31_12:00:00Z",
        "-2026-01-31T12:00:00Z", "+2026-01-31T12:00:00Z", "12026-01-31T12:00:00Z",
        // No such day or time.
        "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2024-02-30T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:61Z",
        // Fractions and offsets.
        "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00.", "2026-01-31T12:00:00,5Z", "2026-01-31T12:00:00.5.5Z",
        "2026-01-31T12:00:00.-5Z", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+01:60",
        "2026-01-31T12:00:00+1:00", "2026-01-31T12:00:00+01", "2026-01-31T12:00:00+", "2026-01-31T12:00:00+01:0",
        "2026-01-31T12:00:00\u{2212}01:00", "2026-01-31T12:00:00UTC", "2026-01-31T12:00:00 Z",
        "2026-01-31T12:00:00Z+01:00", "2026-01-31T12:00:00ZZ",
        // Something around it, or other digits.
        " 2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z ", "2026-01-31T12:00:00Z\n", "2026-01-31T12:00:00Z\0",
        "\u{662}\u{660}\u{662}\u{666}-01-31T12:00:00Z",
        // In UTC these lie outside the years that four digits can write.
        "0000-01-01T00:00:00+00:01", "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
    ])
    func refuses(_ text: String) {
        #expect(Timestamp(rfc3339: text)?.microseconds == nil)
    }

    @Test(arguments: 1...10)
    func whatIsWrittenIsReadAgainInOrder(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        var written: [(microseconds: Int64, text: String)] = []
        for _ in 0..<200 {
            let microseconds = Int64.random(in: -62_167_219_200_000_000...253_402_300_799_999_999, using: &random)
            let text = Timestamp(microseconds: microseconds).rfc3339
            #expect(text.utf8.count == 27)
            #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
            written.append((microseconds, text))
        }
        let byTime = written.sorted { $0.microseconds < $1.microseconds }.map { $0.text }
        #expect(byTime == byTime.sorted())
    }

    @Test func advancing() {
        #expect(Timestamp.t0.advanced(bySeconds: 86_400).rfc3339 == "2026-01-02T00:00:00.000000Z")
        #expect(Timestamp.t0.advanced(bySeconds: -1) < .t0)
    }
}
