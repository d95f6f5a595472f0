import Connections
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the first start says: where the service is, the key, and a line that works when pasted.
struct Welcome: Sendable {
    private enum Key: Sendable {
        /// Not the first start, or the operator's own key.
        case known
        case onTerminal(String)
        case inFile(String)
    }

    private let key: Key
    private let publicURL: String?
    private let host: String
    private let scheme: String

    /// Bootstraps the store. A key that was made goes to the terminal, or without one to a file that only the owner can read.
    static func prepare(_ instance: Instance) async throws -> Welcome {
        let settings = instance.settings
        let hasTerminal = isatty(STDOUT_FILENO) == 1
        let file = settings.dataDirectory + "/bootstrap-api-key"
        let wasGiven = settings.bootstrapToken != nil
        let given = settings.bootstrapToken.map { token in token.withBytes { String(decoding: $0, as: UTF8.self) } }
        let outcome = try await instance.bootstrap.run(token: given) { token in
            guard !wasGiven else { return }
            if hasTerminal { print(Self.introduction(token)) } else { try PrivateFile.write(token + "\n", to: file) }
        }
        let key: Key =
            switch outcome {
            case .done(let token) where !wasGiven: hasTerminal ? .onTerminal(token) : .inFile(file)
            default: .known
            }
        return Welcome(
            key: key, publicURL: settings.publicURL, host: settings.host, scheme: settings.tls == nil ? "http" : "https"
        )
    }

    /// Shown before the key is stored: a start that fails afterwards has not lost it.
    private static func introduction(_ token: String) -> String {
        """

        Your API key, shown this once (it may do everything; `patchbay keys` makes others):

            \(token)

        """
    }

    func show(port: Int, logger: Logger) {
        let url = publicURL ?? "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        switch key {
        case .known:
            if isatty(STDOUT_FILENO) == 1 { print("Patchbay is at \(url)") }
        case .inFile(let path):
            logger.notice("first API key written", metadata: ["file.path": "\(path)", "server.url": "\(url)"])
        case .onTerminal(let token):
            print(
                """
                Patchbay is at \(url)

                Try it:

                    curl -s \(url)/api/v1/auth/session -H 'Authorization: Bearer \(token)'

                """)
        }
    }
}
