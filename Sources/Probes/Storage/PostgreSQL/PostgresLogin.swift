import Connections
import LosslessJSON

/// All that is needed to log in to a PostgreSQL server, and all that is taken from what a user gave: nothing of it names a file,
/// a socket or a variable of the environment.
struct PostgresLogin: Sendable, Equatable {
    enum TLSMode: String, Sendable, CaseIterable {
        case disable, allow, prefer, require
        case verifyCA = "verify-ca"
        case verifyFull = "verify-full"

        var verifies: Bool { self == .verifyCA || self == .verifyFull }
    }

    enum Problem: Error, Equatable {
        case malformed
        /// It asks for what a service cannot have.
        case unsupported
        case incomplete
    }

    /// A name, or an address without brackets.
    let host: String
    let port: Int
    let user: String
    let password: String?
    let database: String
    let tlsMode: TLSMode
    /// The password is not to be shown to a server that does not prove that it knows it over this very connection.
    let requiresChannelBinding: Bool

    private static let maxLength = 4_096

    /// Of libpq, and of clients that read the same strings: what changes nothing of who logs in where.
    private static let ignored: Set<String> = [
        "application_name", "fallback_application_name", "connect_timeout", "client_encoding", "keepalives",
        "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "gssencmode",
        "sslcompression", "sslsni", "ssl_min_protocol_version", "schema", "pgbouncer", "connection_limit",
        "pool_timeout",
    ]

    /// By libpq's names. Of equal names the last counts, as it does there.
    init(_ parameters: [(name: String, value: String)]) throws(Problem) {
        var values: [String: String] = [:]
        for (name, value) in parameters {
            switch name {
            case "host", "port", "user", "password", "dbname", "sslmode", "channel_binding":
                guard value.utf8.count <= Self.maxLength, !value.utf8.contains(0) else { throw .malformed }
                values[name] = value
            // As JDBC has it, and libpq too.
            case "ssl": values["sslmode"] = value == "true" ? "require" : values["sslmode"]
            case _ where Self.ignored.contains(name): break
            default: throw .unsupported
            }
        }
        func value(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

        guard let user = value("user") else { throw .malformed }
        port = try Self.port(value("port"))
        host = try Self.host(value("host"))
        self.user = user
        password = value("password")
        database = value("dbname") ?? user
        guard let mode = TLSMode(rawValue: value("sslmode") ?? "prefer") else { throw .malformed }
        tlsMode = mode
        let binding = value("channel_binding") ?? "prefer"
        guard ["disable", "prefer", "require"].contains(binding) else { throw .malformed }
        requiresChannelBinding = binding == "require"
    }

    /// From a connection string, or from user name, password and config.
    init(data: JSONObject, config: JSONObject) throws(Problem) {
        if let text = data.text(at: "connection_string") {
            try self.init(text)
            return
        }
        guard config.text(at: "host") != nil else { throw .incomplete }
        var parameters: [(name: String, value: String)] = []
        for (name, value) in [
            ("host", config.text(at: "host")), ("port", config.text(at: "port")), ("user", data.text(at: "username")),
            ("password", data.text(at: "password")), ("dbname", config.text(at: "database")),
            ("sslmode", config.text(at: "sslmode")),
        ] {
            if let value { parameters.append((name, value)) }
        }
        try self.init(parameters)
    }

    /// A URI, or pairs of keyword and value.
    init(_ connectionString: String) throws(Problem) {
        guard connectionString.utf8.count <= 4 * Self.maxLength else { throw .malformed }
        if let parameters = try PostgresURI.parameters(connectionString) {
            try self.init(parameters)
        } else {
            try self.init(try PostgresKeywords.parameters(connectionString))
        }
    }

    private static func host(_ text: String?) throws(Problem) -> String {
        // Without a host, and with a path or an abstract name, libpq takes a socket.
        guard let text, !text.hasPrefix("/"), !text.hasPrefix("@"), !text.contains(",") else { throw .unsupported }
        if IPAddress(text) != nil { return text.lowercased() }
        guard !text.contains(":"), URLTemplate.origin(of: "https://\(text)") == "https://\(text.lowercased())" else {
            throw .malformed
        }
        return text.lowercased()
    }

    private static func port(_ text: String?) throws(Problem) -> Int {
        guard let text else { return 5_432 }
        if text.contains(",") { throw .unsupported }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = Int(text),
            (1...65_535).contains(port)
        else { throw .malformed }
        return port
    }
}
