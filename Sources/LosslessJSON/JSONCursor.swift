/// Steps over the parts of a container in a text that was checked.
struct JSONCursor {
    let text: [UInt8]
    var position: Int

    /// The next element or key, or `nil` at the closing bracket.
    mutating func nextElement(closing: UInt8) -> JSONSlice? {
        while isJSONWhitespace(text[position]) || text[position] == UInt8(ascii: ",") { position += 1 }
        if text[position] == closing { return nil }
        return nextValue()
    }

    /// The value that belongs to the key just read.
    mutating func memberValue() -> JSONSlice {
        while text[position] != UInt8(ascii: ":") { position += 1 }
        position += 1
        while isJSONWhitespace(text[position]) { position += 1 }
        return nextValue()
    }

    private mutating func nextValue() -> JSONSlice {
        let start = position
        switch text[position] {
        case UInt8(ascii: "\""): skipString()
        case UInt8(ascii: "{"), UInt8(ascii: "["): skipContainer()
        default: skipScalar()
        }
        return JSONSlice(text: text, range: start..<position)
    }

    private mutating func skipString() {
        position += 1
        while text[position] != UInt8(ascii: "\"") {
            position += text[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
    }

    private mutating func skipContainer() {
        var depth = 0
        repeat {
            switch text[position] {
            case UInt8(ascii: "\""):
                skipString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
        } while depth > 0
    }

    private mutating func skipScalar() {
        while position < text.count, !Self.endsScalar(text[position]) { position += 1 }
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || isJSONWhitespace(byte)
    }
}
