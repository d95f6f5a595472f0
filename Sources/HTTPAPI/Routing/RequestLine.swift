package import Connections
package import Logging

/// What is told of a request once it is answered: the route's template, and nothing that the caller wrote but a sane id.
package struct RequestLine: Sendable {
    package let level: Logger.Level
    package let method: String
    package let route: String
    package let status: Int
    package let seconds: Double
    package let requestID: String
    package let workspace: WorkspaceID?
    package let principal: Principal?
}

/// Writes a line for a request. A function of its own rather than a `Logger`: every request passes here, and building a
/// metadata dictionary to take it apart again cost a twentieth of a read.
package typealias RequestLog = @Sendable (RequestLine) -> Void
