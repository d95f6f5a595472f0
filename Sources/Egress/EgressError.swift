/// Why there is no response. It tells nothing of the request, and of a refused destination nothing but that.
///
/// After `timedOut`, `connectionLost`, `protocolError`, `responseTooLarge`, `tooManyRedirects` and `closed` the server may
/// have acted on the request. With all others it was never sent, or what it was redirected to was not.
package enum EgressError: Error, Sendable, Equatable, CaseIterable, CustomStringConvertible {
    /// One reason for every destination that may not be reached: neither the address nor the rule is told.
    case destinationRefused
    /// Not an http or https URL of a plain host in ASCII.
    case invalidURL
    case nameNotResolved
    case connectFailed
    case tlsFailed
    case timedOut
    case responseTooLarge
    case tooManyRedirects
    /// The host failed so often that it is left alone for a while.
    case circuitOpen
    /// The connection broke after the request was sent.
    case connectionLost
    /// What was to be sent, or what came, is not HTTP.
    case protocolError
    /// Too many requests wait for this host already.
    case overloaded
    /// The door was closed, or the task that asked was cancelled.
    case closed

    package var description: String {
        switch self {
        case .destinationRefused: "the destination is not allowed"
        case .invalidURL: "the URL is not valid"
        case .nameNotResolved: "the host name could not be resolved"
        case .connectFailed: "the connection could not be made"
        case .tlsFailed: "the TLS handshake failed"
        case .timedOut: "the request timed out"
        case .responseTooLarge: "the response is too large"
        case .tooManyRedirects: "there were too many redirects"
        case .circuitOpen: "the host failed repeatedly and is left alone for a while"
        case .connectionLost: "the connection was lost"
        case .protocolError: "the exchange was not valid HTTP"
        case .overloaded: "too many requests wait for this host"
        case .closed: "the request was cancelled"
        }
    }
}
