import ArgumentParser

@main
struct Patchbay: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "patchbay",
        abstract: "A self-hosted connections service for AI applications.",
        discussion: """
            Everything is configured by environment variables that begin with PATCHBAY_; docs/OPERATIONS.md lists them.
            Commands that touch a store go through the running server when there is one, and open the store themselves
            when there is none.
            """,
        version: version,
        subcommands: [
            Serve.self, Migrate.self, Keys.self, Workspaces.self, CatalogCommand.self, Backup.self, Restore.self,
            Resume.self, ImportCommand.self, Simulate.self, Version.self,
        ]
    )
}

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() { print("patchbay \(Patchbay.version)") }
}
