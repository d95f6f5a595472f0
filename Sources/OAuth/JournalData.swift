import Connections
import LosslessJSON

/// What the journal keeps of a grant's steps: numbers and words, never a token.
extension JSONText {
    static func refresh(generation: Int64, isSecondTry: Bool) -> JSONText {
        var json = JSONWriter(capacity: 64)
        json.object { json in
            json.key("generation")
            json.value(Int(generation))
            json.key("second_try")
            json.value(isSecondTry)
        }
        return json.text
    }

    static func refreshed(generation: Int64, tokens: Tokens) -> JSONText {
        var json = JSONWriter(capacity: 128)
        json.object { json in
            json.key("generation")
            json.value(Int(generation))
            json.key("rotated")
            json.value(tokens.refreshToken != nil)
            json.key("expires_at")
            json.value(tokens.expiresAt?.rfc3339)
        }
        return json.text
    }

    static func failure(_ code: String, state: Grant.State, httpStatus: Int?) -> JSONText {
        var json = JSONWriter(capacity: 128)
        json.object { json in
            json.key("reason_code")
            json.value(code)
            json.key("grant_state")
            json.value(state.rawValue)
            if let httpStatus {
                json.key("http_status")
                json.value(httpStatus)
            }
        }
        return json.text
    }
}
