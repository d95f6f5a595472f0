/// A value as canonical JSON text: no white space, no equal keys. It is what the store keeps and what a response shows.
package struct JSONText: Sendable, Hashable {
    package let bytes: [UInt8]

    /// The caller vouches that the bytes are one canonical value: they come from a writer, a slice, or the store.
    package init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A string as a JSON literal.
    package init(_ string: String) {
        var bytes: [UInt8] = []
        appendJSONString(string, to: &bytes)
        self.bytes = bytes
    }

    package static let null = JSONText(unchecked: Array("null".utf8))
    package static let emptyObject = JSONText(unchecked: Array("{}".utf8))
    package static let emptyArray = JSONText(unchecked: Array("[]".utf8))

    /// The value to look into.
    package var slice: JSONSlice { JSONSlice(text: bytes, range: 0..<bytes.count) }

    package var string: String { String(decoding: bytes, as: UTF8.self) }
}

/// An object to change member by member; members that are not touched stay as they were written.
package struct JSONObject: Sendable {
    package typealias Member = (name: String, key: JSONText, value: JSONText)

    package private(set) var members: [Member]

    package init() {
        members = []
    }

    /// Takes an object apart; any other kind gives an empty one.
    package init(_ slice: JSONSlice) {
        members = slice.members.map { member in
            (member.key.string ?? "", JSONText(unchecked: Array(member.key.raw)), member.value.canonical)
        }
    }

    package subscript(name: String) -> JSONText? {
        get { index(of: name).map { members[$0].value } }
        set {
            switch (index(of: name), newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append((name, JSONText(name), value))
            case (nil, nil): break
            }
        }
    }

    package var text: JSONText {
        var writer = JSONWriter(capacity: 256)
        writer.object { writer in
            for member in members { writer.member(key: member.key, member.value) }
        }
        return writer.text
    }

    /// By UTF-8, since `String`'s equality would take differently composed keys for one.
    private func index(of name: String) -> Int? {
        members.firstIndex { $0.name.utf8.elementsEqual(name.utf8) }
    }
}
