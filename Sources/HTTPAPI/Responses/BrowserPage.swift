import Connections
import HTTPTypes
import LosslessJSON
import NIOCore
import OAuth

/// Pages for people who come by. They hold no script, load nothing, are not kept, and tell nobody where they were.
enum BrowserPage {
    static let connected = page(.ok, title: "Connected", text: "The account is connected. You can close this window.")

    static let returnToApplication = page(
        .ok, title: "Almost done", text: "Access was granted. Return to the application to finish.")

    static let unavailable = page(
        .badGateway, title: "Not now", text: "The provider cannot be reached. Try the link again in a minute.")

    static func failure(_ failure: CallbackFailure, status: HTTPResponse.Status) -> Answer {
        page(status, title: "Not connected", text: failure.reason.sentence, code: failure.reason.code)
    }

    private static let style =
        "body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto 0;padding:0 1.5rem;color:#1c1c1e;background:#fff}"
        + "h1{font-size:1.4rem;margin:0 0 .5rem}"
        + ".code{font:.85rem ui-monospace,monospace;color:#6b6b70}"
        + "@media (prefers-color-scheme:dark){body{color:#f2f2f7;background:#1c1c1e}}"
    /// SHA-256 of the style, by which the policy lets it in: whoever changes one makes the other anew, and a browser in the
    /// end-to-end tests complains when they differ.
    private static let styleHash = "sha256-l0ZFR5gExBWfDapBpZeszCC5MoF9yhFExA6UDzLiV18="

    private static func page(
        _ status: HTTPResponse.Status, title: String, text: String, code: String? = nil
    ) -> Answer {
        let note = code.map { "<p class=\"code\">\(escaped($0))</p>" } ?? ""
        let html = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(escaped(title))</title>
            <style>\(style)</style>
            </head>
            <body><main><h1>\(escaped(title))</h1><p>\(escaped(text))</p>\(note)</main></body>
            </html>

            """
        var answer = Answer(status: status, body: ByteBuffer(string: html))
        answer.headers[.contentType] = "text/html; charset=utf-8"
        answer.headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src '\(styleHash)'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        answer.keepPrivate()
        return answer
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
    }
}

extension Answer {
    /// For the caller's eyes only.
    mutating func keepPrivate() {
        headers[.cacheControl] = "no-store"
        headers[.referrerPolicy] = "no-referrer"
        headers[.xContentTypeOptions] = "nosniff"
    }

    static func `private`(_ write: (inout JSONWriter) -> Void) -> Answer {
        var answer = json(.ok, write)
        answer.keepPrivate()
        return answer
    }

    /// A redirect that leaves no trace of where it came from.
    static func redirect(to url: String, adding parameters: [(name: String, value: String)] = []) -> Answer {
        let query = parameters.map { "\($0.name)=\(percentEncoded($0.value))" }.joined(separator: "&")
        var answer = Answer(status: .found)
        answer.headers[.location] = query.isEmpty ? url : url + (url.contains("?") ? "&" : "?") + query
        answer.keepPrivate()
        return answer
    }
}
