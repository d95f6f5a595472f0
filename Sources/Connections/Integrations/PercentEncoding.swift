/// Everything but the unreserved characters of RFC 3986.
package func percentEncoded(_ text: String) -> String { percentEncoded(text, space: "%20") }

/// - Parameter space: what stands for one, which forms write in their own way.
package func percentEncoded(_ text: String, space: StaticString) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            bytes.append(byte)
        case UInt8(ascii: " "): space.withUTF8Buffer { bytes.append(contentsOf: $0) }
        default:
            bytes.append(UInt8(ascii: "%"))
            bytes.append(hexadecimalDigit(byte >> 4))
            bytes.append(hexadecimalDigit(byte & 15))
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

private func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
}
