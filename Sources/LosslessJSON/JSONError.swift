/// Why a text was refused, and where. The words are those of Python's `json` module where it has some,
/// because the API answers in FastAPI's words.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case expectingValue = "Expecting value"
        case expectingPropertyName = "Expecting property name enclosed in double quotes"
        case expectingColon = "Expecting ':' delimiter"
        case expectingComma = "Expecting ',' delimiter"
        case extraData = "Extra data"
        case unterminatedString = "Unterminated string starting at"
        case controlCharacter = "Invalid control character at"
        case invalidEscape = "Invalid \\escape"
        case invalidUnicodeEscape = "Invalid \\uXXXX escape"
        case loneSurrogate = "Lone surrogate in string"
        case invalidUTF8 = "Invalid UTF-8"
        case byteOrderMark = "Unexpected byte order mark"
        case tooDeep = "Nested too deep"
        case numberTooLong = "Number too long"
        case tooLarge = "Text too large"
    }

    package let code: Code
    /// In bytes from the start of the text.
    package let offset: Int

    package init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }

    /// Safe to show: it repeats nothing of the text.
    package var description: String { "\(code.rawValue) (byte \(offset))" }
}

/// Limits past which a text is refused rather than read.
package struct JSONLimits: Sendable {
    /// Bytes of the whole text.
    package var size: Int
    /// Nested arrays and objects, the outermost counting as one.
    package var depth: Int
    /// Characters of one number as written.
    package var numberLength: Int

    package init(size: Int = 1 << 20, depth: Int = 64, numberLength: Int = 1_000) {
        self.size = size
        self.depth = depth
        self.numberLength = numberLength
    }
}
