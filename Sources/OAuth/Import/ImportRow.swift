package import Connections
package import LosslessJSON

/// One connection that is to move in, with what is known of its grant: a line of an import, checked as far as it can be without
/// the store.
package struct ImportRow: Sendable {
    /// From 1, for the result.
    package let line: Int
    package let integration: String
    package let authMethodID: String?
    package let externalID: String
    package let userID: String?
    /// A JSON string.
    package let label: JSONText?
    package let config: JSONObject?
    /// A JSON array of strings.
    package let tags: JSONText?
    package let metadata: JSONText?
    /// The tokens by the names of RFC 6749; `expires_at` as RFC 3339.
    package let credentials: JSONObject
    package let scopes: [String]?
    /// The client that obtained the grant.
    package let clientID: String?
    package let appID: OAuthAppID?

    package var hasRefreshToken: Bool { Tokens(data: credentials)?.refreshToken != nil }

    /// Throws every problem at once. None repeats a value.
    package init(_ slice: JSONSlice, line: Int) throws(ImportRefusal) {
        var fields = try ImportFields(slice)
        self.line = line
        integration = fields.text("integration", 1...64, isRequired: true) ?? ""
        authMethodID = fields.text("auth_method_id", 1...64)
        externalID = fields.text("external_id", 1...255, isRequired: true) ?? ""
        userID = fields.text("user_id", 1...255)
        label = fields.literal("label", maxLength: 255)
        config = fields.object("config")
        tags = fields.texts("tags", count: 64, length: 1...64)?.json
        metadata = fields.object("metadata")?.text
        credentials = fields.credentials()
        scopes = fields.texts("scopes", count: 200, length: 1...512)?.values
        clientID = fields.text("client_id", 1...1_024)
        appID = fields.appID()
        try fields.finish()
    }
}

/// Why a row is not taken, in sentences that repeat no value of it.
package struct ImportRefusal: Error, Sendable {
    package let errors: [String]

    package init(_ errors: [String]) { self.errors = errors }
}

/// Reads the members of one row and collects what is wrong with them. Unlike a body of the API, a row may have no member that
/// nobody reads: what is misspelt would be lost on the way.
private struct ImportFields {
    private let object: JSONObject
    private var known: [String] = []
    private var problems: [String] = []

    init(_ slice: JSONSlice) throws(ImportRefusal) {
        guard slice.kind == .object else { throw ImportRefusal(["A row is a JSON object"]) }
        object = JSONObject(slice)
    }

    func finish() throws(ImportRefusal) {
        var problems = problems
        if object.members.contains(where: { !known.contains($0.name) }) {
            problems.append("Unknown fields: a row has \(known.joined(separator: ", "))")
        }
        guard problems.isEmpty else { throw ImportRefusal(problems) }
    }

    /// `nil` where it is absent or null.
    private mutating func member(_ name: String) -> JSONSlice? {
        known.append(name)
        guard let value = object[name], value != .null else { return nil }
        return value.slice
    }

    private mutating func refuse(_ name: String, _ reason: String) {
        problems.append("Field '\(name)' \(reason)")
    }

    mutating func text(_ name: String, _ length: ClosedRange<Int>, isRequired: Bool = false) -> String? {
        guard let slice = member(name) else {
            if isRequired { refuse(name, "is required") }
            return nil
        }
        guard let text = Self.text(slice, length) else {
            refuse(name, "must be text of \(length.lowerBound) to \(length.upperBound) characters")
            return nil
        }
        return text
    }

    /// U+0000 is refused, since not every engine keeps it.
    private static func text(_ slice: JSONSlice, _ length: ClosedRange<Int>) -> String? {
        guard let count = slice.codePointCount, length.contains(count), let text = slice.string,
            !text.utf8.contains(0)
        else { return nil }
        return text
    }

    mutating func literal(_ name: String, maxLength: Int) -> JSONText? {
        guard let slice = member(name) else { return nil }
        guard let count = slice.codePointCount, count <= maxLength else {
            refuse(name, "must be text of at most \(maxLength) characters")
            return nil
        }
        return slice.canonical
    }

    mutating func object(_ name: String) -> JSONObject? {
        guard let slice = member(name) else { return nil }
        guard slice.kind == .object else {
            refuse(name, "must be an object")
            return nil
        }
        return JSONObject(slice)
    }

    mutating func texts(
        _ name: String, count: Int, length: ClosedRange<Int>
    ) -> (values: [String], json: JSONText)? {
        guard let slice = member(name) else { return nil }
        let values = slice.elements.compactMap { Self.text($0, length) }
        guard slice.kind == .array, values.count == slice.elements.count, values.count <= count else {
            let size = "\(length.lowerBound) to \(length.upperBound) characters"
            refuse(name, "must be a list of up to \(count) texts of \(size)")
            return nil
        }
        return (values, slice.canonical)
    }

    mutating func credentials() -> JSONObject {
        guard let given = object("credentials") else {
            if object["credentials"] ?? .null == .null { refuse("credentials", "is required") }
            return JSONObject()
        }
        var credentials = JSONObject()
        for member in given.members where member.value != .null { credentials[member.name] = member.value }
        guard let end = credentials["expires_at"] else { return credentials }
        if let time = Self.instant(end) {
            credentials["expires_at"] = JSONText(time.rfc3339)
        } else {
            refuse("credentials.expires_at", "must be a time as in 2026-01-31T12:00:00Z, or seconds since 1970")
        }
        return credentials
    }

    /// Besides what the API takes, milliseconds since 1970, which many tables of tokens hold.
    private static func instant(_ value: JSONText) -> Timestamp? {
        let text = value.slice.string ?? value.string
        guard let number = Double(text), number >= 1e11, number < 1e15 else { return Tokens.instant(value) }
        return Timestamp(microseconds: Int64(number * 1_000))
    }

    mutating func appID() -> OAuthAppID? {
        guard let text = text("app_id", 1...64) else { return nil }
        guard let id = OAuthAppID(text) else {
            refuse("app_id", "must be the id of an OAuth app")
            return nil
        }
        return id
    }
}
