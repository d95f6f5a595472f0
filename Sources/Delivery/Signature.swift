import Connections
import Crypto
import Egress
import LosslessJSON

/// How a receiver knows that a message is from here and of now, by the Standard Webhooks specification.
enum Signature {
    static let version = "v1"

    /// One signature for each key, separated by spaces. The time is in seconds since 1970.
    static func header(id: String, time: Int64, payload: JSONText, keys: [SigningKey]) -> String {
        let head = Array("\(id).\(time).".utf8)
        return keys.map { key in
            var code = HMAC<SHA256>(key: key.secret.withBytes { SymmetricKey(data: $0) })
            code.update(data: head)
            code.update(data: payload.bytes)
            return "\(version),\(base64(Array(code.finalize())))"
        }.joined(separator: " ")
    }
}
