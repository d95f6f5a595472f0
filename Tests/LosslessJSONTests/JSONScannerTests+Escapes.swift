import LosslessJSON

extension JSONScannerTests {
    static let escapes: [TextCase] = [
        .accept(#""\"\\\/\b\f\n\r\t""#), .accept(#""\u0000""#), .accept(#""\u0041""#), .accept(#""\u00e9\u00E9""#),
        .accept(#""\\u0000""#), .accept(#""\\\"""#), .accept(#""\u0022""#), .accept(#""\u005C""#),
        .accept(#""\uD83D\uDE00""#), .accept(#""\ud83d\ude00""#), .accept(#""\uD800\uDC00""#),
        .accept(#""\uDBFF\uDFFF""#), .accept(#""\uD7FF\uE000""#), .accept(#""\uFFFE\uFFFF""#), .accept(#""\u2028""#),
        .accept(#"{"\u006bey":"\u0076alue"}"#),

        .refuse(#""\x41""#, .invalidEscape, at: 1),
        .refuse(#""\a""#, .invalidEscape, at: 1),
        .refuse(#""ab\'""#, .invalidEscape, at: 3),
        .refuse(#""\0""#, .invalidEscape, at: 1),
        .refuse(#""\U0041""#, .invalidEscape, at: 1),
        .refuse(#""\ ""#, .invalidEscape, at: 1),
        .refuse("\"\\\u{e9}\"", .invalidEscape, at: 1),
        .refuse("\"\\\n\"", .invalidEscape, at: 1),
        .refuse(#"{"\q":1}"#, .invalidEscape, at: 2),

        .refuse(#""\u""#, .invalidUnicodeEscape, at: 3),
        .refuse(#""\u12""#, .invalidUnicodeEscape, at: 3),
        .refuse(#""\u12G4""#, .invalidUnicodeEscape, at: 3),
        .refuse(#""\u 123""#, .invalidUnicodeEscape, at: 3),
        .refuse(#""\u+123""#, .invalidUnicodeEscape, at: 3),
        .refuse(#""\u{41}""#, .invalidUnicodeEscape, at: 3),
        .refuse(#""\u00"#, .invalidUnicodeEscape, at: 3),
        .refuse(#""a\uD83D\uDE0""#, .invalidUnicodeEscape, at: 10),
        .refuse(#""\uD800\u""#, .invalidUnicodeEscape, at: 9),

        // RFC 8259 leaves lone surrogates open; they are no Unicode text, so they are refused.
        .refuse(#""\uD800""#, .loneSurrogate, at: 1),
        .refuse(#""\uDBFF""#, .loneSurrogate, at: 1),
        .refuse(#""\uDC00""#, .loneSurrogate, at: 1),
        .refuse(#""\uDFFFx""#, .loneSurrogate, at: 1),
        .refuse(#""\uDC00\uD800""#, .loneSurrogate, at: 1),
        .refuse(#""\uD800\uD800""#, .loneSurrogate, at: 1),
        .refuse(#""\uD800\u0041""#, .loneSurrogate, at: 1),
        .refuse(#""\uD800a""#, .loneSurrogate, at: 1),
        .refuse(#""\uD800\n""#, .loneSurrogate, at: 1),
        .refuse(#""\uD800\\uDC00""#, .loneSurrogate, at: 1),
        .refuse(#"["ok","ab\uDEAD"]"#, .loneSurrogate, at: 9),
        .refuse("\"\u{1F600}\\uD83D\"", .loneSurrogate, at: 5),
    ]
}
