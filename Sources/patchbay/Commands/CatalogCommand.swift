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

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check an integration's file; tells file, line and reason.")

        @Argument(help: "A YAML file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String

        @OptionGroup var output: OutputOptions

        func run() throws {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw CatalogFileError(file: file, line: nil, reason: "cannot be read")
            }
            let integration = try CatalogFile.parse(String(decoding: data, as: UTF8.self), file: file)
            let summary = Summary(integration)
            try output.print(summary) {
                "\(file): \(summary.id) is well-formed, \(summary.authMethods.count) auth method(s)"
            }
        }
    }
}
