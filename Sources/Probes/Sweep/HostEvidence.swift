import Connections

/// What a look says of the host, whatever it says of the connection.
enum HostEvidence: Sendable, Equatable {
    /// Something answered there.
    case reached
    case unreachable(reason: String)
    /// Nothing was asked there, or it cannot be told.
    case none
}

extension ProbeReport {
    var hostEvidence: HostEvidence {
        if isHostUnreachable { return .unreachable(reason: reasonCode) }
        // A grant that is gone is known from its token endpoint, which is elsewhere.
        let isJudged = verdict == .valid || (verdict == .invalid && !isGrantGone)
        let isSeen = layers.contains { $0.outcome == .passed && [.connect, .tls, .http].contains($0.layer) }
        return isJudged || isSeen || httpStatus != nil ? .reached : .none
    }
}
