import ArgumentParser
import OAuth

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Move connections in with their tokens, without asking anybody again.",
        discussion: """
            What is imported hands out its access token while that lasts, and is not refreshed until it is activated, so that two \
            systems never spend one refresh token. Importing the same file again changes nothing; a newer file brings newer \
            tokens, as long as a connection is not activated. docs/MIGRATING.md is the whole way.
            """,
        subcommands: [CSV.self, Nango.self, NDJSON.self, Activate.self])

    struct CSV: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "csv", abstract: "Import a table of tokens with a header.",
            discussion: """
                Columns: integration, external_id, access_token, refresh_token, token_type, expires_at, scope, id_token, scopes, \
                auth_method_id, user_id, label, tags, client_id, app_id, config.NAME, metadata.NAME, credentials.NAME. \
                external_id and access_token are needed; expires_at is RFC 3339, or seconds or milliseconds since 1970.
                """)

        @Argument(help: "A CSV file in UTF-8.", completion: .file(extensions: ["csv"]))
        var file: String

        @Option(help: "The integration of rows that name none.")
        var integration: String?

        @OptionGroup var options: ImportOptions

        func run() async throws {
            try await options.run(CSVImport(integration: integration).lines(of: ImportOptions.read(file)))
        }
    }

    struct Nango: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "nango", abstract: "Import connections as Nango's API gives them.",
            discussion: """
                A list of what GET /connections/ID?refresh_token=true answers, as JSON. The connection_id becomes the external_id, \
                the end user's id the user_id, connection_config the config.
                """)

        @Argument(help: "A JSON file.", completion: .file(extensions: ["json"]))
        var file: String

        @Option(help: "NANGO=OURS: our integration for an integration id or a provider; may be given again.")
        var map: [Pair] = []

        @Option(help: "INTEGRATION=CLIENT_ID: the client that obtained the grants; may be given again.")
        var client: [Pair] = []

        @Option(help: "NANGO=OURS: our config key for one of connection_config; may be given again.")
        var configKey: [Pair] = []

        @OptionGroup var options: ImportOptions

        func run() async throws {
            let nango = NangoImport(
                integrations: Pair.dictionary(map), clients: Pair.dictionary(client),
                configKeys: Pair.dictionary(configKey))
            try await options.run(nango.lines(of: ImportOptions.read(file)))
        }
    }

    struct NDJSON: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ndjson", abstract: "Import rows as POST /api/v1/connections/import takes them.")

        @Argument(help: "A file with one JSON object a line.", completion: .file())
        var file: String

        @OptionGroup var options: ImportOptions

        func run() async throws {
            try await options.run(NDJSONImport.lines(of: ImportOptions.read(file)))
        }
    }

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Activate what was imported and is not active yet: from here on it is refreshed here.")

        @Option(help: "A workspace's id. Default: the workspace 'default'.")
        var workspace: String?

        @Option(help: "Only connections of this integration.")
        var integration: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let reply = try await AdminClient.perform(
                .activateImported(workspace: workspace, integration: integration))
            guard case .activated(let summary) = reply else { return }
            try output.print(summary) {
                let failures = summary.failures.map { "\($0.connectionID): \($0.errors.joined(separator: "; "))" }
                return (failures + ["\(summary.activated) activated"]).joined(separator: "\n")
            }
            if !summary.failures.isEmpty { throw ExitCode.failure }
        }
    }
}

/// `NAME=VALUE` as an argument.
struct Pair: ExpressibleByArgument, Sendable {
    let name: String
    let value: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        (name, value) = (parts[0], parts[1])
    }

    /// Of equal names the last counts.
    static func dictionary(_ pairs: [Pair]) -> [String: String] {
        Dictionary(pairs.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }
}
