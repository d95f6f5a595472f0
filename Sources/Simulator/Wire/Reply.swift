import Hummingbird
import LosslessJSON

/// An answer before it meets the wire, and what the wire is to do to it.
struct Reply: Sendable {
    var status: HTTPResponse.Status = .ok
    var headers = HTTPFields()
    var body: [UInt8] = []
    var delivery = Behaviour.Delivery.whole
    /// How long the client is kept waiting.
    var delaySeconds: Double = 0
    /// The connection closes instead.
    var isLost = false

    /// Not to be cached, as RFC 6749, 5.1 asks.
    static func json(_ status: HTTPResponse.Status = .ok, _ write: (inout JSONWriter) -> Void) -> Reply {
        var writer = JSONWriter(capacity: 512)
        writer.object(write)
        return Reply(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: writer.bytes)
    }

    static func html(_ status: HTTPResponse.Status = .ok, title: String, body: String) -> Reply {
        let page = """
            <!doctype html><html lang="en"><meta charset="utf-8"><title>\(title)</title>
            <h1>\(title)</h1>
            \(body)
            </html>
            """
        return Reply(
            status: status, headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"],
            body: Array(page.utf8))
    }

    static func redirect(to location: String) -> Reply {
        Reply(status: .found, headers: [.location: location, .cacheControl: "no-store"])
    }

    static func error(_ error: OAuthError, status: HTTPResponse.Status? = nil) -> Reply {
        var reply = json(status ?? (error.code == .invalidClient ? .unauthorized : .badRequest)) { writer in
            writer.key("error")
            writer.value(error.code.rawValue)
            writer.key("error_description")
            writer.value(error.detail)
        }
        if reply.status == .unauthorized { reply.headers[.wwwAuthenticate] = "Basic realm=\"simulator\"" }
        return reply
    }

    /// What is wrong with a request to the simulator itself.
    static func problem(_ status: HTTPResponse.Status, _ detail: String) -> Reply {
        json(status) { writer in
            writer.key("error")
            writer.value("simulator")
            writer.key("error_description")
            writer.value(detail)
        }
    }
}

/// Text in HTML, attributes included.
func htmlEscaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
}
