import CPostgreSQL
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The roots that a server's certificate is held against, as the one file that libpq takes: before version 16 it does not find
/// those of the system by itself.
final class PostgresRoots: Sendable {
    private enum State {
        case unknown
        case path(String?)
        /// The system's and the operator's together, in a file without a name.
        case memory(Int32)
    }

    private let state = Mutex(State.unknown)
    private let extraFile: String?
    private static let systemFiles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]

    /// `extraFile` holds PEM certificates that are trusted besides the system's.
    init(extraFile: String?) {
        self.extraFile = extraFile
    }

    deinit {
        if case .memory(let file) = state.withLock({ $0 }) { close(file) }
    }

    /// `nil` where there are none.
    var path: String? {
        state.withLock { state in
            if case .unknown = state { state = Self.find(extraFile) }
            return switch state {
            case .unknown: nil
            case .path(let path): path
            case .memory(let file): "/proc/self/fd/\(file)"
            }
        }
    }

    private static func find(_ extraFile: String?) -> State {
        let system = systemFiles.first { access($0, R_OK) == 0 }
        guard let extraFile else { return .path(system) }
        guard let system else { return .path(extraFile) }
        let texts = [system, extraFile].map { (try? Data(contentsOf: URL(filePath: $0))) ?? Data() }
        let bytes = Array(texts[0]) + [UInt8(ascii: "\n")] + Array(texts[1])
        let file = patchbay_memory_file()
        guard file >= 0 else { return .path(system) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            guard count > 0 else {
                close(file)
                return .path(system)
            }
            written += count
        }
        return .memory(file)
    }
}
