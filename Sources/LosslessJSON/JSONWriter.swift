/// Writes JSON straight into bytes, commas included.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init(capacity: Int = 512) {
        bytes.reserveCapacity(capacity)
    }

    package var text: JSONText { JSONText(unchecked: bytes) }

    // MARK: Containers

    package mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try container(open: UInt8(ascii: "{"), close: UInt8(ascii: "}"), body)
    }

    package mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try container(open: UInt8(ascii: "["), close: UInt8(ascii: "]"), body)
    }

    package mutating func array<Elements: Sequence>(
        _ elements: Elements, _ body: (inout JSONWriter, Elements.Element) throws -> Void
    ) rethrows {
        try array { writer in
            for element in elements { try body(&writer, element) }
        }
    }

    /// Opens an object that is closed by `end`, for a writer that outlives one function.
    package mutating func begin() { open(UInt8(ascii: "{")) }

    package mutating func end() { close(UInt8(ascii: "}")) }

    private mutating func container(
        open opening: UInt8, close closing: UInt8, _ body: (inout JSONWriter) throws -> Void
    ) rethrows {
        open(opening)
        try body(&self)
        close(closing)
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    // MARK: Keys

    /// The name is a literal of ours that needs no escaping.
    package mutating func key(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A name that is not ours. It has a label, since a literal would rather be a `String` than a `StaticString`.
    package mutating func key(escaping name: String) {
        separate()
        appendJSONString(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func member(key: JSONText, _ value: JSONText) {
        separate()
        bytes.append(contentsOf: key.bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
        self.value(value)
    }

    /// What a canonical object holds, as further members of the one that is open.
    package mutating func members(of object: JSONText) {
        let members = object.bytes.dropFirst().dropLast()
        guard !members.isEmpty else { return }
        separate()
        bytes.append(contentsOf: members)
    }

    // MARK: Values

    package mutating func value(_ text: JSONText) {
        separate()
        bytes.append(contentsOf: text.bytes)
    }

    package mutating func value(_ string: String) {
        separate()
        appendJSONString(string, to: &bytes)
    }

    package mutating func value(_ number: Int) {
        separate()
        bytes.append(contentsOf: String(number).utf8)
    }

    package mutating func value(_ boolean: Bool) {
        separate()
        bytes.append(contentsOf: (boolean ? "true" : "false").utf8)
    }

    package mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
    }

    package mutating func value(_ string: String?) {
        if let string { value(string) } else { null() }
    }

    package mutating func value(_ text: JSONText?) {
        if let text { value(text) } else { null() }
    }

    /// A string whose characters need no escaping, written by the caller.
    package mutating func plainString(_ write: (inout [UInt8]) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        write(&bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    package mutating func strings(_ values: some Sequence<String>) {
        array(values) { writer, value in writer.value(value) }
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }
}

/// Appends a string as a JSON literal: quotes, backslashes and control characters escaped, everything else as it is.
func appendJSONString(_ string: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var string = string
    let isPlain = string.withUTF8 { text in
        guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C && $0 != 0x7F }) else { return false }
        bytes.append(contentsOf: text)
        return true
    }
    for byte in isPlain ? "".utf8 : string.utf8 {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0x0A: bytes.append(contentsOf: "\\n".utf8)
        case 0x0D: bytes.append(contentsOf: "\\r".utf8)
        case 0x09: bytes.append(contentsOf: "\\t".utf8)
        case 0x00..<0x20, 0x7F:
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: "\\u00".utf8)
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        default: bytes.append(byte)
        }
    }
    bytes.append(UInt8(ascii: "\""))
}
