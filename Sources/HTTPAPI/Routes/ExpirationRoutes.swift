import Connections
import HTTPTypes
import LosslessJSON

extension API {
    var expirationRoutes: [Route] {
        [.api(.get, "/expirations", "list_expirations", .read, listExpirations)]
    }

    private func listExpirations(_ call: Call) async throws -> Answer {
        var query = call.query
        let now = ambient.now()
        let through = now.advanced(bySeconds: query.span("within", default: "30d", maxDays: 365))
        let kind: Expiration.Kind? = query.word("kind")
        var wanted = ExpirationQuery(
            workspace: call.workspace, from: now, through: through,
            limit: query.integer("limit", default: 100, 1...QueryReader.maxLimit))
        if let text = query.text("cursor") {
            wanted.after = ExpirationCursor.decode(text)
            if wanted.after == nil { query.refuse("cursor", "use next_cursor of an earlier page as it came") }
        }
        try query.finish()
        if let kind { wanted.kinds = [kind] }
        wanted.includesInstance = call.principal.isInstanceWide
        // The keys of all tenants' users are the operator's matter.
        let jwtKeys = wanted.includesInstance ? authenticator.users?.expirations ?? [] : []
        let page = try await checks.expirations.page(wanted, besides: jwtKeys)
        return .json { json in
            json.object { json in
                json.key("expirations")
                json.array(page.expirations) { json, expiration in json.expiration(expiration) }
                json.key("until")
                json.time(through)
                json.key("next_cursor")
                json.value(page.next.map(ExpirationCursor.encode))
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func expiration(_ expiration: Expiration) {
        object { json in
            json.key("kind")
            json.value(expiration.kind.rawValue)
            json.key("expires_at")
            json.time(expiration.expiresAt)
            json.key("subject_id")
            json.value(expiration.subject)
            json.key("connection_ids")
            json.array(expiration.connections) { json, id in json.id(id) }
            json.key("label")
            json.value(expiration.label)
            json.key("renews_itself")
            json.value(expiration.renewsItself)
        }
    }
}

extension QueryReader {
    /// A span of days or hours, such as `30d`, in seconds.
    fileprivate mutating func span(_ name: String, default fallback: String, maxDays: Int64) -> Int64 {
        let text = text(name) ?? fallback
        let unit: Int64? = text.hasSuffix("d") ? 86_400 : text.hasSuffix("h") ? 3_600 : nil
        let digits = text.utf8.dropLast()
        if let unit, digits.first != UInt8(ascii: "0"), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int64(text.dropLast()), (1...maxDays * 86_400 / unit).contains(number)
        {
            return number * unit
        }
        refuse(name, "use a number of days or hours, such as 30d or 12h, up to \(maxDays)d")
        return 0
    }
}
