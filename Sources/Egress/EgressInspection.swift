/// What a look at the way to a host gave, without a request.
package struct EgressInspection: Sendable {
    /// One step of the way. Each takes its time by itself.
    package struct Phase: Sendable, Equatable {
        package enum Kind: Sendable { case dns, connect, tls }

        package let kind: Kind
        package let milliseconds: Int
        /// `nil` where it was passed. A certificate that is not for the host fails, too.
        package let error: EgressError?
    }

    /// Why nobody looked: then there are no phases, and nothing is told of the host.
    package internal(set) var refusal: EgressError?
    /// In order, up to the one that failed. Empty also behind an outbound proxy.
    package internal(set) var phases: [Phase] = []
    /// What the host showed, whether it is to be trusted or not.
    package internal(set) var certificate: PeerCertificate?

    package var error: EgressError? { refusal ?? phases.last?.error }
}
