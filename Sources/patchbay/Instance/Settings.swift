import Connections
import Egress
import HTTPAPI
import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The configuration, read once from the environment and checked as a whole.
struct Settings: Sendable {
    let host: String
    /// 0 for any that is free, until one is chosen.
    var port: Int
    let dataDirectory: String
    /// Where the database file is.
    let databasePath: String
    let masterKey: Secret?
    let bootstrapToken: Secret?
    let userTokens: UserTokenConfiguration?
    let publicURL: String?
    let trustedProxies: [IPRange]
    let tls: TLSFiles?
    let egress: EgressSettings
    /// OAuth apps for all workspaces.
    let oauthAppsFile: String?
    /// In days, how long events are kept; `nil` is for ever.
    let eventRetention: Int?
    let logLevel: Logger.Level
    let logFormat: LogFormat?

    struct TLSFiles: Sendable {
        let certificate: String
        let key: String
    }

    struct EgressSettings: Sendable {
        let allowances: [EgressAllowance]
        let proxy: Secret?
        let extraRootsFile: String?
    }

    enum LogFormat: String, CaseIterable { case json, text }

    /// What is wrong with a variable. It names the variable and never repeats a secret.
    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    init(environment: [String: String]) throws {
        let variables = Variables(environment)
        host = variables.text("PATCHBAY_HOST") ?? "127.0.0.1"
        port = try variables.port("PATCHBAY_PORT") ?? 8080
        dataDirectory = Self.absolute(variables.text("PATCHBAY_DATA_DIR") ?? "./patchbay-data")
        databasePath = try Self.databasePath(
            variables.secret("PATCHBAY_DATABASE_URL"), dataDirectory: dataDirectory)
        masterKey = try variables.secret("PATCHBAY_MASTER_KEY").map { Secret($0) }
        bootstrapToken = try variables.secret("PATCHBAY_BOOTSTRAP_API_KEY").map { Secret($0) }
        if let bootstrapToken, bootstrapToken.count < 32 {
            throw Invalid(description: "PATCHBAY_BOOTSTRAP_API_KEY must have 32 characters or more")
        }
        userTokens = try Self.userTokens(variables)
        publicURL = variables.text("PATCHBAY_PUBLIC_URL")
        if let publicURL, URLTemplate.origin(of: publicURL) == nil {
            throw Invalid(description: "PATCHBAY_PUBLIC_URL must be an http or https URL")
        }
        trustedProxies = try variables.list("PATCHBAY_TRUSTED_PROXIES").map { text in
            guard let range = IPRange(text) else {
                throw Invalid(description: "PATCHBAY_TRUSTED_PROXIES: '\(text)' is not a CIDR as in 10.0.0.0/8")
            }
            return range
        }
        tls = try Self.tls(variables)
        egress = try Self.egress(variables)
        oauthAppsFile = variables.text("PATCHBAY_OAUTH_APPS_FILE")
        let days = try variables.number("PATCHBAY_EVENT_RETENTION", in: 0...36_500) ?? 90
        eventRetention = days == 0 ? nil : days
        logLevel = try variables.word("PATCHBAY_LOG_LEVEL", Logger.Level.self) ?? .info
        logFormat = try variables.word("PATCHBAY_LOG_FORMAT", LogFormat.self)
    }

    static func fromProcess() throws -> Settings {
        try Settings(environment: ProcessInfo.processInfo.environment)
    }

    // MARK: Parts

    private static func databasePath(_ url: String?, dataDirectory: String) throws -> String {
        guard let url else { return dataDirectory + "/patchbay.db" }
        if url.hasPrefix("postgresql:") || url.hasPrefix("postgres:") {
            throw Invalid(description: "PATCHBAY_DATABASE_URL: this version keeps its store in SQLite only")
        }
        guard url.hasPrefix("sqlite:///"), url.count > "sqlite:///".count else {
            throw Invalid(description: "PATCHBAY_DATABASE_URL must look like sqlite:///absolute/path.db")
        }
        return String(url.dropFirst("sqlite://".count))
    }

