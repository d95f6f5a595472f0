import AsyncHTTPClient
import Connections
import NIOCore
import NIOHTTP1
import Synchronization

/// The HTTP clients in use, one for each host and address. Past the capacity the one that was idle the longest is shut down.
final class ClientPool: Sendable {
    struct Key: Hashable, Sendable {
        /// `nil` where the URL names the address itself.
        let host: String?
        let address: IPAddress
        /// A client bounds what it decompresses for all its requests alike. `nil` for responses without a body, which the
        /// decompressor would take for truncated.
        let decompressionLimit: Int?

        init(_ hop: Hop, at address: IPAddress) {
            host = hop.target.address == nil ? hop.target.host : nil
            self.address = address
            decompressionLimit = hop.method == .HEAD ? nil : Self.limit(fitting: hop.maxResponseSize)
        }

        /// Rounded up to a power of two, so that few clients serve all sizes.
        private static func limit(fitting size: Int) -> Int {
            var limit = 1 << 20
            while limit < size { limit <<= 1 }
            return limit
        }
    }

    private struct Entry {
        let client: HTTPClient
        var uses = 0
        var lastUse = 0
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var clock = 0
        var isClosed = false

        mutating func evict(downTo capacity: Int) -> HTTPClient? {
            guard entries.count > capacity,
                let idlest = entries.filter({ $0.value.uses == 0 }).min(by: { $0.value.lastUse < $1.value.lastUse })
            else { return nil }
            return entries.removeValue(forKey: idlest.key)?.client
        }
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let factory: ClientFactory

    init(capacity: Int, factory: ClientFactory) {
        self.capacity = capacity
        self.factory = factory
    }

    /// Returns `nil` once the pool is closed.
    func withClient<Result>(for key: Key, _ body: (HTTPClient) async -> Result) async -> Result? {
        guard let client = lease(key) else { return nil }
        defer { release(key) }
        return await body(client)
    }

    /// Ends what is under way. It does not wait for connections that are being made, which end in their own time.
    func close() {
        let clients = state.withLock { state in
            state.isClosed = true
            defer { state.entries = [:] }
            return state.entries.values.map(\.client)
        }
        for client in clients { Self.shutDown(client) }
    }

    private func lease(_ key: Key) -> HTTPClient? {
        let (client, evicted) = state.withLock { state -> (HTTPClient?, HTTPClient?) in
            guard !state.isClosed else { return (nil, nil) }
            var evicted: HTTPClient?
            if state.entries[key] == nil {
                evicted = state.evict(downTo: capacity - 1)
                state.entries[key] = Entry(client: factory.makeClient(key))
            }
            state.entries[key]?.uses += 1
            return (state.entries[key]?.client, evicted)
        }
        Self.shutDown(evicted)
        return client
    }

    private func release(_ key: Key) {
        let evicted = state.withLock { state in
            state.clock += 1
            state.entries[key]?.uses -= 1
            state.entries[key]?.lastUse = state.clock
            // All were in use when another was needed.
            return state.evict(downTo: capacity)
        }
        Self.shutDown(evicted)
    }

    private static func shutDown(_ client: HTTPClient?) {
        _ = client?.shutdown() as EventLoopFuture<Void>?
    }
}
