import Connections
import Logging
import ServiceLifecycle

/// Has the calendar gone through once an hour, and at the start.
struct ExpiryWatcher: Service, CustomStringConvertible {
    let watch: ExpiryWatch
    let pause: InstancePause
    let logger: Logger

    private static let interval = Duration.seconds(3_600)
    /// While the instance is paused, or after a round that failed.
    private static let retryInterval = Duration.seconds(60)

    var description: String { "ExpiryWatcher" }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let isDone = await round()
                try? await Task.sleep(for: isDone ? Self.interval : Self.retryInterval)
            }
        }
    }

    private func round() async -> Bool {
        guard !pause.isPaused else { return false }
        do {
            let told = try await watch.run()
            if told > 0 { logger.notice("told of what ends soon", metadata: ["expirations.count": "\(told)"]) }
            return true
        } catch {
            logger.warning("expirations not gone through", metadata: ["error.reason": "\(error)"])
            return false
        }
    }
}
