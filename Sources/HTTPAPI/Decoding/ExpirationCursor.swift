import Connections

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A place in the calendar, in letters that need no escaping. It tells nothing that was not on the page before it.
enum ExpirationCursor {
    private static let prefix = "e1_"
    /// A key's id is its issuer's to choose.
    private static let maxLength = 1_024

    static func encode(_ place: Expiration.Place) -> String {
        let text = "\(place.time.microseconds) \(place.kind.rawValue) \(place.subject)"
        return prefix
            + Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    static func decode(_ text: String) -> Expiration.Place? {
        guard text.hasPrefix(prefix), text.utf8.count <= maxLength else { return nil }
        let letters = text.dropFirst(prefix.count).replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - letters.count % 4) % 4)
        guard let data = Data(base64Encoded: letters + padding),
            let plain = String(validating: data, as: UTF8.self)
        else { return nil }
        let parts = plain.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let microseconds = Int64(parts[0]),
            let kind = Expiration.Kind(rawValue: String(parts[1]))
        else { return nil }
        return Expiration.Place(
            time: Timestamp(microseconds: microseconds), kind: kind, subject: String(parts[2]))
    }
}
