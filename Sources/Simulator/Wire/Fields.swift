import LosslessJSON

/// Named values, of a query, a form or a JSON object alike. Of equal names the first counts.
struct Fields: Sendable {
    private var pairs: [(name: String, value: String)] = []

    /// `application/x-www-form-urlencoded`. It splits bytes: splitting characters took a tenth of a refresh.
    init(form bytes: some Collection<UInt8>) {
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            pairs.append((formDecoded(name), formDecoded(pair.dropFirst(name.count + 1))))
        }
    }

    /// The members of an object, strings as they are and everything else as it is written.
    init(_ object: JSONSlice) {
        pairs = object.members.filter { $0.value.kind != .null }.map { member in
            (member.key.string ?? "", member.value.string ?? member.value.canonical.string)
        }
    }

    /// `nil` where it is absent or empty, which RFC 6749, 3.1 takes for the same.
    subscript(name: String) -> String? {
        pairs.first { $0.name == name && !$0.value.isEmpty }?.value
    }

    /// A list with spaces between, as a scope is; some providers take commas.
    func words(_ name: String) -> [String] {
        self[name]?.split { $0 == " " || $0 == "," }.map(String.init) ?? []
    }

    func integer(_ name: String) -> Int? { self[name].flatMap { Int($0) } }
}

/// Resolves `%XX` and `+`; a broken escape stands for itself.
func formDecoded(_ text: some Collection<UInt8>) -> String {
    guard text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
        return String(decoding: text, as: UTF8.self)
    }
    var bytes: [UInt8] = []
    var rest = Array(text)[...]
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
        case UInt8(ascii: "%"):
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                bytes.append(byte)
                continue
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        default: bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Escapes everything but RFC 3986's unreserved characters.
func formEncoded(_ text: String) -> String {
    var bytes: [UInt8] = []
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            bytes.append(byte)
        default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
