import ArgumentParser

struct Workspaces: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make and list workspaces.", subcommands: [Create.self, List.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a workspace and print its id.")

        @Option(help: "A name for people.")
        var name: String

        @Option(help: "A short name: a-z, 0-9 and hyphens. Default: made from the name.")
        var slug: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let reply = try await AdminClient.perform(.createWorkspace(name: name, slug: slug))
            guard case .workspaces(let workspaces) = reply, let workspace = workspaces.first else { return }
            try output.print(workspace) { workspace.id }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the workspaces.")

        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard case .workspaces(let workspaces) = try await AdminClient.perform(.listWorkspaces) else { return }
            try output.print(workspaces) {
                Table(["ID", "SLUG", "NAME", "CREATED"], workspaces.map { [$0.id, $0.slug, $0.name, $0.createdAt] })
                    .text
            }
        }
    }
}
