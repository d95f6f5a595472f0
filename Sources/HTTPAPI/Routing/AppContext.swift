import Connections
package import Hummingbird
import Logging
import NIOCore
import Synchronization

/// What goes along with a request.
package struct AppContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    let trace = RequestTrace()
    /// The id that the server gave the request.
    let serverRequestID: String
    private let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        // A log handler may keep no metadata.
        serverRequestID = source.logger[metadataKey: "hb.request.id"].map { "\($0)" } ?? RequestID().description
    }

    /// Closes the connection at once, whatever is still to be written on it.
    func hangUp() { channel.close(promise: nil) }

    /// The address that the connection came from; `nil` for a Unix socket.
    var peerAddress: String? { channel.remoteAddress?.ipAddress }
}

/// What is learned of a request on its way in, for the log line and the metrics on its way out.
final class RequestTrace: Sendable {
    struct Facts: Sendable {
        /// Its place in the table of routes.
        var route: Int?
        var workspace: WorkspaceID?
        var principal: Principal?
        /// The caller's id if it is sane, else the server's.
        var requestID = ""
    }

    private let facts = Mutex(Facts())

    var current: Facts { facts.withLock { $0 } }

    func update<Result: Sendable>(_ change: (inout Facts) -> Result) -> Result {
        facts.withLock { change(&$0) }
    }
}
