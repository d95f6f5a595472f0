import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Ends a conversation from beside: when its time is over, when nobody waits for it any more, and when the server sends more than
/// any honest one would. libpq reads on for as long as bytes come in, so it has to be cut off from its socket meanwhile.
final class PostgresWatch: Sendable {
    enum Interruption: Sendable, Equatable { case timedOut, cancelled, flooded }

    private struct State {
        var interruption: Interruption?
        /// A descriptor of our own for the same socket: libpq may close its one at any moment, and the system give its number to
        /// somebody else.
        var socket: Int32?
        var timer: RepeatedTask?
    }

    private let state = Mutex(State())
    private let deadline: ContinuousClock.Instant
    private let bytesReceived: @Sendable (Int32) -> Int64

    /// A whole conversation takes a few thousand, of which a chain of certificates is the most. What libpq and OpenSSL make of
    /// it in memory is a small multiple.
    static let maxBytes: Int64 = 131_072
    private static let interval = TimeAmount.milliseconds(5)

    init(until deadline: ContinuousClock.Instant, bytesReceived: @escaping @Sendable (Int32) -> Int64) {
        self.deadline = deadline
        self.bytesReceived = bytesReceived
    }

    /// Every `begin` has its `end`.
    func begin() {
        state.withLock { state in
            state.timer = MultiThreadedEventLoopGroup.singleton.any()
                .scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { [weak self] _ in
                    self?.look()
                }
        }
    }

    func end() {
        state.withLock { state in
            state.timer?.cancel()
            state.timer = nil
        }
        unfollow()
    }

    /// Looks after this socket until `unfollow`.
    func follow(_ socket: Int32) {
        state.withLock { state in
            guard state.socket == nil, socket >= 0 else { return }
            let own = dup(socket)
            guard own >= 0 else { return }
            state.socket = own
            // The kernel takes in no more than this ahead of libpq.
            var size: Int32 = 32_768
            setsockopt(own, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout.size(ofValue: size)))
        }
    }

    func unfollow() {
        state.withLock { state in
            if let socket = state.socket { close(socket) }
            state.socket = nil
        }
    }

    /// Why it is to end, once it is.
    var interruption: Interruption? {
        look()
        return state.withLock { $0.interruption }
    }

    func cancel() { state.withLock { Self.interrupt(&$0, .cancelled) } }

    var timeLeft: Duration { max(.zero, deadline - .now) }

    private func look() {
        state.withLock { state in
            if let socket = state.socket, bytesReceived(socket) > Self.maxBytes {
                Self.interrupt(&state, .flooded)
            } else if timeLeft == .zero {
                Self.interrupt(&state, .timedOut)
            }
        }
    }

    private static func interrupt(_ state: inout State, _ interruption: Interruption) {
        guard state.interruption == nil else { return }
        state.interruption = interruption
        if let socket = state.socket { shutdown(socket, Int32(SHUT_RDWR)) }
    }
}
