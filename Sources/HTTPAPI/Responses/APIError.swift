import Connections
import HTTPTypes
import LosslessJSON

/// What only the edge can refuse.
enum APIError: Error {
    case unauthorized(String)
    case invalidBody([ValidationProblem])
    /// With the type that is wanted.
    case unsupportedMediaType(String = "application/json")
    /// With the limit in bytes.
    case bodyTooLarge(Int = Call.maxBodySize)
    case methodNotAllowed([HTTPRequest.Method])
    case noSuchPath
    /// `retryAfter` is in seconds.
    case unavailable(String, retryAfter: Int)
}

/// One entry of the contract's 422 list, as pydantic would say it.
struct ValidationProblem: Sendable {
    enum Place: Sendable {
        case name(String)
        case index(Int)
    }

    let type: String
    let location: [Place]
    let message: String
    /// Left out where it could carry a secret.
    var input: JSONText?
    var context: [(key: StaticString, value: JSONText)] = []

    init(
        _ type: String, at location: [Place], _ message: String, input: JSONText? = nil,
        context: [(key: StaticString, value: JSONText)] = []
    ) {
        self.type = type
        self.location = location
        self.message = message
        self.input = input
        self.context = context
    }

    /// The position counts characters, as Python does.
    static func invalidJSON(_ error: JSONError, in bytes: [UInt8]) -> ValidationProblem {
        let characters = bytes.prefix(error.offset).count { $0 & 0xC0 != 0x80 }
        return ValidationProblem(
            "json_invalid", at: [.name("body"), .index(characters)], "JSON decode error", input: .emptyObject,
            context: [("error", JSONText(error.code.rawValue))])
    }

    static func value(_ message: String, at location: [Place], input: JSONText? = nil) -> ValidationProblem {
        ValidationProblem(
            "value_error", at: location, "Value error, \(message)", input: input, context: [("error", .emptyObject)])
    }
}

extension Answer {
    /// `{"detail": "…"}`
    static func error(_ status: HTTPResponse.Status, _ detail: String) -> Answer {
        json(status) { json in
            json.object { json in
                json.key("detail")
                json.value(detail)
            }
        }
    }

    /// `{"detail": [{"type", "loc", "msg", …}]}`
    static func validationProblems(_ problems: [ValidationProblem]) -> Answer {
        json(.unprocessableContent) { json in
            json.object { json in
                json.key("detail")
                json.array(problems) { json, problem in json.problem(problem) }
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func problem(_ problem: ValidationProblem) {
        object { json in
            json.key("type")
            json.value(problem.type)
            json.key("loc")
            json.array(problem.location) { json, place in
                switch place {
                case .name(let name): json.value(name)
                case .index(let index): json.value(index)
                }
            }
            json.key("msg")
            json.value(problem.message)
            if let input = problem.input {
                json.key("input")
                json.value(input)
            }
            guard !problem.context.isEmpty else { return }
            json.key("ctx")
            json.object { json in
                for (key, value) in problem.context {
                    json.key(key)
                    json.value(value)
                }
            }
        }
    }
}
