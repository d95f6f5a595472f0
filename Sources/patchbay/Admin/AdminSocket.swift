#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where the admin socket is. A Unix socket's address holds 107 bytes; a longer path is reached through the folder's
/// descriptor under /proc instead.
final class AdminSocketPath: Sendable {
    /// To bind or connect to.
    let path: String
    private let directory: Int32?

    private static let maxLength = 100

    init(dataDirectory: String) throws {
        let full = dataDirectory + "/admin.sock"
        guard full.utf8.count > Self.maxLength else {
            path = full
            directory = nil
            return
        }
        let descriptor = open(dataDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open", dataDirectory) }
        directory = descriptor
        path = "/proc/self/fd/\(descriptor)/admin.sock"
    }

    deinit {
        if let directory { close(directory) }
    }
}
