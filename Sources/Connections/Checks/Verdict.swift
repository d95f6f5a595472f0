/// What a test says of a connection. Unknown is not broken: only `invalid` is evidence against it.
package enum Verdict: String, Sendable, CaseIterable { case valid, invalid, inconclusive }

/// Where on the way to a working call something was found, in the order of the way.
package enum CheckLayer: String, Sendable, CaseIterable {
    case dns, connect, tls, http, auth, scope
    case `protocol`
}

/// What was found at one layer.
package struct LayerFinding: Sendable, Equatable {
    package enum Outcome: String, Sendable, CaseIterable { case passed, failed, inconclusive }

    package let layer: CheckLayer
    package let outcome: Outcome
    /// `nil` where the layer took no time of its own.
    package let milliseconds: Int?
    /// A few words, never a secret and never the other side's own text.
    package let detail: String?

    package init(_ layer: CheckLayer, _ outcome: Outcome, milliseconds: Int? = nil, detail: String? = nil) {
        self.layer = layer
        self.outcome = outcome
        self.milliseconds = milliseconds
        self.detail = detail
    }
}

/// What one look at the other side gave.
package struct ProbeReport: Sendable {
    package let verdict: Verdict
    /// In the order that they were passed. Empty for a destination that may not be reached, and where nothing was asked.
    package let layers: [LayerFinding]
    /// One word in snake case that a program can act on.
    package let reasonCode: String
    /// A sentence that a support person can send to a customer.
    package let message: String
    /// Whose account it is, where the other side tells.
    package var account: ProbedAccount?
    package var httpStatus: Int?
    /// The other side's own code, never its text.
    package var providerCode: String?
    /// The other side says that the grant itself is gone, so that somebody has to authorize again.
    package var isGrantGone: Bool
    /// Nothing answered at the host, which says nothing of the credential and much of every other connection to it.
    package var isHostUnreachable: Bool
    /// When the certificate that the other side showed ends.
    package var certificateExpiresAt: Timestamp?

    package init(
        _ verdict: Verdict, layers: [LayerFinding], reasonCode: String, message: String,
        account: ProbedAccount? = nil, httpStatus: Int? = nil, providerCode: String? = nil, isGrantGone: Bool = false,
        isHostUnreachable: Bool = false, certificateExpiresAt: Timestamp? = nil
    ) {
        self.verdict = verdict
        self.layers = layers
        self.reasonCode = reasonCode
        self.message = message
        self.account = account
        self.httpStatus = httpStatus
        self.providerCode = providerCode
        self.isGrantGone = isGrantGone
        self.isHostUnreachable = isHostUnreachable
        self.certificateExpiresAt = certificateExpiresAt
    }

    /// The layer that decided, for evidence.
    package var decidingLayer: CheckLayer? { layers.last?.layer }
}

/// Whose account the other side says it is.
package struct ProbedAccount: Sendable, Equatable {
    /// What no other account of the provider has; for a fingerprint only.
    package let subject: String
    /// At most 200 characters.
    package let label: String

    package init(subject: String, label: String) {
        self.subject = subject
        self.label = label
    }
}
