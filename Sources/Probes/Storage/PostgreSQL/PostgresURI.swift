/// Takes a connection URI apart the way libpq does, and stricter: escapes must be whole, and nothing may be read in two ways.
/// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
enum PostgresURI {
    private static let schemes = ["postgresql://", "postgres://"]

    /// `nil` for what does not begin like one.
    static func parameters(
        _ text: String
    ) throws(PostgresLogin.Problem) -> [(name: String, value: String)]? {
        guard let scheme = schemes.first(where: text.hasPrefix) else { return nil }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw .malformed }
        var rest = text.utf8.dropFirst(scheme.utf8.count)
        var found: [(name: String, value: String)] = []

        // User and password end at the first @ before the first slash. A second one would be taken for a part of the host by some
        // and for a part of the password by others, so it is refused there.
        let beforeSlash = rest.prefix { $0 != UInt8(ascii: "/") }
        if let at = beforeSlash.firstIndex(of: UInt8(ascii: "@")) {
            let user = rest[..<at].prefix { $0 != UInt8(ascii: ":") }
            found.append(("user", try decoded(user)))
            if user.endIndex != at {
                found.append(("password", try decoded(rest[user.endIndex..<at].dropFirst())))
            }
            rest = rest[at...].dropFirst()
        }

        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        rest = rest[authority.endIndex...]
        found += try hostAndPort(authority)
        if rest.first == UInt8(ascii: "/") {
            let database = rest.dropFirst().prefix { $0 != UInt8(ascii: "?") }
            rest = rest[database.endIndex...]
            found.append(("dbname", try decoded(database)))
        }
        if rest.first == UInt8(ascii: "?") { found += try query(rest.dropFirst()) }
        return found
    }

    private typealias Bytes = Substring.UTF8View

    private static func hostAndPort(
        _ authority: Bytes
    ) throws(PostgresLogin.Problem) -> [(name: String, value: String)] {
        if authority.isEmpty { return [] }
        if authority.contains(UInt8(ascii: ",")) { throw .unsupported }
        let host: Bytes
        var rest: Bytes
        if authority.first == UInt8(ascii: "[") {
            guard let bracket = authority.firstIndex(of: UInt8(ascii: "]")) else { throw .malformed }
            host = authority[..<bracket].dropFirst()
            guard host.contains(UInt8(ascii: ":")) else { throw .malformed }
            rest = authority[bracket...].dropFirst()
        } else {
            host = authority.prefix { $0 != UInt8(ascii: ":") }
            rest = authority[host.endIndex...]
        }
        guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { throw .malformed }
        rest = rest.dropFirst()
        return [("host", try decoded(host)), ("port", try decoded(rest))].filter { !$0.1.isEmpty }
    }

    private static func query(
        _ text: Bytes
    ) throws(PostgresLogin.Problem) -> [(name: String, value: String)] {
        if text.isEmpty { return [] }
        var found: [(name: String, value: String)] = []
        for part in text.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false) {
            let pair = part.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
            guard pair.count == 2 else { throw .malformed }
            found.append((try decoded(pair[0]), try decoded(pair[1])))
        }
        return found
    }

    private static func decoded(_ bytes: Bytes) throws(PostgresLogin.Problem) -> String {
        var rest = bytes[...]
        var result: [UInt8] = []
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit),
                high << 4 | low != 0
            else { throw .malformed }
            result.append(high << 4 | low)
        }
        guard let text = String(validating: result, as: UTF8.self) else { throw .malformed }
        return text
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
