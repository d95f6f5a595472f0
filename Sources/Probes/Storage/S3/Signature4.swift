import Connections
import Crypto

/// AWS Signature Version 4 in a header, as S3 takes it: paths are encoded once and not normalized.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
struct Signature4: Sendable {
    let accessKeyID: String
    let secretAccessKey: String
    let region: String
    var service = "s3"

    /// What is signed of a request. Path and query are as they are before any encoding; the header names are in lower case.
    struct Content: Sendable {
        var method = "GET"
        var path = "/"
        var query: [(name: String, value: String)] = []
        /// With the host, and with every header whose name begins with `x-amz-`.
        let headers: [(name: String, value: String)]
        var bodyDigest = Signature4.digest([])
    }

    func authorization(of content: Content, at time: Timestamp) -> String {
        let signature = Self.hexadecimal(
            key(at: time).reduce(SymmetricKey(data: Array("AWS4\(secretAccessKey)".utf8))) { key, part in
                SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
            }.signing(stringToSign(of: content, at: time)))
        return "AWS4-HMAC-SHA256 Credential=\(accessKeyID)/\(scope(at: time)), "
            + "SignedHeaders=\(Self.signedHeaders(of: content)), Signature=\(signature)"
    }

    func stringToSign(of content: Content, at time: Timestamp) -> String {
        let digest = Self.digest(Array(Self.canonicalRequest(of: content).utf8))
        return "AWS4-HMAC-SHA256\n\(Self.basicFormat(time))\n\(scope(at: time))\n\(digest)"
    }

    static func canonicalRequest(of content: Content) -> String {
        let headers = sorted(content.headers).map { "\($0.name):\(trimmed($0.value))\n" }.joined()
        return [
            content.method, encodedPath(content.path), encodedQuery(content.query), headers,
            signedHeaders(of: content), content.bodyDigest,
        ].joined(separator: "\n")
    }

    /// As it stands in the URL, too.
    static func encodedPath(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map { percentEncoded(String($0)) }
            .joined(separator: "/")
    }

    /// Sorted by name and value after encoding. As it stands in the URL, too.
    static func encodedQuery(_ query: [(name: String, value: String)]) -> String {
        query.map { (percentEncoded($0.name), percentEncoded($0.value)) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map { "\($0)=\($1)" }.joined(separator: "&")
    }

    /// Date and time as `x-amz-date` has them.
    static func basicFormat(_ time: Timestamp) -> String {
        String(time.rfc3339.prefix(19).filter { $0 != "-" && $0 != ":" }) + "Z"
    }

    static func digest(_ bytes: [UInt8]) -> String { hexadecimal(SHA256.hash(data: bytes)) }

    private func scope(at time: Timestamp) -> String { key(at: time).joined(separator: "/") }

    /// What the signing key is derived by, in order.
    private func key(at time: Timestamp) -> [String] {
        [String(Self.basicFormat(time).prefix(8)), region, service, "aws4_request"]
    }

    private static func signedHeaders(of content: Content) -> String {
        sorted(content.headers).map(\.name).joined(separator: ";")
    }

    private static func sorted(
        _ headers: [(name: String, value: String)]
    ) -> [(name: String, value: String)] { headers.sorted { $0.name < $1.name } }

    /// Without white space around, and with one space for several within.
    private static func trimmed(_ value: String) -> String {
        value.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

extension SymmetricKey {
    fileprivate func signing(_ text: String) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: self)
    }
}
