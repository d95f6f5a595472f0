#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

package func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

/// Base64 for URLs without padding (RFC 7636, appendix A).
package func base64URL(_ bytes: [UInt8]) -> String {
    base64(bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}

package func bytes(base64URL text: String) -> [UInt8]? {
    let standard = text.replacing("-", with: "+").replacing("_", with: "/")
    let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
    return Data(base64Encoded: standard + padding).map { Array($0) }
}
