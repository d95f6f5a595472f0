import Hummingbird
import Simulator

/// A simulator within this process, for as long as somebody needs it.
enum SimulatorRunner {
    static func with<Result: Sendable>(
        _ options: SimulatorOptions = SimulatorOptions(), _ body: @Sendable (_ port: Int) async throws -> Result
    ) async throws -> Result {
        let (ports, running) = AsyncStream.makeStream(of: Int.self)
        let simulator = makeSimulator(options, logger: .silent) { port in running.yield(port) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { running.finish() }
                try await simulator.run()
            }
            defer { group.cancelAll() }
            guard let port = await ports.first(where: { _ in true }) else {
                try await group.next()
                throw SystemError(description: "the simulator did not start")
            }
            return try await body(port)
        }
    }
}
