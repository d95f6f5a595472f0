import Hummingbird
import LosslessJSON

/// A request, read.
struct Call: Sendable {
    let target: Target
    let headers: HTTPFields
    let rawQuery: String
    let query: Fields
    let body: Fields
    /// The issuer of these modes: RFC 8414 and RFC 9207 want it the same everywhere.
    let issuer: String
    let now: Instant

    private static let maxBodySize = 4 << 20

    /// Takes a form or JSON, as the content type says.
    init(_ request: Request, target: Target, origin: String?, now: Instant) async throws(Unreadable) {
        self.target = target
        self.now = now
        headers = request.headers
        rawQuery = request.uri.query ?? ""
        query = Fields(form: rawQuery.utf8)
        issuer = (origin ?? "http://\(request.head.authority ?? "localhost")") + target.prefix
        guard let bytes = try? await request.body.collect(upTo: Self.maxBodySize) else { throw .tooLarge }
        guard headers[.contentType]?.contains("json") == true else {
            body = Fields(form: bytes.readableBytesView)
            return
        }
        guard let slice = try? JSONSlice(parsing: Array(buffer: bytes)), slice.kind == .object else {
            throw .notAnObject
        }
        body = Fields(slice)
    }

    enum Unreadable: Error { case tooLarge, notAnObject }

    /// By `Authorization: Basic` with both parts form-encoded (RFC 6749, 2.3.1), or in the body.
    var credentials: ClientCredentials? {
        guard let encoded = authorization("basic") else {
            return body["client_id"].map { ClientCredentials(id: $0, secret: body["client_secret"]) }
        }
        guard let bytes = Base64.decode(encoded), let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            return nil
        }
        return ClientCredentials(id: formDecoded(bytes[..<colon]), secret: formDecoded(bytes[(colon + 1)...]))
    }

    var bearerToken: String? { authorization("bearer").map(String.init) ?? query["access_token"] }

    /// What follows a scheme, whose case does not count (RFC 9110, 11.1).
    private func authorization(_ scheme: String) -> Substring? {
        guard let header = headers[.authorization], let space = header.firstIndex(of: " "),
            header[..<space].lowercased() == scheme
        else { return nil }
        return header[header.index(after: space)...]
    }
}
