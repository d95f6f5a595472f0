import CPostgreSQL
import Connections
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What libpq is told: everything that it would otherwise look for in files and in the environment.
enum PostgresParameters {
    enum TLS: Sendable, Equatable {
        case none
        /// Encrypted, with whomever.
        case unverified
        case authority(roots: String)
        case full(roots: String)
    }

    /// Nothing can be there. An empty value would count as none at all.
    static let noFile = "/dev/null/none"

    static func list(
        _ login: PostgresLogin, at address: IPAddress, _ tls: TLS, version: Int32 = PQlibVersion()
    ) -> [(name: String, value: String)] {
        let (mode, roots) =
            switch tls {
            case .none: ("disable", noFile)
            // Where libpq finds roots, this mode verifies as well.
            case .unverified: ("require", noFile)
            case .authority(let roots): ("verify-ca", roots)
            case .full(let roots): ("verify-full", roots)
            }
        var parameters = [
            (name: "host", value: login.host), (name: "hostaddr", value: text(address)),
            (name: "port", value: "\(login.port)"), (name: "user", value: login.user),
            (name: "dbname", value: login.database),
            (name: "sslmode", value: mode), (name: "sslrootcert", value: roots),
            (name: "sslcert", value: noFile), (name: "sslkey", value: noFile), (name: "sslcrl", value: noFile),
            (name: "sslcrldir", value: noFile), (name: "sslcompression", value: "0"), (name: "sslsni", value: "1"),
            (name: "ssl_min_protocol_version", value: "TLSv1.2"),
            (name: "ssl_max_protocol_version", value: "TLSv1.3"),
            (name: "passfile", value: noFile), (name: "connect_timeout", value: "15"),
            (name: "application_name", value: "patchbay"), (name: "client_encoding", value: "UTF8"),
            (name: "target_session_attrs", value: "any"), (name: "gssencmode", value: "disable"),
            // No ticket is for it: a ticket that this machine happens to have is not the connection's credential.
            (name: "krbsrvname", value: "patchbay-has-no-ticket"),
            (name: "channel_binding", value: login.requiresChannelBinding ? "require" : "prefer"),
        ]
        if let password = login.password { parameters.append((name: "password", value: password)) }
        if version >= 160_000 {
            parameters += [
                (name: "require_auth", value: "!gss,!sspi"), (name: "load_balance_hosts", value: "disable"),
                (name: "sslcertmode", value: "disable"), (name: "gssdelegation", value: "0"),
            ].filter { $0.name != "gssdelegation" || version >= 170_000 }
        }
        return parameters
    }

    /// Without brackets.
    static func text(_ address: IPAddress) -> String {
        guard address.bytes.count == 16 else { return address.bytes.map { String($0) }.joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2)
            .map { String(UInt16(address.bytes[$0]) << 8 | UInt16(address.bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":")
    }
}

/// What libpq reads from the environment whatever it is told.
package enum PostgresEnvironment {
    /// Drops those variables of libpq's that no parameter can take the place of, for this process: what they say would be mixed
    /// into logins that users entered. Best called before there are other threads, since reading the environment and changing
    /// it at once is not safe; probes call it again, and change nothing then.
    package static func clear() {
        for name in names where getenv(name) != nil { unsetenv(name) }
    }

    /// Three go into every start-up message without being a parameter. The others stand for parameters that we leave out, since
    /// there is no value for "nothing".
    private static let names: [String] = {
        var names = ["PGDATESTYLE", "PGTZ", "PGGEQO", "PGSERVICE", "PGSERVICEFILE", "PGREQUIRESSL"]
        guard let login = try? PostgresLogin([(name: "host", value: "localhost"), (name: "user", value: "nobody")]),
            let address = IPAddress("127.0.0.1")
        else { return names }
        let given = Set(PostgresParameters.list(login, at: address, .none).map(\.name))
        let options = PQconninfoParse("", nil)
        defer { PQconninfoFree(options) }
        var next = options
        while let option = next?.pointee, let keyword = option.keyword {
            if let variable = option.envvar, !given.contains(String(cString: keyword)) {
                names.append(String(cString: variable))
            }
            next = next?.successor()
        }
        return names
    }()
}
