/// Checks a text against RFC 8259 in one pass, without building anything.
///
/// Errors are found where Python's scanner finds them: a number ends at the first character that cannot belong to it,
/// so `01` is "extra data" at the second digit rather than a rule about leading zeros.
struct JSONScanner {
    private let text: [UInt8]
    private let limits: JSONLimits
    private(set) var position = 0

    init(_ text: [UInt8], limits: JSONLimits) {
        self.text = text
        self.limits = limits
    }

    /// Returns the range of the one value that the text holds.
    mutating func scanDocument() throws(JSONError) -> Range<Int> {
        guard text.count <= limits.size else { throw JSONError(.tooLarge, at: limits.size) }
        if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF {
            throw JSONError(.byteOrderMark, at: 0)
        }
        skipWhitespace()
        let start = position
        try scanValue(depth: 0)
        let end = position
        skipWhitespace()
        guard position == text.count else { throw JSONError(.extraData, at: position) }
        return start..<end
    }

    private mutating func scanValue(depth: Int) throws(JSONError) {
        switch peek {
        case UInt8(ascii: "{"): try scanObject(depth: depth + 1)
        case UInt8(ascii: "["): try scanArray(depth: depth + 1)
        case UInt8(ascii: "\""): try scanString()
        case UInt8(ascii: "t"): try scanLiteral("true")
        case UInt8(ascii: "f"): try scanLiteral("false")
        case UInt8(ascii: "n"): try scanLiteral("null")
        default: try scanNumber()
        }
    }

    private mutating func scanObject(depth: Int) throws(JSONError) {
        try enter(depth)
        skipWhitespace()
        if take(UInt8(ascii: "}")) { return }
        while true {
            guard peek == UInt8(ascii: "\"") else { throw JSONError(.expectingPropertyName, at: position) }
            try scanString()
            skipWhitespace()
            guard take(UInt8(ascii: ":")) else { throw JSONError(.expectingColon, at: position) }
            skipWhitespace()
            try scanValue(depth: depth)
            skipWhitespace()
            if take(UInt8(ascii: "}")) { return }
            guard take(UInt8(ascii: ",")) else { throw JSONError(.expectingComma, at: position) }
            skipWhitespace()
        }
    }

    private mutating func scanArray(depth: Int) throws(JSONError) {
        try enter(depth)
        skipWhitespace()
        if take(UInt8(ascii: "]")) { return }
        while true {
            try scanValue(depth: depth)
            skipWhitespace()
            if take(UInt8(ascii: "]")) { return }
            guard take(UInt8(ascii: ",")) else { throw JSONError(.expectingComma, at: position) }
            skipWhitespace()
        }
    }

    private mutating func enter(_ depth: Int) throws(JSONError) {
        guard depth <= limits.depth else { throw JSONError(.tooDeep, at: position) }
        position += 1
    }

    private mutating func scanLiteral(_ word: StaticString) throws(JSONError) {
        let start = position
        for index in 0..<word.utf8CodeUnitCount {
            guard peek == word.utf8Start[index] else { throw JSONError(.expectingValue, at: start) }
            position += 1
        }
    }

    // MARK: Numbers

    private mutating func scanNumber() throws(JSONError) {
        let start = position
        _ = take(UInt8(ascii: "-"))
        guard take(UInt8(ascii: "0")) || skipDigits() > 0 else { throw JSONError(.expectingValue, at: start) }
        let integerEnd = position
        if take(UInt8(ascii: ".")), skipDigits() == 0 { position = integerEnd }
        let fractionEnd = position
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            if skipDigits() == 0 { position = fractionEnd }
        }
        guard position - start <= limits.numberLength else { throw JSONError(.numberTooLong, at: start) }
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        return position - start
    }

    // MARK: Strings

    private mutating func scanString() throws(JSONError) {
        let start = position
        position += 1
        while position < text.count {
            let byte = text[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"):
                try scanEscape(stringStart: start)
            case 0x00..<0x20:
                throw JSONError(.controlCharacter, at: position)
            case 0x20..<0x80:
                position += 1
            default:
                try scanMultibyte(lead: byte)
            }
        }
        throw JSONError(.unterminatedString, at: start)
    }

    private mutating func scanEscape(stringStart: Int) throws(JSONError) {
        let start = position
        position += 1
        guard let escaped = peek else { throw JSONError(.unterminatedString, at: stringStart) }
        position += 1
        switch escaped {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        case UInt8(ascii: "u"):
            let unit = try scanHexUnit()
            guard unit & 0xF800 == 0xD800 else { return }
            guard unit < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                throw JSONError(.loneSurrogate, at: start)
            }
            guard try scanHexUnit() & 0xFC00 == 0xDC00 else { throw JSONError(.loneSurrogate, at: start) }
        default:
            throw JSONError(.invalidEscape, at: start)
        }
    }

    private mutating func scanHexUnit() throws(JSONError) -> UInt16 {
        let start = position
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = hexDigitValue(byte) else {
                throw JSONError(.invalidUnicodeEscape, at: start)
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }

    /// Well-formed sequences by table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing past U+10FFFF.
    private mutating func scanMultibyte(lead: UInt8) throws(JSONError) {
        let second: ClosedRange<UInt8>
        let length: Int
        switch lead {
        case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
        case 0xE0: (second, length) = (0xA0...0xBF, 3)
        case 0xE1...0xEC, 0xEE...0xEF: (second, length) = (0x80...0xBF, 3)
        case 0xED: (second, length) = (0x80...0x9F, 3)
        case 0xF0: (second, length) = (0x90...0xBF, 4)
        case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
        case 0xF4: (second, length) = (0x80...0x8F, 4)
        default: throw JSONError(.invalidUTF8, at: position)
        }
        guard position + length <= text.count, second.contains(text[position + 1]) else {
            throw JSONError(.invalidUTF8, at: position)
        }
        for index in 2..<max(2, length) where text[position + index] & 0xC0 != 0x80 {
            throw JSONError(.invalidUTF8, at: position)
        }
        position += length
    }

    // MARK: Characters

    private var peek: UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipWhitespace() {
        while position < text.count, isJSONWhitespace(text[position]) { position += 1 }
    }
}

@inline(__always)
func isJSONWhitespace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
}

func hexDigitValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
