/// One value of a text that was checked: its place in the bytes, and ways to look into it.
///
/// It holds no tree. Looking into it walks the bytes again, which is cheap because they are known to be well-formed.
package struct JSONSlice: Sendable {
    package enum Kind: Sendable { case object, array, string, number, boolean, null }

    let text: [UInt8]
    let range: Range<Int>

    init(text: [UInt8], range: Range<Int>) {
        self.text = text
        self.range = range
    }

    /// Checks the whole text and returns its one value.
    package init(parsing text: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        var scanner = JSONScanner(text, limits: limits)
        let range = try scanner.scanDocument()
        self.init(text: text, range: range)
    }

    package var kind: Kind {
        switch text[range.lowerBound] {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// The bytes as they were written.
    package var raw: ArraySlice<UInt8> { text[range] }

    /// The value without white space, each object's equal keys resolved; numbers, strings and order as written.
    package var canonical: JSONText {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        writeCanonical(to: &bytes)
        return JSONText(unchecked: bytes)
    }

    private func writeCanonical(to bytes: inout [UInt8]) {
        switch kind {
        case .object:
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.append(contentsOf: member.key.raw)
                bytes.append(UInt8(ascii: ":"))
                member.value.writeCanonical(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        case .array:
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.writeCanonical(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        default:
            bytes.append(contentsOf: raw)
        }
    }

    // MARK: Strings

    /// The string's characters as UTF-8, escapes resolved; `nil` for any other kind.
    package var utf8: [UInt8]? {
        guard kind == .string else { return nil }
        let content = text[(range.lowerBound + 1)..<(range.upperBound - 1)]
        guard content.contains(UInt8(ascii: "\\")) else { return Array(content) }
        return unescape(content)
    }

    /// The string's characters; `nil` for any other kind.
    package var string: String? {
        utf8.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Unicode code points in the string, which is how the contract counts length; `nil` for any other kind.
    package var codePointCount: Int? {
        utf8?.count { $0 & 0xC0 != 0x80 }
    }

    package var boolean: Bool? {
        kind == .boolean ? text[range.lowerBound] == UInt8(ascii: "t") : nil
    }

    // MARK: Containers

    /// The members of an object in order. Of equal keys the last value stands, at the first one's place;
    /// keys are compared by their characters, so `"\u0061"` equals `"a"`.
    package var members: [(key: JSONSlice, value: JSONSlice)] {
        guard kind == .object else { return [] }
        var found: [(key: JSONSlice, value: JSONSlice)] = []
        var places: [[UInt8]: Int] = [:]
        var cursor = JSONCursor(text: text, position: range.lowerBound + 1)
        while let key = cursor.nextElement(closing: UInt8(ascii: "}")) {
            let value = cursor.memberValue()
            let name = key.utf8 ?? []
            if let place = places[name] {
                found[place].value = value
            } else {
                places[name] = found.count
                found.append((key, value))
            }
        }
        return found
    }

    /// The elements of an array in order.
    package var elements: [JSONSlice] {
        guard kind == .array else { return [] }
        var found: [JSONSlice] = []
        var cursor = JSONCursor(text: text, position: range.lowerBound + 1)
        while let element = cursor.nextElement(closing: UInt8(ascii: "]")) { found.append(element) }
        return found
    }
}

/// Resolves the escapes of a checked string's content.
private func unescape(_ content: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(content.count)
    var index = content.startIndex
    func hexUnit(at start: Int) -> UInt32 {
        content[start..<(start + 4)].reduce(0) { $0 << 4 | UInt32(hexDigitValue($1) ?? 0) }
    }
    while index < content.endIndex {
        let byte = content[index]
        guard byte == UInt8(ascii: "\\") else {
            result.append(byte)
            index += 1
            continue
        }
        let escaped = content[index + 1]
        index += 2
        switch escaped {
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = hexUnit(at: index)
            index += 4
            if scalar & 0xFC00 == 0xD800 {
                scalar = 0x10000 + (scalar & 0x3FF) << 10 + (hexUnit(at: index + 2) & 0x3FF)
                index += 6
            }
            result.append(contentsOf: Character(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
        default: result.append(escaped)
        }
    }
    return result
}
