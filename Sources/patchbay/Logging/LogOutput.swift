import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Gathers lines for a few milliseconds and writes them to standard error at once: a system call for each line was measured
/// at a tenth of a read, and a thread that wakes for each at a third. An error is written before `write` returns.
final class LogOutput: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        var isScheduled = false
        var dropped = 0
    }

    private let state = Mutex(State())
    /// Held while writing, so that lines keep their order.
    private let writing = Mutex(())
    private let thread = NIOThreadPool(numberOfThreads: 1)

    /// How long a line may wait, in microseconds.
    private static let patience: UInt32 = 5_000
    /// Past this many bytes that nobody takes, lines are dropped and counted.
    private static let capacity = 8 << 20

    init() { thread.start() }

    func write(_ line: [UInt8], isUrgent: Bool) {
        let schedules = state.withLock { state in
            guard state.waiting.count + line.count <= Self.capacity else {
                state.dropped += 1
                return false
            }
            state.waiting += line
            guard !isUrgent, !state.isScheduled else { return false }
            state.isScheduled = true
            return true
        }
        if isUrgent { return flush() }
        guard schedules else { return }
        thread.submit { _ in
            usleep(Self.patience)
            self.flush()
        }
    }

    /// Returns when every line that came before is written.
    func flush() {
        writing.withLock { _ in
            var lines = take()[...]
            while !lines.isEmpty {
                let count = lines.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
                guard count > 0 || errno == EINTR else { return }
                lines = lines.dropFirst(max(0, count))
            }
        }
    }

    private func take() -> [UInt8] {
        state.withLock { state in
            var lines = state.waiting
            if state.dropped > 0 {
                lines += Array(
                    "{\"level\":\"warning\",\"message\":\"log lines dropped\",\"count\":\(state.dropped)}\n".utf8)
            }
            state = State()
            return lines
        }
    }
}
