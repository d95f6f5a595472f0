import Connections
import Crypto
import Egress

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Signs requests without a body for Azure Storage, as it wants them since version 2015-02-21.
/// https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key
struct AzureSharedKey: Sendable {
    private let account: String
    private let key: SymmetricKey

    /// `nil` for what is not Base64.
    init?(account: String, key: String) {
        guard let bytes = Data(base64Encoded: key), !bytes.isEmpty else { return nil }
        self.account = account
        self.key = SymmetricKey(data: bytes)
    }

    /// - Parameters:
    ///   - path: as it stands in the URL.
    ///   - query: before any encoding, no name twice.
    ///   - headers: the `x-ms-` ones, in lower case.
    func authorization(
        method: String, path: String, query: [(name: String, value: String)],
        headers: [(name: String, value: String)]
    ) -> String {
        let text = Self.stringToSign(account: account, method: method, path: path, query: query, headers: headers)
        let signature = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
        return "SharedKey \(account):\(base64(Array(signature)))"
    }

    static func stringToSign(
        account: String, method: String, path: String, query: [(name: String, value: String)],
        headers: [(name: String, value: String)]
    ) -> String {
        // Eleven standard headers stand between, which a request like ours has not: Content-Length is empty when it is zero.
        method + String(repeating: "\n", count: 12)
            + headers.sorted { $0.name < $1.name }.map { "\($0.name):\($0.value)\n" }.joined()
            + "/\(account)\(path)"
            + query.map { ($0.name.lowercased(), $0.value) }.sorted { $0.0 < $1.0 }.map { "\n\($0):\($1)" }.joined()
    }
}
