import Connections

/// What a server says of when to come again (RFC 9110, 10.2.3): seconds, or a date.
enum RetryAfter {
    /// In seconds from `now`; `nil` where it says nothing that can be read.
    static func seconds(_ header: String, now: Timestamp) -> Int? {
        let text = header.drop { $0 == " " }
        if !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) { return Int(text) ?? .max }
        guard let date = date(text) else { return nil }
        return Int(max(0, date.microseconds - now.microseconds) / 1_000_000)
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Of the form `Sun, 06 Nov 1994 08:49:37 GMT`, the only one that is still to be sent (RFC 9110, 5.6.7).
    private static func date(_ text: Substring) -> Timestamp? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", words[1].count == 2,
            let month = months.firstIndex(where: { $0 == words[2] })
        else { return nil }
        return Timestamp(rfc3339: "\(words[3])-\(month < 9 ? "0" : "")\(month + 1)-\(words[1])T\(words[4])Z")
    }
}
