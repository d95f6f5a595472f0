import Connections

/// What came of trying to log in.
struct PostgresFinding: Sendable {
    enum Ending: Sendable, Equatable {
        case answered(user: String, database: String)
        case failed(CheckLayer, Cause)
        /// Nobody tried to log in: it was for the certificate.
        case looked
    }

    enum Cause: Sendable, Equatable {
        case unreachable, lost, timedOut, cancelled, flooded
        case tlsNotOffered, tlsFailed
        case notPostgreSQL, unsupportedAuthentication, passwordMissing, unexpected
        /// The server's own code: https://www.postgresql.org/docs/current/errcodes-appendix.html
        case refused(String)
    }

    /// Milliseconds of the layers that were passed, in order.
    var passed: [(layer: CheckLayer, milliseconds: Int)] = []
    /// Of what came after them.
    var milliseconds = 0
    /// In DER; empty without TLS.
    var certificate: [UInt8] = []
    var ending: Ending

    var cause: Cause? {
        if case .failed(_, let cause) = ending { cause } else { nil }
    }
}
