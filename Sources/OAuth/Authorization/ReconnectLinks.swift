package import Connections
import Synchronization

/// Links that were given out for connections which have to be authorized again. Whoever asks for a dead one's token every second
/// is given the same link for as long as it is good, rather than a flow of his own each time.
final class ReconnectLinks: Sendable {
    typealias Making = Task<AuthorizationService.Link, any Error>

    private let links = Mutex<[ConnectionKey: Making]>([:])
    private static let capacity = 4_096

    /// Callers at once wait for one link.
    func link(
        for key: ConnectionKey, isGood: @Sendable (AuthorizationService.Link) async -> Bool,
        make: @escaping @Sendable () async throws -> AuthorizationService.Link
    ) async throws -> AuthorizationService.Link {
        let known = links.withLock { $0[key] }
        if let known, let link = try? await known.value, await isGood(link) { return link }
        let next = links.withLock { links in
            // Somebody else was faster.
            if let other = links[key], other != known { return other }
            if links.count >= Self.capacity { links.removeAll() }
            let making = Making { try await make() }
            links[key] = making
            return making
        }
        return try await next.value
    }
}

extension AuthorizationService {
    /// In seconds: a link that ends sooner is of no use to anybody.
    private static let leastLifetime: Int64 = 60

    /// Where the connection's owner can mend it.
    package func reconnectLink(for connection: Connection, cause: Cause) async throws -> Link {
        let key = ConnectionKey(workspaceID: connection.workspaceID, connectionID: connection.id)
        return try await reconnectLinks.link(for: key) { link in
            guard link.expiresAt > cause.at.advanced(bySeconds: Self.leastLifetime) else { return false }
            let flow = try? await services.store.authorizationFlow(state: services.digester(link.state))
            return flow?.stage == .started
        } make: {
            try await start(
                Start(
                    integration: connection.integration, authMethodID: connection.authMethodID,
                    connectionID: connection.id), in: connection.workspaceID, cause: cause)
        }
    }
}
