import HTTPTypes
import Hummingbird
import LosslessJSON
import NIOCore

/// What a handler answers.
struct Answer {
    var status: HTTPResponse.Status = .ok
    var headers = HTTPFields()
    var body: ByteBuffer?
    /// Instead of a body that is there already: writes one while it comes to be, and ends it.
    var stream: BodyStream?

    typealias BodyStream = @Sendable (inout any ResponseBodyWriter) async throws -> Void

    static let noContent = Answer(status: .noContent)

    static func json(_ status: HTTPResponse.Status = .ok, _ write: (inout JSONWriter) -> Void) -> Answer {
        var writer = JSONWriter(capacity: 768)
        write(&writer)
        var answer = Answer(status: status, body: ByteBuffer(bytes: writer.bytes))
        answer.headers[.contentType] = "application/json"
        return answer
    }

    /// One row with its entity tag.
    static func json(revision: Int64, _ write: (inout JSONWriter) -> Void) -> Answer {
        var answer = json(.ok, write)
        answer.headers[.eTag] = EntityTag.tag(revision)
        return answer
    }

    static func notModified(revision: Int64) -> Answer {
        Answer(status: .notModified, headers: [.eTag: EntityTag.tag(revision)])
    }

    static func text(_ text: [UInt8], type: String) -> Answer {
        Answer(headers: [.contentType: type], body: ByteBuffer(bytes: text))
    }

    var response: Response {
        let body = stream.map { ResponseBody($0) } ?? body.map { ResponseBody(byteBuffer: $0) } ?? ResponseBody()
        return Response(status: status, headers: headers, body: body)
    }
}

/// Names that the library has not; each is a token, so making it cannot fail.
extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    static let requestID = HTTPField.Name("X-Request-Id")!
    // swift-format-ignore: NeverForceUnwrap
    static let workspaceID = HTTPField.Name("X-Workspace-Id")!
    // swift-format-ignore: NeverForceUnwrap
    static let apiKey = HTTPField.Name("X-API-Key")!
    // swift-format-ignore: NeverForceUnwrap
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
    // swift-format-ignore: NeverForceUnwrap
    static let retryAfter = HTTPField.Name("Retry-After")!
    // swift-format-ignore: NeverForceUnwrap
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
    // swift-format-ignore: NeverForceUnwrap
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
    // swift-format-ignore: NeverForceUnwrap
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}
