import Connections
import LosslessJSON
import Vault

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// OAuth apps that every workspace may use, from the operator's file: `{"apps": [{"integration": …, "client_id": …}]}` with the
/// fields of `POST /api/v1/oauth/apps`.
enum OAuthAppsFile {
    static func read(_ path: String, at now: Timestamp) throws -> [OAuthApp] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Settings.Invalid(description: "PATCHBAY_OAUTH_APPS_FILE: \(path) cannot be read")
        }
        return try parse(Array(data), at: now)
    }

    static func parse(_ text: [UInt8], at now: Timestamp) throws -> [OAuthApp] {
        guard let slice = try? JSONSlice(parsing: text), let list = JSONObject(slice)["apps"],
            list.slice.kind == .array
        else {
            throw Settings.Invalid(description: "PATCHBAY_OAUTH_APPS_FILE must be JSON with a list 'apps'")
        }
        let apps = try list.slice.elements.enumerated().map { index, element in
            try app(JSONObject(element), number: index + 1, at: now)
        }
        guard Set(apps.map(\.id)).count == apps.count else {
            throw Settings.Invalid(
                description: "PATCHBAY_OAUTH_APPS_FILE has two apps for one integration and auth method")
        }
        return apps
    }

    private static let keys: Set<String> = [
        "integration", "auth_method_id", "label", "client_id", "client_secret", "scopes",
        "token_endpoint_auth_method", "return_urls", "authorize_parameters", "config",
    ]

    private static func app(_ object: JSONObject, number: Int, at now: Timestamp) throws -> OAuthApp {
        func problem(_ reason: String) -> Settings.Invalid {
            Settings.Invalid(description: "PATCHBAY_OAUTH_APPS_FILE: app \(number) \(reason)")
        }
        func text(_ key: String) throws -> String? {
            guard let value = object[key], value != .null else { return nil }
            guard let text = value.slice.string, !text.isEmpty else { throw problem("'\(key)' must be text") }
            return text
        }
        func texts(_ key: String) throws -> [String] {
            guard let value = object[key] else { return [] }
            let texts = value.slice.elements.compactMap(\.string)
            guard value.slice.kind == .array, texts.count == value.slice.elements.count else {
                throw problem("'\(key)' must be a list of texts")
            }
            return texts
        }
        func nested(_ key: String) throws -> JSONText {
            guard let value = object[key] else { return .emptyObject }
            guard value.slice.kind == .object else { throw problem("'\(key)' must be an object") }
            return value
        }
        if let unknown = object.members.first(where: { !keys.contains($0.name) }) {
            throw problem("has the unknown key '\(unknown.name.prefix(40))'")
        }
        guard let integration = try text("integration") else { throw problem("needs 'integration'") }
        guard let clientID = try text("client_id") else { throw problem("needs 'client_id'") }
        let method = try text("auth_method_id") ?? "oauth2"
        let secret = try text("client_secret").map { Secret($0) }
        let word = try text("token_endpoint_auth_method")
        let named = word.flatMap(OAuthMethod.ClientAuthentication.init)
        if word != nil, named == nil {
            throw problem("'token_endpoint_auth_method' must be client_secret_basic, client_secret_post or none")
        }
        return OAuthApp(
            id: id(integration, method), workspaceID: nil, integration: integration, authMethodID: method,
            label: try text("label"), clientID: clientID, clientSecret: nil, plainClientSecret: secret,
            scopes: try texts("scopes"), clientAuthentication: named ?? (secret == nil ? .none : .post),
            returnURLs: try texts("return_urls"), authorizeParameters: try nested("authorize_parameters"),
            config: try nested("config"), createdBy: "operator", createdAt: now, updatedAt: now)
    }

    /// Customers register the callback address, which has the id in it: it must be the same at every start.
    private static func id(_ integration: String, _ method: String) -> OAuthAppID {
        let digest = sha256Digester("patchbay oauth app\n\(integration)\n\(method)").bytes
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        return OAuthAppID(ULID(high: word(digest[0..<8]), low: word(digest[8..<16])))
    }
}
