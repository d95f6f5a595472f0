import AsyncHTTPClient

/// What `PATCHBAY_EGRESS_PROXY` says: `http://[user:password@]host[:port]`.
///
/// It is the operator's own, so that its address is not checked. It is asked by CONNECT for the very address that was.
struct OutboundProxy: Sendable {
    let host: String
    let port: Int
    private let credentials: (user: String, password: String)?

    init(_ text: String) throws(EgressConfigurationError) {
        let scheme = "http://"
        let rest = text.hasPrefix(scheme) ? text.dropFirst(scheme.count) : text[...]
        let at = rest.lastIndex(of: "@")
        let authority = at.map { rest[rest.index(after: $0)...] } ?? rest
        guard let target = Target(scheme + authority), target.path == "/" else { throw .invalidProxy }
        host = target.address?.text ?? target.host
        port = target.port
        guard let at else {
            credentials = nil
            return
        }
        let userInfo = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard userInfo.count == 2 else { throw .invalidProxy }
        credentials = (String(userInfo[0]), String(userInfo[1]))
    }

    var configuration: HTTPClient.Configuration.Proxy {
        .server(
            host: host, port: port,
            authorization: credentials.map { .basic(username: $0.user, password: $0.password) })
    }
}
