import Connections
import Synchronization

/// Hands out the given bytes in order, then zeros.
final class ScriptedBytes: Sendable {
    private let rest: Mutex<[UInt8]>

    init(_ bytes: [UInt8]) { rest = Mutex(bytes) }

    func take(_ count: Int) -> [UInt8] {
        rest.withLock { rest in
            let taken = Array(rest.prefix(count))
            rest.removeFirst(taken.count)
            return taken + [UInt8](repeating: 0, count: count - taken.count)
        }
    }
}

extension Secret {
    /// What is in it: for comparing in tests.
    var opened: [UInt8] { withBytes { Array($0) } }
}
