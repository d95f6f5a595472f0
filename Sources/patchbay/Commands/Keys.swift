import ArgumentParser

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list and revoke API keys.", subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an API key and print it, this once.")

        @Option(help: "What the key is for.")
        var label: String

        @Option(
            help:
                "A workspace's id, or 'instance' for a key that acts in all of them. Default: the workspace 'default'.")
        var workspace: String?

        @Option(help: "Some of read,write,secrets,admin. Default: read,write.")
        var permissions: String?

        @Option(help: "When it stops working, as 2026-01-31T12:00:00Z. Default: never.")
        var expiresAt: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let names = permissions?.split(separator: ",").map(String.init)
            let reply = try await AdminClient.perform(
                .createKey(label: label, workspace: workspace, permissions: names, expiresAt: expiresAt))
            guard case .keys(let keys) = reply, let key = keys.first else { return }
            try output.print(key) { key.secret ?? "" }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the keys of every workspace.")

        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard case .keys(let keys) = try await AdminClient.perform(.listKeys) else { return }
            try output.print(keys) {
                Table(
                    ["ID", "LABEL", "STATUS", "PERMISSIONS", "WORKSPACE", "LAST USED"],
                    keys.map { key in
                        [
                            key.id, key.label, key.status, key.permissions.joined(separator: ","),
                            key.workspaceID ?? "instance", key.lastUsedAt ?? "-",
                        ]
                    }
                ).text
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key inactive; it stops working on the next request.")

        @Argument(help: "The key's id, key_…")
        var id: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard case .keys(let keys) = try await AdminClient.perform(.revokeKey(id: id)), let key = keys.first
            else { return }
            try output.print(key) { "\(key.id) is \(key.status)" }
        }
    }
}
