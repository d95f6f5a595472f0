import Connections

/// A SAS token: what follows the question mark of a URL that Azure Storage made.
/// https://learn.microsoft.com/en-us/rest/api/storageservices/delegate-access-with-shared-access-signature
struct SharedAccessSignature: Sendable {
    /// As it goes into a query.
    let text: String
    private let parameters: [String: String]

    /// `nil` for what is not one, or would say what is to be done besides who does it.
    init?(_ token: String) {
        let text = token.hasPrefix("?") ? String(token.dropFirst()) : token
        guard (1...4_096).contains(text.utf8.count), text.utf8.allSatisfy(Self.isQueryCharacter) else { return nil }
        var parameters: [String: String] = [:]
        for part in text.split(separator: "&", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, (2...16).contains(pair[0].utf8.count), pair[0].utf8.allSatisfy(Self.isLetter),
                !["comp", "restype", "maxresults"].contains(pair[0]),
                parameters.updateValue(String(pair[1]), forKey: String(pair[0])) == nil
            else { return nil }
        }
        guard parameters["sig"]?.isEmpty == false, parameters["sv"] != nil else { return nil }
        self.text = text
        self.parameters = parameters
    }

    /// Whether it is for something smaller than a container, which a list says nothing of.
    var isForOneBlob: Bool { parameters["sr"].map { $0 != "c" } ?? false }

    /// When it ends, where it says so itself rather than by a policy of the container.
    var expiresAt: Timestamp? {
        guard let end = parameters["se"]?.replacing("%3A", with: ":").replacing("%3a", with: ":") else { return nil }
        switch end.utf8.count {
        case 10: return Timestamp(rfc3339: "\(end)T00:00:00Z")
        case 17: return Timestamp(rfc3339: "\(end.dropLast()):00Z")
        default: return Timestamp(rfc3339: end)
        }
    }

    /// What RFC 3986 lets stand in a query, escapes included.
    private static func isQueryCharacter(_ byte: UInt8) -> Bool {
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || "-._~!$&'()*+,;=:@/?%".utf8.contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}
