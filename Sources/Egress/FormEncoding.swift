import Connections

/// `application/x-www-form-urlencoded` (RFC 6749, appendix B).
package func formEncoded(_ parameters: [(name: String, value: String)]) -> String {
    parameters.map { "\(formEncoded($0.name))=\(formEncoded($0.value))" }.joined(separator: "&")
}

package func formEncoded(_ text: String) -> String {
    percentEncoded(text, space: "+")
}
