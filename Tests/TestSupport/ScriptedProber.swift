package import Connections
import Synchronization

/// Answers as a test tells it, and counts what it is asked.
package final class ScriptedProber: Prober {
    package typealias Reply = @Sendable (ProbeTarget) async -> ProbeReport

    private struct State {
        var reply: Reply
        var targets: [ProbeTarget] = []
        var hiddenOrigin: @Sendable (ProbeTarget) -> String? = { _ in nil }
    }

    private let state: Mutex<State>

    package init(_ reply: @escaping Reply = { _ in .valid() }) { state = Mutex(State(reply: reply)) }

    package func answer(_ reply: @escaping Reply) { state.withLock { $0.reply = reply } }

    package func answer(_ report: ProbeReport) { answer { _ in report } }

    /// What it was asked, in order.
    package var targets: [ProbeTarget] { state.withLock { $0.targets } }
    package var count: Int { state.withLock { $0.targets.count } }

    /// Says where targets go whose credential alone tells.
    package func hide(_ origin: @escaping @Sendable (ProbeTarget) -> String?) {
        state.withLock { $0.hiddenOrigin = origin }
    }

    package func hiddenOrigin(of target: ProbeTarget) -> String? {
        state.withLock { $0.hiddenOrigin }(target)
    }

    package func probe(_ target: ProbeTarget) async -> ProbeReport {
        let reply = state.withLock { state in
            state.targets.append(target)
            return state.reply
        }
        return await reply(target)
    }
}

extension ProbeReport {
    package static func valid(account: String? = nil) -> ProbeReport {
        ProbeReport(
            .valid, layers: [LayerFinding(.http, .passed), LayerFinding(.auth, .passed)], reasonCode: "verified",
            message: "It works.", account: account.map { ProbedAccount(subject: $0, label: $0) }, httpStatus: 200)
    }

    package static func invalid(isGrantGone: Bool = false) -> ProbeReport {
        ProbeReport(
            .invalid, layers: [LayerFinding(.http, .passed), LayerFinding(.auth, .failed)],
            reasonCode: isGrantGone ? "grant_gone" : "credential_rejected", message: "It does not work.",
            httpStatus: 401, isGrantGone: isGrantGone)
    }

    /// Something answered, and said nothing of the credential.
    package static let inconclusive = ProbeReport(
        .inconclusive, layers: [LayerFinding(.http, .inconclusive)], reasonCode: "provider_error", message: "Unknown.",
        httpStatus: 500)

    package static let unreachable = ProbeReport(
        .inconclusive, layers: [LayerFinding(.connect, .inconclusive)], reasonCode: "connection_failed",
        message: "Unknown.", isHostUnreachable: true)
}
