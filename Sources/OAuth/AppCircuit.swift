import Connections
import Synchronization

/// Keeps an app that its provider refuses from being tried by every one of its grants, and tells a burst of refused grants from
/// single ones.
final class AppCircuit: Sendable {
    /// In seconds, until one grant may try again.
    static let pause: Int64 = 300
    /// So many refused grants of one app within a minute are a burst.
    private static let burst = 5
    private static let window: Int64 = 60

    private struct State {
        var nextTrial: Timestamp?
        var refusals: [Timestamp] = []
        var failure: OAuthApp.Failure?
    }

    /// An app of the whole instance fails for each workspace by itself: one that brings in dead grants stops nobody else.
    struct Key: Hashable, Sendable {
        let workspace: WorkspaceID
        let app: OAuthAppID

        init(_ workspace: WorkspaceID, _ app: OAuthAppID) {
            self.workspace = workspace
            self.app = app
        }
    }

    private let states = Mutex<[Key: State]>([:])

    /// Whether the app may be used. After a failure, one caller at a time finds out whether it is still refused.
    func admits(_ app: OAuthApp, in workspace: WorkspaceID, at now: Timestamp) -> Bool {
        let key = Key(workspace, app.id)
        return states.withLock { states in
            // A stored app whose failure was forgotten, by a change of the app, is tried at once.
            if app.workspaceID != nil, app.failure == nil { states[key]?.nextTrial = nil }
            guard app.failure != nil || states[key]?.nextTrial != nil else { return true }
            let trial = states[key]?.nextTrial ?? app.failure?.since.advanced(bySeconds: Self.pause) ?? now
            guard trial <= now else { return false }
            states[key, default: State()].nextTrial = now.advanced(bySeconds: Self.pause)
            return true
        }
    }

    /// Returns whether it is news.
    func noteFailure(_ app: Key, reason: String = "refused", at now: Timestamp) -> Bool {
        states.withLock { states in
            let isNews = states[app]?.nextTrial == nil
            if states[app]?.failure == nil {
                states[app, default: State()].failure = OAuthApp.Failure(reason: reason, since: now)
            }
            states[app, default: State()].nextTrial = now.advanced(bySeconds: Self.pause)
            return isNews
        }
    }

    func noteSuccess(_ app: Key) {
        states.withLock { $0[app] = nil }
    }

    /// Since this process began; of an app in the store, its row says more.
    func failure(of app: Key) -> OAuthApp.Failure? {
        states.withLock { $0[app]?.failure }
    }

    /// Returns whether this one belongs to a burst.
    func noteRefusedGrant(_ app: Key, at now: Timestamp) -> Bool {
        states.withLock { states in
            var recent = states[app]?.refusals ?? []
            recent.removeAll { $0.advanced(bySeconds: Self.window) < now }
            recent.append(now)
            states[app, default: State()].refusals = recent
            return recent.count >= Self.burst
        }
    }
}
