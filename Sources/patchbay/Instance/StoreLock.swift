#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One process at a time has a store. The kernel lets go of the lock when the process ends, however it ends.
final class StoreLock: Sendable {
    struct Held: Error, CustomStringConvertible {
        let description: String
    }

    private let file: Int32

    init(databasePath: String) throws {
        let path = databasePath + ".lock"
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SystemError("open", path) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            throw Held(description: "the store \(databasePath) is in use by another patchbay process")
        }
    }

    deinit { close(file) }
}
