import NIOCore
import NIOHTTP1

/// One request of an exchange: the caller's own, or one that a redirect asks for.
struct Hop: Sendable {
    let target: Target
    let purpose: EgressPurpose
    let method: HTTPMethod
    let headers: HTTPHeaders
    let body: ByteBuffer?
    let maxResponseSize: Int
    let isComplete: (@Sendable ([UInt8]) -> Bool)?
    private let sensitiveHeaders: [String]

    private static let credentialHeaders = ["authorization", "cookie", "proxy-authorization", "x-api-key"]
    private static let maxResponseSize = 1 << 30
    /// They belong to the connection, or are made from the URL and the body.
    private static let ownHeaders: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "trailer",
        "upgrade", "expect",
    ]
    private static let bodyHeaders = [
        "content-type", "content-encoding", "content-language", "content-location", "content-disposition",
    ]

    init(_ request: EgressRequest) throws(EgressError) {
        guard let target = Target(request.url) else { throw .invalidURL }
        guard Self.isMethod(request.method) else { throw .protocolError }
        var headers = HTTPHeaders()
        headers.reserveCapacity(request.headers.count + 1)
        for (name, value) in request.headers where !Self.ownHeaders.contains(name.lowercased()) {
            guard Self.isToken(name), value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw .protocolError
            }
            headers.add(name: name, value: value)
        }
        if !headers.contains(name: "user-agent") { headers.add(name: "user-agent", value: "Patchbay") }
        self.target = target
        self.headers = headers
        purpose = request.purpose
        method = HTTPMethod(rawValue: request.method)
        body = request.body.map { ByteBuffer(bytes: $0) }
        maxResponseSize = max(0, min(request.maxResponseSize, Self.maxResponseSize))
        sensitiveHeaders = request.sensitiveHeaders
        isComplete = request.isComplete
    }

    private init(from hop: Hop, to target: Target, method: HTTPMethod, headers: HTTPHeaders, body: ByteBuffer?) {
        self.target = target
        self.method = method
        self.headers = headers
        self.body = body
        purpose = hop.purpose
        maxResponseSize = hop.maxResponseSize
        sensitiveHeaders = hop.sensitiveHeaders
        isComplete = hop.isComplete
    }

    /// The request that the response asks for instead; `nil` when it is not a redirect.
    func redirected(by response: EgressResponse) throws(EgressError) -> Hop? {
        guard [301, 302, 303, 307, 308].contains(response.status), let location = response.header("location") else {
            return nil
        }
        guard let next = target.resolving(location) else { throw .destinationRefused }
        let becomesGET =
            response.status == 303 && method != .HEAD || [301, 302].contains(response.status) && method == .POST
        let isElsewhere = next.origin != target.origin
        var headers = headers
        if becomesGET {
            for name in Self.bodyHeaders { headers.remove(name: name) }
        } else if isElsewhere, body != nil {
            throw .destinationRefused
        }
        if isElsewhere {
            for name in Self.credentialHeaders + sensitiveHeaders { headers.remove(name: name) }
        }
        return Hop(
            from: self, to: next, method: becomesGET ? .GET : method, headers: headers, body: becomesGET ? nil : body)
    }

    /// A token in capitals, and none that would open a tunnel or echo the request.
    private static func isMethod(_ text: String) -> Bool {
        isToken(text) && text.uppercased() == text && text != "CONNECT" && text != "TRACE"
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
