import Logging

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

/// Asks the running server, or without one opens the store and does it here.
enum AdminClient {
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    typealias Ask = (AdminRequest) async throws -> AdminReply

    /// Throws `Failed` with the sentence that the other side gave.
    static func perform(_ request: AdminRequest) async throws -> AdminReply {
        try await session { ask in try await ask(request) }
    }

    /// Several requests to one store, which is opened once where no server runs.
    static func session<Result>(_ body: (_ ask: Ask) async throws -> Result) async throws -> Result {
        hardenProcess()
        let settings = try Settings.fromProcess()
        var opened: Instance?
        func answer(_ request: AdminRequest) async throws -> AdminReply {
            if let opened { return await AdminHandler(instance: opened).reply(to: request) }
            if let answered = try askServer(request, settings: settings) { return answered }
            let instance = try await Instance.open(settings, logger: .silent)
            opened = instance
            return await AdminHandler(instance: instance).reply(to: request)
        }
        func ask(_ request: AdminRequest) async throws -> AdminReply {
            let reply = try await answer(request)
            if case .failed(let reason) = reply { throw Failed(description: reason) }
            return reply
        }
        do {
            let result = try await body(ask)
            await opened?.close()
            return result
        } catch {
            await opened?.close()
            throw error
        }
    }

    /// `nil` when nobody listens.
    private static func askServer(_ request: AdminRequest, settings: Settings) throws -> AdminReply? {
        guard access(settings.dataDirectory, F_OK) == 0 else { return nil }
        let address = try AdminSocketPath(dataDirectory: settings.dataDirectory)
        let connection = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard connection >= 0 else { throw SystemError("open a socket for", address.path) }
        defer { close(connection) }
        guard connect(connection, to: address.path) else { return nil }
        let line = Array(try JSONEncoder().encode(request)) + [UInt8(ascii: "\n")]
        guard send(connection, line, line.count, Int32(MSG_NOSIGNAL)) == line.count else {
            throw SystemError("write to", address.path)
        }
        var reply = Data()
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            reply.append(contentsOf: chunk[..<count])
        }
        guard let decoded = try? JSONDecoder().decode(AdminReply.self, from: reply) else {
            throw Failed(description: "the server did not answer")
        }
        return decoded
    }

    private static func connect(_ connection: Int32, to path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8.prefix(107))) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}

extension Logger {
    /// For a command that says by itself what there is to say.
    static var silent: Logger { Logger(label: "patchbay") { _ in SwiftLogNoOpLogHandler() } }
}
