import LosslessJSON

extension JSONScannerTests {
    static let characters: [TextCase] = [
        .accept("\"\""), .accept("\"a\""), .accept("\" \""), .accept("\"/*no comment*/\""), .accept("\"'\""),
        .accept("\"\u{e9}\""), .accept("\"e\u{301}\""), .accept("\"\u{1F600}\""), .accept("\"\u{2028}\u{2029}\""),
        .accept("\"\u{7F}\u{80}\u{9F}\u{A0}\""), .accept("\"\u{200B}\u{202E}\""), .accept("\"a\u{FEFF}\""),
        .accept("\"\u{FFFD}\u{FFFE}\u{FFFF}\u{1FFFE}\""), .accept("\"\u{10FFFF}\""),
        // The first and the last character of every length in UTF-8.
        .acceptContent([0xC2, 0x80]), .acceptContent([0xDF, 0xBF]), .acceptContent([0xE0, 0xA0, 0x80]),
        .acceptContent([0xED, 0x9F, 0xBF]), .acceptContent([0xEE, 0x80, 0x80]), .acceptContent([0xEF, 0xBF, 0xBF]),
        .acceptContent([0xF0, 0x90, 0x80, 0x80]), .acceptContent([0xF4, 0x8F, 0xBF, 0xBF]),

        .refuse("\"", .unterminatedString, at: 0),
        .refuse("\"abc", .unterminatedString, at: 0),
        .refuse("[\"a", .unterminatedString, at: 1),
        .refuse("\"\\", .unterminatedString, at: 0),
        .refuse("\"\\\"", .unterminatedString, at: 0),
        .refuse("{\"a\":\"b}", .unterminatedString, at: 5),
        .refuse("'a'", .expectingValue, at: 0),
        .refuse("\u{201C}a\u{201D}", .expectingValue, at: 0),
        .refuse("\"\u{0}\"", .controlCharacter, at: 1),
        .refuse("\"\t\"", .controlCharacter, at: 1),
        .refuse("\"a\n\"", .controlCharacter, at: 2),
        .refuse("\"a\r\n\"", .controlCharacter, at: 2),
        .refuse("\"\u{1F}\"", .controlCharacter, at: 1),
        .refuse("{\"a\u{8}\":1}", .controlCharacter, at: 3),

        // Not begun, cut short, or interrupted.
        .refuseContent([0x80]), .refuseContent([0xBF]), .refuseContent([0x61, 0x62, 0x80], at: 3),
        .refuseContent([0xC3]), .refuseContent([0xE2, 0x82]), .refuseContent([0xF0, 0x9F, 0x98]),
        .refuseContent([0xC3, 0x28]), .refuseContent([0xE2, 0x28, 0xA1]), .refuseContent([0xE2, 0x82, 0x28]),
        .refuseContent([0xF0, 0x28, 0x8C, 0xBC]), .refuseContent([0xF0, 0x90, 0x28, 0xBC]),
        .refuseContent([0xF0, 0x90, 0x8C, 0x28]), .refuseContent([0x61, 0xE9], at: 2),
        .refuseBytes([0x22, 0xC3], .invalidUTF8, at: 1), .refuseBytes([0x22, 0xF0, 0x9F], .invalidUTF8, at: 1),
        // Longer than need be.
        .refuseContent([0xC0, 0x80]), .refuseContent([0xC0, 0xAF]), .refuseContent([0xC1, 0xBF]),
        .refuseContent([0xE0, 0x80, 0xAF]), .refuseContent([0xE0, 0x9F, 0xBF]),
        .refuseContent([0xF0, 0x80, 0x80, 0xAF]), .refuseContent([0xF0, 0x8F, 0xBF, 0xBF]),
        // Surrogates, and what lies past the last character.
        .refuseContent([0xED, 0xA0, 0x80]), .refuseContent([0xED, 0xBF, 0xBF]),
        .refuseContent([0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80]), .refuseContent([0xF4, 0x90, 0x80, 0x80]),
        .refuseContent([0xF5, 0x80, 0x80, 0x80]), .refuseContent([0xF8, 0x88, 0x80, 0x80, 0x80]),
        .refuseContent([0xFE]), .refuseContent([0xFF]),
        .refuseBytes([0x7B, 0x22, 0x80, 0x22, 0x3A, 0x31, 0x7D], .invalidUTF8, at: 2),

        .refuse("\u{FEFF}1", .byteOrderMark, at: 0),
        .refuse("\u{FEFF}", .byteOrderMark, at: 0),
        .refuse(" \u{FEFF}1", .expectingValue, at: 1),
        .refuse("[\u{FEFF}]", .expectingValue, at: 1),
        .refuseBytes([0xEF, 0xBB], .expectingValue, at: 0),
        // UTF-16 with its mark and without, either way round, and UTF-32.
        .refuseBytes([0xFF, 0xFE, 0x31, 0x00], .expectingValue, at: 0),
        .refuseBytes([0xFE, 0xFF, 0x00, 0x31], .expectingValue, at: 0),
        .refuseBytes([0x31, 0x00], .extraData, at: 1),
        .refuseBytes([0x00, 0x31], .expectingValue, at: 0),
        .refuseBytes([0x31, 0x00, 0x00, 0x00], .extraData, at: 1),
        .refuseBytes([0xFF], .expectingValue, at: 0),
        .refuseBytes([0x5B, 0x80, 0x5D], .expectingValue, at: 1),
    ]
}
