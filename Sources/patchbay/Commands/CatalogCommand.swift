import ArgumentParser
import Catalog
import Connections

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct CatalogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog", abstract: "Look at the integrations.", subcommands: [List.self, Check.self])

    private struct Summary: Encodable {
        let id: String
        let name: String
        let type: String
        let authMethods: [String]

        enum CodingKeys: String, CodingKey {
            case id, name, type
            case authMethods = "auth_methods"
        }

        init(_ integration: Integration) {
            id = integration.id
            name = integration.name
            type = integration.type.rawValue
            authMethods = integration.authMethods.map(\.id)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the built-in integrations.")

        @OptionGroup var output: OutputOptions

        func run() throws {
            let all = BuiltInCatalog().all().map { Summary($0) }
            try output.print(all) {
                Table(
                    ["ID", "TYPE", "NAME", "AUTH METHODS"],
                    all.map { [$0.id, $0.type, $0.name, $0.authMethods.joined(separator: ", ")] }
                ).text
            }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check an integration's file; tells file, line and reason.",
            discussion: """
                With --against simulate, its OAuth methods are also tried, with the provider's addresses replaced by a simulated \
                one's: authorize, exchange, two refreshes, revocation. What the simulator cannot answer is told.
                """)

        enum Opponent: String, ExpressibleByArgument, CaseIterable { case simulate }

        private struct Report: Encodable {
            let integration: Summary
            let steps: [TrialStep]
        }

        @Argument(help: "A YAML file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String

        @Option(help: "Also try its OAuth methods against the simulated provider.")
        var against: Opponent?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw CatalogFileError(file: file, line: nil, reason: "cannot be read")
            }
            let integration = try CatalogFile.parse(String(decoding: data, as: UTF8.self), file: file)
            let summary = Summary(integration)
            let verdict = "\(file): \(summary.id) is well-formed, \(summary.authMethods.count) auth method(s)"
            guard against == .simulate else { return try output.print(summary) { verdict } }
            let steps = try await SimulatorRunner.with { port in
                try await Trial(integration: integration, simulator: "http://127.0.0.1:\(port)", simulatorPort: port)
                    .run()
            }
            try output.print(Report(integration: summary, steps: steps)) {
                let table = Table(
                    ["METHOD", "STEP", "OUTCOME", ""],
                    steps.map { [$0.method, $0.step, $0.outcome.rawValue, $0.detail] })
                let tried = steps.isEmpty ? "It has no OAuth method to try." : table.text
                return [verdict, tried, Trial.limits].joined(separator: "\n")
            }
            if steps.contains(where: { $0.outcome == .failed }) { throw ExitCode.failure }
        }
    }
}
