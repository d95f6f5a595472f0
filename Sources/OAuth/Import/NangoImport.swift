import LosslessJSON

/// Connections as Nango's API gives them with their credentials: a list of them, or an object with the member `connections`.
package struct NangoImport {
    /// Our integrations by Nango's integration id or provider.
    private let integrations: [String: String]
    /// The client id of the app that obtained the grants, by our integration.
    private let clients: [String: String]
    /// Our config keys by Nango's.
    private let configKeys: [String: String]

    package init(integrations: [String: String], clients: [String: String], configKeys: [String: String]) {
        self.integrations = integrations
        self.clients = clients
        self.configKeys = configKeys
    }

    package func lines(of bytes: [UInt8]) throws(ImportFileError) -> [ImportLine] {
        let slice: JSONSlice
        do {
            slice = try JSONSlice(parsing: bytes, limits: JSONLimits(size: bytes.count))
        } catch {
            throw ImportFileError("the file is not JSON: \(error)")
        }
        let list = slice.kind == .object ? JSONObject(slice)["connections"]?.slice ?? slice : slice
        guard list.kind == .array else {
            throw ImportFileError("the file holds neither a list of connections nor one under 'connections'")
        }
        return list.elements.enumerated().map { index, element in
            ImportLine(
                number: index + 1, row: Result { () throws(ImportRefusal) in try row(JSONObject(element)).bytes })
        }
    }

    private func row(_ connection: JSONObject) throws(ImportRefusal) -> JSONText {
        guard let credentials = connection.object("credentials") else {
            throw ImportRefusal([
                "The connection has no credentials: Nango gives them with GET /connections/ID, not in its list"
            ])
        }
        guard credentials.string("type") == "OAUTH2" else {
            throw ImportRefusal(["Only credentials of the type OAUTH2 move in: make the others with POST /connections"])
        }
        let provider = connection.string("provider") ?? ""
        let integration =
            connection.string("provider_config_key").flatMap { integrations[$0] } ?? integrations[provider] ?? provider
        let user = connection.object("end_user")
        let raw = credentials.object("raw")

        var row = JSONObject()
        row["integration"] = JSONText(integration)
        row["external_id"] = connection["connection_id"]
        row["user_id"] = user?.present("id") ?? connection.object("tags")?.present("end_user_id")
        row["label"] = user?.present("display_name") ?? user?.present("email")
        row["config"] = connection.object("connection_config").map(config)?.text
        row["metadata"] = connection.object("metadata")?.text
        row["client_id"] =
            credentials.object("config_override")?.present("client_id") ?? clients[integration].map { JSONText($0) }
        if let scope = raw?.string("scope") {
            var scopes = JSONWriter(capacity: 64)
            scopes.strings(scope.split { $0 == " " || $0 == "," }.map(String.init))
            row["scopes"] = scopes.text
        }
        var tokens = JSONObject()
        for name in ["access_token", "refresh_token", "expires_at"] { tokens[name] = credentials[name] }
        tokens["token_type"] = raw?["token_type"]
        row["credentials"] = tokens.text
        return row.text
    }

    /// What Nango keeps there of the app belongs to the app here.
    private func config(_ given: JSONObject) -> JSONObject {
        var config = JSONObject()
        for member in given.members where !member.name.hasPrefix("oauth_") {
            config[configKeys[member.name] ?? member.name] = member.value
        }
        return config
    }
}

extension JSONObject {
    fileprivate func object(_ name: String) -> JSONObject? {
        guard let value = self[name], value.slice.kind == .object else { return nil }
        return JSONObject(value.slice)
    }

    /// `nil` for null, too.
    fileprivate func present(_ name: String) -> JSONText? { self[name].flatMap { $0 == .null ? nil : $0 } }

    fileprivate func string(_ name: String) -> String? { self[name]?.slice.string }
}
