import Connections
import Synchronization

/// Clients whose secrets were opened lately: many grants are refreshed with the same one. An entry is good for one revision of
/// its app, and for so many seconds.
final class OpenedClients: Sendable {
    struct Place: Hashable, Sendable {
        let workspace: WorkspaceID
        let app: OAuthAppID
        let revision: Int64
    }

    private let entries = Mutex<[Place: (client: OAuthClient, openedAt: Timestamp)]>([:])
    private static let capacity = 1_024
    private static let lifetime: Int64 = 30

    func client(_ place: Place, at now: Timestamp) -> OAuthClient? {
        entries.withLock { $0[place] }.flatMap { Self.isYoung($0.openedAt, at: now) ? $0.client : nil }
    }

    func remember(_ client: OAuthClient, _ place: Place, at now: Timestamp) {
        entries.withLock { entries in
            if entries.count >= Self.capacity { entries.removeAll() }
            entries[place] = (client, now)
        }
    }

    func forgetOld(at now: Timestamp) {
        entries.withLock { entries in
            guard !entries.isEmpty else { return }
            entries = entries.filter { Self.isYoung($0.value.openedAt, at: now) }
        }
    }

    private static func isYoung(_ openedAt: Timestamp, at now: Timestamp) -> Bool {
        openedAt.advanced(bySeconds: lifetime) > now && openedAt <= now
    }
}
