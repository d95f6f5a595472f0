import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

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

/// Listens on the admin socket, which only the owner of the data folder can reach. One request and one reply a connection.
struct AdminServer: Service, CustomStringConvertible {
    let handler: AdminHandler
    let socket: AdminSocketPath
    let logger: Logger

    var description: String { "AdminServer(\(socket.path))" }

    /// A batch of rows to import is the largest, each of which JSON may write twice as long.
    private static let maxRequest = 4 << 20

    func run() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: socket.path, cleanupExistingSocketFile: true) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        chmod(socket.path, 0o600)
        try await withGracefulShutdownHandler {
            try await server.executeThenClose { clients in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await client in clients { group.addTask { await serve(client) } }
                }
            }
        } onGracefulShutdown: {
            server.channel.close(promise: nil)
        }
        unlink(socket.path)
    }

    private func serve(_ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
        do {
            try await client.executeThenClose { inbound, outbound in
                var line = ByteBuffer()
                for try await part in inbound {
                    line.writeImmutableBuffer(part)
                    guard line.readableBytes <= Self.maxRequest else { return }
                    if line.readableBytesView.last == UInt8(ascii: "\n") { break }
                }
                try await outbound.write(ByteBuffer(bytes: reply(to: Data(line.readableBytesView))))
            }
        } catch {
            logger.debug("admin connection failed", metadata: ["error.type": "\(type(of: error))"])
        }
    }

    private func reply(to line: Data) async throws -> Data {
        let reply: AdminReply
        if let request = try? JSONDecoder().decode(AdminRequest.self, from: line) {
            reply = await handler.reply(to: request)
        } else {
            reply = .failed("the server is of another version than this command")
        }
        return try JSONEncoder().encode(reply)
    }
}
