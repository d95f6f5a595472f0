import NIOCore
import NIOPosix

extension Settings {
    /// With a port that is free now, where any will do: callback addresses, links, and what nobody may be sent to name it before
    /// anybody listens there. Should another process take it in between, the start fails and says so.
    func choosingPort() async throws -> Settings {
        guard port == 0 else { return self }
        do {
            let probe = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: host, port: 0).get()
            var chosen = self
            chosen.port = probe.localAddress?.port ?? 0
            try await probe.close()
            return chosen
        } catch let error as IOError {
            throw SystemError(listeningOn: host, port: port, error)
        }
    }
}
