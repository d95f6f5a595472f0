/// Takes a connection string of keywords and values apart: `host=db.example.com password='it''s'`, with a backslash before
/// quotes and backslashes. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE
enum PostgresKeywords {
    static func parameters(
        _ text: String
    ) throws(PostgresLogin.Problem) -> [(name: String, value: String)] {
        var rest = text[...]
        var found: [(name: String, value: String)] = []
        while true {
            rest = rest.drop(while: \.isWhitespace)
            if rest.isEmpty { break }
            let name = rest.prefix { $0 != "=" && !$0.isWhitespace }
            rest = rest[name.endIndex...].drop(while: \.isWhitespace)
            guard !name.isEmpty, rest.first == "=" else { throw .malformed }
            rest = rest.dropFirst().drop(while: \.isWhitespace)
            found.append((String(name), try value(&rest)))
        }
        // Nothing at all is no connection string.
        guard !found.isEmpty else { throw .malformed }
        return found
    }

    private static func value(_ rest: inout Substring) throws(PostgresLogin.Problem) -> String {
        let isQuoted = rest.first == "'"
        if isQuoted { rest.removeFirst() }
        var value = ""
        while let character = rest.first {
            if isQuoted ? character == "'" : character.isWhitespace { break }
            rest.removeFirst()
            if character == "\\" {
                guard let escaped = rest.popFirst() else { throw .malformed }
                value.append(escaped)
            } else {
                value.append(character)
            }
        }
        if isQuoted, rest.popFirst() != "'" { throw .malformed }
        return value
    }
}
