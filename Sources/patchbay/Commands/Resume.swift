import ArgumentParser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let an instance go on that is paused because its store looks like a copy.",
        discussion: """
            After 'patchbay restore', and where the store and the file instance-epoch in the data folder disagree, an instance \
            reads and writes, but refreshes, revokes and delivers nothing: the original may still do that, and many providers \
            revoke a grant whose refresh token comes twice. Make sure that the original has ended, then resume.

            All API keys become inactive but those that --keep-key names. Without one, a new key that may do everything is made \
            and printed.
            """)

    @Option(help: "The id or the label of an API key that stays active; may be given again.")
    var keepKey: [String] = []

    @Flag(help: "Do not ask. Needed without a terminal, and with --json.")
    var yes = false

    @Flag(help: "Only list the grants at risk.")
    var list = false

    @OptionGroup var output: OutputOptions

    /// So many grants are shown to a person.
    private static let shown = 20

    func validate() throws {
        guard !output.json || yes || list else { throw ValidationError("--json needs --yes or --list") }
    }

    func run() async throws {
        try await AdminClient.session { ask in
            guard case .standing(let standing) = try await ask(.standing) else { return }
            if list { return try output.print(standing) { Self.text(standing) } }
            guard standing.paused else { throw AdminClient.Failed(description: "the instance is not paused") }
            if !yes { try confirm(standing) }
            guard case .resumed(let summary) = try await ask(.resume(keepKeys: keepKey)) else { return }
            try output.print(summary) { (yes ? Self.text(standing) + "\n" : "") + Self.text(summary) }
        }
    }

    private func confirm(_ standing: StandingSummary) throws {
        guard isatty(STDIN_FILENO) == 1 else {
            throw AdminClient.Failed(description: "nobody is there to ask: look with --list, then give --yes")
        }
        print(Self.text(standing))
        print("Has the original ended for good? Type yes to go on: ", terminator: "")
        fflush(nil)
        guard readLine() == "yes" else { throw AdminClient.Failed(description: "nothing was changed") }
    }

    private static func text(_ standing: StandingSummary) -> String {
        var lines = [standing.reason.map { "The instance is paused: \($0)." } ?? "The instance is not paused."]
        lines.append("Grants with a refresh token, which the original may hold too: \(standing.grantsAtRisk)")
        if !standing.grants.isEmpty {
            lines.append(
                Table(
                    ["CONNECTION", "INTEGRATION", "EXTERNAL ID", "WORKSPACE"],
                    standing.grants.prefix(shown).map { grant in
                        [
                            grant.connectionID ?? "-", grant.integration ?? "-", grant.externalID ?? "-",
                            grant.workspaceID,
                        ]
                    }
                ).text)
        }
        let rest = standing.grantsAtRisk - min(shown, standing.grants.count)
        if rest > 0 { lines.append("… and \(rest) more (--list --json names the first 1000)") }
        return lines.joined(separator: "\n")
    }

    private static func text(_ summary: ResumeSummary) -> String {
        var lines = ["Resumed. API keys kept: \(summary.keptKeys.count), made inactive: \(summary.disabledKeys.count)"]
        if let key = summary.newKey {
            lines.append("No key was kept. This one may do everything, and is shown this once:")
            lines.append("\n    \(key.secret ?? "")")
        }
        return lines.joined(separator: "\n")
    }
}
