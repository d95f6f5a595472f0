extension EgressError {
    /// A word for programs where `description` is for people: the one by which a test of a connection tells the same.
    package var code: String {
        switch self {
        case .destinationRefused: "destination_refused"
        case .invalidURL: "invalid_url"
        case .nameNotResolved: "name_not_resolved"
        case .connectFailed: "connection_failed"
        case .tlsFailed: "tls_failed"
        case .timedOut: "timed_out"
        case .responseTooLarge: "answer_too_large"
        case .tooManyRedirects: "unexpected_answer"
        case .circuitOpen: "circuit_open"
        case .connectionLost: "connection_lost"
        case .protocolError: "not_http"
        case .overloaded: "overloaded"
        case .closed: "cancelled"
        }
    }
}
