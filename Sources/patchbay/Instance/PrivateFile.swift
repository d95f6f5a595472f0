import CLinux

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A failure of the system, told with what it was about.
struct SystemError: Error, CustomStringConvertible {
    let description: String

    init(description: String) {
        self.description = description
    }

    init(_ action: String, _ path: String) {
        description = "cannot \(action) \(path): \(String(cString: strerror(errno)))"
    }
}

/// Files that nobody else may read, written so that a crash leaves the old one or the new one.
enum PrivateFile {
    static func makeDirectory(_ path: String) throws {
        let missing = sequence(first: path) { $0.split(separator: "/").count > 1 ? parent(of: $0) : nil }
            .prefix { access($0, F_OK) != 0 }
        for directory in missing.reversed() where mkdir(directory, 0o700) != 0 && errno != EEXIST {
            throw SystemError("make the directory", directory)
        }
    }

    static func write(_ content: String, to path: String) throws {
        try write(to: path) { _ in content }
    }

    /// `content` is given the file, for what it may say of the file itself.
    static func write(to path: String, _ content: (_ descriptor: Int32) -> String) throws {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SystemError("write", temporary) }
        defer { close(file) }
        let bytes = Array(content(file).utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            throw SystemError("write", temporary)
        }
        guard rename(temporary, path) == 0 else { throw SystemError("write", path) }
        try syncDirectory(parent(of: path))
    }

    /// Gives a finished file its name, durably.
    static func publish(_ temporary: String, as path: String) throws {
        let file = open(temporary, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw SystemError("open", temporary) }
        defer { close(file) }
        guard fsync(file) == 0, rename(temporary, path) == 0 else { throw SystemError("write", path) }
        try syncDirectory(parent(of: path))
    }

    static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).flatMap { String(data: $0, encoding: .utf8) }
    }

    /// Makes a rename in the directory durable.
    static func syncDirectory(_ path: String) throws {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw SystemError("open", path) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw SystemError("sync", path) }
    }

    static func parent(of path: String) -> String {
        let parts = path.split(separator: "/").dropLast()
        return "/" + parts.joined(separator: "/")
    }
}

/// What a process with secrets in memory owes its host: files for the owner only, no core dumps, no tracing by others.
func hardenProcess() {
    umask(0o077)
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = patchbay_make_undumpable()
}
