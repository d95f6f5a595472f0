/// The error document that S3 and Azure Storage answer with. Nothing is read of it but single elements that are known to be
/// plain words, since it quotes what was asked.
struct StorageError: Sendable {
    private let document: [UInt8]

    /// Errors are far shorter.
    private static let maxSize = 16_384

    /// `nil` for what is not such a document.
    init?(_ body: [UInt8]) {
        let document = body.prefix(Self.maxSize)
        guard document.firstRange(of: Array("<Error".utf8)) != nil else { return nil }
        self.document = Array(document)
    }

    /// At most 64 letters and digits.
    var code: String? { element("Code").flatMap(Self.code) }

    /// Where AWS says which region it would have liked.
    var region: String? { element("Region").flatMap { S3Bucket.isRegion($0) ? $0 : nil } }

    /// A provider's code as it may be kept: at most 64 letters and digits.
    static func code(_ text: String) -> String? {
        let isCode =
            (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: false
                }
            }
        return isCode ? text : nil
    }

    /// The text of the first element of that name, where it has no attributes and no elements of its own.
    private func element(_ name: String) -> String? {
        guard let start = document.firstRange(of: Array("<\(name)>".utf8)) else { return nil }
        let content = document[start.upperBound...].prefix { $0 != UInt8(ascii: "<") }
        guard document[content.endIndex...].starts(with: Array("</\(name)>".utf8)) else { return nil }
        return String(decoding: content, as: UTF8.self)
    }
}
