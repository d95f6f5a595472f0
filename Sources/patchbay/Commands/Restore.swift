import ArgumentParser

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a backup in the place of the store; the server must be stopped.",
        discussion: """
            The backup is checked first, and against the master key that is configured here. What is restored is paused until \
            'patchbay resume': its grants may have been refreshed since the backup was made, or still be in use by the original.
            """)

    @Argument(help: "A file that 'patchbay backup' wrote.", completion: .file())
    var file: String

    @Flag(help: "Move a store that is there already aside.")
    var force = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        hardenProcess()
        let path = file.hasPrefix("/") ? file : FileManager.default.currentDirectoryPath + "/" + file
        let summary = try await StoreRestoration(settings: .fromProcess(), isForced: force).restore(path)
        try output.print(summary) {
            let aside = summary.previousStore.map { "\nThe store that was there is now \($0)" } ?? ""
            return """
                \(summary.path): restored, \(summary.bytes) bytes, master key \(summary.masterKeyID)\(aside)
                The instance is paused until 'patchbay resume'.
                """
        }
    }
}
