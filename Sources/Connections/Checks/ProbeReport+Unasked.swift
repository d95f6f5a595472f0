/// Reports of tests that asked nobody, since there was nothing to ask with.
extension ProbeReport {
    static var unknownIntegration: ProbeReport {
        ProbeReport(
            .inconclusive, layers: [], reasonCode: "integration_unknown",
            message: "The integration of this connection is not in the catalog any more, so it cannot be tested.")
    }

    static var unreadable: ProbeReport {
        ProbeReport(
            .inconclusive, layers: [], reasonCode: "secret_unreadable",
            message: "The stored secret cannot be opened. Enter the credentials again, then test the connection.")
    }

    static var notNow: ProbeReport {
        ProbeReport(
            .inconclusive, layers: [], reasonCode: "not_now",
            message: "The connection could not be tested at this moment. Try again in a minute.")
    }

    static func grantGone(_ integration: Integration, reason: String) -> ProbeReport {
        ProbeReport(
            .invalid, layers: [LayerFinding(.auth, .failed, detail: reason)], reasonCode: "needs_reauthorization",
            message: "\(integration.name) does not accept the authorization any more. Connect the account again.",
            isGrantGone: true)
    }

    static func noToken(_ integration: Integration, reason: String) -> ProbeReport {
        ProbeReport(
            .inconclusive, layers: [LayerFinding(.auth, .inconclusive, detail: reason)], reasonCode: reason,
            message: "There is no access token for \(integration.name) at this moment, so nothing could be tested.")
    }

    static func needsStoring(_ integration: Integration) -> ProbeReport {
        ProbeReport(
            .inconclusive, layers: [], reasonCode: "needs_storing",
            message: "A connection to \(integration.name) gets its tokens once it is saved. Save it, then test it.")
    }
}
