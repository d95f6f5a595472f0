import ArgumentParser

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the store as of one moment into a file and check the copy.",
        discussion: """
            The server may go on meanwhile. The copy holds no master key: it opens only with the one whose id is printed,
            which must be kept elsewhere.
            """)

    @Argument(help: "The file to write.", completion: .file())
    var file: String

    @OptionGroup var output: OutputOptions

    func run() async throws {
        // The server has another working directory, perhaps.
        let path = file.hasPrefix("/") ? file : FileManager.default.currentDirectoryPath + "/" + file
        guard case .backup(let backup) = try await AdminClient.perform(.backup(path: path)) else { return }
        try output.print(backup) { "\(backup.path): \(backup.bytes) bytes, master key \(backup.masterKeyID)" }
    }
}
