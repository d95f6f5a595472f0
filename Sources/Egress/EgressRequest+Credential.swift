package import Connections
package import LosslessJSON

extension EgressRequest {
    /// A question whose answer is to be JSON, as the catalog names them.
    package init(
        asking url: String, method: String, headers: [(name: String, value: String)], body: String?,
        purpose: EgressPurpose, timeout: Duration = .seconds(15), maxResponseSize: Int = 1 << 20
    ) {
        func isGiven(_ name: String) -> Bool { headers.contains { $0.name.lowercased() == name } }
        var all = isGiven("accept") ? headers : [(name: "Accept", value: "application/json")] + headers
        if body != nil, !isGiven("content-type") { all.append((name: "Content-Type", value: "application/json")) }
        self.init(
            purpose: purpose, method: method, url: url, headers: all, body: body.map { Array($0.utf8) },
            timeout: timeout, maxResponseSize: maxResponseSize)
    }

    /// Puts a credential in the way its auth method says; a bearer token where the method does not say.
    package mutating func apply(_ method: AuthMethod, data: JSONObject, config: JSONObject) {
        func filled(_ template: String) -> String? {
            fillTemplate(template) { key in
                data.text(at: key) ?? config.text(at: key)
                    ?? method.fields.first { $0.key == key }?.defaultValue.flatMap {
                        JSONText(unchecked: Array($0.utf8)).slice.string
                    }
            }
        }
        let placements =
            method.placements.isEmpty
            ? [.header(name: "Authorization", value: "Bearer {access_token}")] : method.placements
        for placement in placements {
            switch placement {
            case .header(let name, let value):
                guard let name = filled(name), let value = filled(value) else { continue }
                headers.append((name: name, value: value))
                sensitiveHeaders.append(name)
            case .query(let name, let value):
                guard let name = filled(name), let value = filled(value) else { continue }
                url += (url.contains("?") ? "&" : "?") + formEncoded([(name: name, value: value)])
            case .basic(let username, let password):
                guard let username = filled(username), let password = filled(password) else { continue }
                headers.append(
                    (name: "Authorization", value: "Basic \(base64(Array("\(username):\(password)".utf8)))"))
            }
        }
    }
}
