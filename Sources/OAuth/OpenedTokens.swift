import Connections
import Synchronization

/// Tokens that were opened lately, so that reading one again costs no decryption. An entry is good for the versions of the rows
/// that it was opened from, which every reading compares within its own unit of work; and it goes a minute after it was opened.
package final class OpenedTokens: Sendable {
    struct Entry: Sendable {
        let reading: TokenService.Reading
        let versions: TokenStanding.Versions
        let isSelfIssued: Bool
        let openedAt: Timestamp
    }

    private let entries = Mutex<[ConnectionKey: Entry]>([:])
    private static let capacity = 4_096
    private static let lifetime: Int64 = 60

    func entry(of key: ConnectionKey, for standing: TokenStanding, at now: Timestamp) -> Entry? {
        guard let entry = entries.withLock({ $0[key] }), entry.versions == standing.versions,
            Self.isYoung(entry, at: now)
        else { return nil }
        return entry
    }

    func remember(_ entry: Entry, of key: ConnectionKey) {
        entries.withLock { entries in
            if entries.count >= Self.capacity { entries.removeAll() }
            entries[key] = entry
        }
    }

    /// Called now and then, so that what nobody reads does not stay.
    func forgetOld(at now: Timestamp) {
        entries.withLock { entries in
            guard !entries.isEmpty else { return }
            entries = entries.filter { Self.isYoung($0.value, at: now) }
        }
    }

    private static func isYoung(_ entry: Entry, at now: Timestamp) -> Bool {
        entry.openedAt.advanced(bySeconds: lifetime) > now && entry.openedAt <= now
    }
}