    private static func userTokens(_ variables: Variables) throws -> UserTokenConfiguration? {
        let keys: [UserTokenConfiguration.Key?] = [
            try variables.secret("PATCHBAY_JWT_SECRET").map { .secret(Secret($0)) },
            try variables.secret("PATCHBAY_JWT_PUBLIC_KEY").map { text in
                // The variable holds the PEM itself, or names a file with it.
                .publicKey(
                    pem: text.contains("-----BEGIN")
                        ? text : try variables.file(text, named: "PATCHBAY_JWT_PUBLIC_KEY"))
            },
            try variables.text("PATCHBAY_JWKS_URL").map { .keySet(url: try keySetURL($0)) },
        ]
        let names = "PATCHBAY_JWT_SECRET, PATCHBAY_JWT_PUBLIC_KEY and PATCHBAY_JWKS_URL"
        guard let key = keys.compactMap(\.self).first else {
            for name in ["PATCHBAY_JWT_ISSUER", "PATCHBAY_JWT_AUDIENCE", "PATCHBAY_JWT_CLAIMS"]
            where variables.text(name) != nil {
                throw Invalid(description: "\(name) needs one of \(names)")
            }
            return nil
        }
        guard keys.compactMap(\.self).count == 1 else { throw Invalid(description: "\(names) exclude each other") }
        guard let issuer = variables.text("PATCHBAY_JWT_ISSUER"), let audience = variables.text("PATCHBAY_JWT_AUDIENCE")
        else {
            throw Invalid(description: "JWTs need PATCHBAY_JWT_ISSUER and PATCHBAY_JWT_AUDIENCE")
        }
        return try UserTokenConfiguration(
            key: key, issuer: issuer, audience: audience, claims: variables.text("PATCHBAY_JWT_CLAIMS"))
    }

    /// https, since whoever changes the answer on its way decides who gets in; http for this machine's own addresses only.
    private static func keySetURL(_ text: String) throws -> String {
        let loopback = ["http://localhost", "http://127.0.0.1", "http://[::1]"]
        guard let origin = URLTemplate.origin(of: text),
            origin.hasPrefix("https://") || loopback.contains(where: { origin == $0 || origin.hasPrefix($0 + ":") })
        else {
            throw Invalid(description: "PATCHBAY_JWKS_URL must be an https URL; http is for a loopback address only")
        }
        return text
    }

    private static func egress(_ variables: Variables) throws -> EgressSettings {
        EgressSettings(
            allowances: try variables.list("PATCHBAY_EGRESS_ALLOW").map { text in
                guard let allowance = EgressAllowance(text) else {
                    throw Invalid(
                        description: "PATCHBAY_EGRESS_ALLOW: '\(text)' is not [purpose=]CIDR[:ports] as in "
                            + "oauth=10.0.0.0/8:443; purposes are oauth, probe, webhook and proxy")
                }
                return allowance
            },
            proxy: try variables.secret("PATCHBAY_EGRESS_PROXY").map { Secret($0) },
            extraRootsFile: variables.text("PATCHBAY_EGRESS_CA_FILE"))
    }

    /// As the outside reaches the service, without a slash at the end.
    var reachableURL: String {
        var url = publicURL ?? "\(tls == nil ? "http" : "https")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }

    private static func tls(_ variables: Variables) throws -> TLSFiles? {
        switch (variables.text("PATCHBAY_TLS_CERT"), variables.text("PATCHBAY_TLS_KEY")) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return TLSFiles(certificate: certificate, key: key)
        default: throw Invalid(description: "PATCHBAY_TLS_CERT and PATCHBAY_TLS_KEY need each other")
        }
    }

    private static func absolute(_ path: String) -> String {
        let full = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        return full.replacing("/./", with: "/")
    }
}

/// Typed access to environment variables. An empty variable counts as none.
private struct Variables {
    private let environment: [String: String]

    init(_ environment: [String: String]) { self.environment = environment }

    func text(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A secret from the variable, or from the file that `…_FILE` names, without the line's end.
    func secret(_ name: String) throws -> String? {
        guard let path = text(name + "_FILE") else { return text(name) }
        guard text(name) == nil else {
            throw Settings.Invalid(description: "\(name) and \(name)_FILE exclude each other")
        }
        let content = try file(path, named: name + "_FILE")
        return content.last == "\n" ? String(content.dropLast()) : content
    }

    func file(_ path: String, named name: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8)
        else { throw Settings.Invalid(description: "\(name): the file cannot be read") }
        return text
    }

    func port(_ name: String) throws -> Int? {
        guard let text = text(name) else { return nil }
        guard let port = Int(text), (0...65_535).contains(port) else {
            throw Settings.Invalid(description: "\(name) must be a number from 0 to 65535")
        }
        return port
    }

    func number(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Settings.Invalid(
                description: "\(name) must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func list(_ name: String) -> [String] {
        (text(name) ?? "").split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, _: Word.Type
    ) throws -> Word? where Word.RawValue == String {
        guard let text = text(name) else { return nil }
        guard let word = Word(rawValue: text.lowercased()) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw Settings.Invalid(description: "\(name) must be one of \(words)")
        }
        return word
    }
}
