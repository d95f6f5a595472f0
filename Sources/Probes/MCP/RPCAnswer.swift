import Egress
import LosslessJSON

/// A response of JSON-RPC 2.0 to one of our requests.
enum RPCAnswer: Sendable {
    case result(JSONObject)
    case error(code: Int, data: JSONObject)

    /// `nil` unless the message is a response to this request. An error may come without an ID, where the request was not
    /// understood.
    init?(_ message: JSONObject, to id: Int) {
        guard message["jsonrpc"]?.slice.string == "2.0" else { return nil }
        let isOurs = message["id"]?.string == "\(id)"
        if isOurs, let result = message["result"]?.slice, result.kind == .object {
            self = .result(JSONObject(result))
            return
        }
        guard isOurs || message["id"].map({ $0 == .null }) ?? true, message["method"] == nil,
            let error = message["error"]?.slice, error.kind == .object
        else { return nil }
        let members = JSONObject(error)
        guard let code = members["code"].flatMap({ Int($0.string) }) else { return nil }
        self = .error(code: code, data: members["data"].map { JSONObject($0.slice) } ?? JSONObject())
    }

    /// From a whole body: one message, a list of them (as revision 2025-03-26 allowed), or events.
    init?(_ response: EgressResponse, to id: Int) {
        let isStream = response.header("content-type")?.lowercased().hasPrefix("text/event-stream") ?? false
        var stream = EventStream()
        let texts = isStream ? stream.read(response.body).filter(\.isMessage).map(\.data) : [response.body]
        for text in texts {
            if let answer = RPCAnswer(text, to: id) {
                self = answer
                return
            }
        }
        return nil
    }

    init?(_ text: [UInt8], to id: Int) {
        guard let slice = try? JSONSlice(parsing: text) else { return nil }
        let messages = slice.kind == .array ? slice.elements : [slice]
        guard let answer = messages.lazy.compactMap({ RPCAnswer(JSONObject($0), to: id) }).first else { return nil }
        self = answer
    }
}

extension EventStream.Event {
    /// Those of other types are not for us.
    var isMessage: Bool { type.isEmpty || type == "message" }
}
