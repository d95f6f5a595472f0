import Connections
import NIOCore
import NIOPosix
import Testing

@testable import Egress

/// The last line: a connection that went elsewhere than it was sent.
@Suite struct PeerCheckTests {
    @Test func aConnectionToAnotherAddressIsNotUsed() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        let hop = try Hop(EgressRequest(purpose: .probe, url: server.origin))
        let pool = ClientPool(
            capacity: 2, factory: try ClientFactory(proxy: nil, extraRootsFile: nil, limits: EgressLimits()))
        // The client goes where the URL says, and that is not what was checked.
        let key = ClientPool.Key(hop, at: try #require(IPAddress("127.0.0.2")))
        for _ in 0..<5 {
            let outcome = await pool.withClient(for: key) { client in
                await Exchange.run(hop, on: client, until: .now() + .seconds(30))
            }
            guard case .failure(let failure) = try #require(outcome) else {
                Issue.record("it was used")
                return
            }
            #expect(failure.error == .destinationRefused)
            #expect(!failure.mayTryAgain)
            #expect(failure.evidence == .none)
        }
        pool.close()
        #expect(server.requests.isEmpty)
    }

    @Test func whatIsRefusedIsClosed() async throws {
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        let address = try #require(IPAddress("127.0.0.1"))
        let other = try #require(IPAddress("127.0.0.2"))
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: server.port).get()
        try await check(address, channel)
        #expect(channel.isActive)
        await #expect(throws: EgressError.destinationRefused) { try await check(other, channel) }
        try await channel.closeFuture.get()
        await #expect(throws: (any Error).self) { try await check(address, channel) }
    }

    private func check(_ address: IPAddress, _ channel: any Channel) async throws {
        try await channel.eventLoop.flatSubmit { PeerCheck(address: address, host: nil)(channel) }.get()
    }
}
