import LosslessJSON
import Testing

/// A text, and what must become of it.
struct TextCase: CustomTestStringConvertible, Sendable {
    enum Outcome: Sendable {
        case accepted(canonical: [UInt8])
        case refused(JSONError)
    }

    let text: [UInt8]
    let outcome: Outcome

    /// Taken; what comes back is the same text unless `canonical` says otherwise.
    static func accept(_ text: String, canonical: String? = nil) -> TextCase {
        TextCase(text: Array(text.utf8), outcome: .accepted(canonical: Array((canonical ?? text).utf8)))
    }

    static func refuse(_ text: String, _ code: JSONError.Code, at offset: Int) -> TextCase {
        TextCase(text: Array(text.utf8), outcome: .refused(JSONError(code, at: offset)))
    }

    /// A string whose content is these bytes.
    static func acceptContent(_ content: [UInt8]) -> TextCase {
        let text: [UInt8] = [0x22] + content + [0x22]
        return TextCase(text: text, outcome: .accepted(canonical: text))
    }

    /// A string whose content is these bytes, refused as bad UTF-8 at the offset in the whole text.
    static func refuseContent(_ content: [UInt8], at offset: Int = 1) -> TextCase {
        let text: [UInt8] = [0x22] + content + [0x22]
        return TextCase(text: text, outcome: .refused(JSONError(.invalidUTF8, at: offset)))
    }

    static func refuseBytes(_ text: [UInt8], _ code: JSONError.Code, at offset: Int) -> TextCase {
        TextCase(text: text, outcome: .refused(JSONError(code, at: offset)))
    }

    /// The text where it is short, with everything but plain ASCII as numbers.
    var testDescription: String {
        let shown = text.prefix(60).map { byte in
            byte >= 0x20 && byte < 0x7F ? String(UnicodeScalar(byte)) : "<\(String(byte, radix: 16))>"
        }
        return shown.joined() + (text.count > 60 ? "… (\(text.count) bytes)" : "")
    }

    func check(limits: JSONLimits = JSONLimits()) throws {
        switch outcome {
        case .accepted(let canonical):
            let slice = try JSONSlice(parsing: text, limits: limits)
            #expect(slice.canonical.bytes == canonical, "\(slice.canonical.string)")
        case .refused(let error):
            #expect(throws: error) { try JSONSlice(parsing: text, limits: limits) }
        }
    }
}
