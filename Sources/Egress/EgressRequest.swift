/// What an outbound request is for. An operator may open a range for one purpose only.
package enum EgressPurpose: String, Sendable, CaseIterable { case oauth, probe, webhook, proxy }

/// One request to a host that a user named.
package struct EgressRequest: Sendable {
    package var purpose: EgressPurpose
    package var method: String
    /// Absolute, http or https, in ASCII, without user info; a fragment is not sent.
    package var url: String
    /// Host, framing and connection headers are the door's own: those given here are left out.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]?
    /// At most an hour, for the whole exchange: waiting for a turn, the name, the connection, redirects and the last byte of the body.
    package var timeout: Duration
    /// In bytes, after decompression; at most 1 GiB.
    package var maxResponseSize: Int
    /// At most five. On another origin no credentials and no body go along; a redirect that insists on the body is refused.
    package var followsRedirects: Bool
    /// Names of further headers that are credentials, besides Authorization, Cookie, Proxy-Authorization and X-API-Key.
    package var sensitiveHeaders: [String]
    /// Is shown every part of the body as it comes, decompressed, and says when it is enough: the exchange ends then, and what
    /// came is the response. For streams that their server leaves open.
    package var isComplete: (@Sendable (_ part: [UInt8]) -> Bool)?

    package init(
        purpose: EgressPurpose, method: String = "GET", url: String, headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil, timeout: Duration = .seconds(30), maxResponseSize: Int = 1 << 20,
        followsRedirects: Bool = false, sensitiveHeaders: [String] = [],
        isComplete: (@Sendable (_ part: [UInt8]) -> Bool)? = nil
    ) {
        self.purpose = purpose
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maxResponseSize = maxResponseSize
        self.followsRedirects = followsRedirects
        self.sensitiveHeaders = sensitiveHeaders
        self.isComplete = isComplete
    }
}
