import ArgumentParser
import Connections
import Logging
import Storage

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the store's schema up to date; serve does it by itself.")

    func run() async throws {
        hardenProcess()
        let settings = try Settings.fromProcess()
        let logger = Logger(label: "patchbay") { _ in
            StructuredLogHandler(sink: LogSink(format: .text, level: .notice, now: systemTime))
        }
        let instance = try await Instance.open(settings, logger: logger)
        await instance.close()
        print("The store is at schema version \(Migrator.newestVersion).")
    }
}
