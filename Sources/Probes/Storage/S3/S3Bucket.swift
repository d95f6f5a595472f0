import Connections
import LosslessJSON

/// Where a bucket is: in the host's name, as Amazon wants it, or in the path.
struct S3Bucket: Sendable {
    let name: String
    let region: String
    /// As `URLTemplate.origin` writes it.
    let origin: String
    /// Beginning with a slash, before any encoding.
    let path: String

    /// `nil` while the config does not say, or says what is no address.
    init?(_ config: JSONObject) {
        guard let bucket = config.text(at: "bucket"), let region = config.text(at: "region"), Self.isName(bucket) else {
            return nil
        }
        name = bucket
        self.region = region
        guard let base = config.text(at: "endpoint") ?? Self.amazon(region), let origin = URLTemplate.origin(of: base),
            let prefix = Self.path(of: base)
        else { return nil }
        if config["force_path_style"]?.slice.boolean != true, Self.fitsHost(bucket), Self.takesLabels(origin) {
            self.origin = origin.replacing("://", with: "://\(bucket).", maxReplacements: 1)
            path = prefix.isEmpty ? "/" : prefix
        } else {
            self.origin = origin
            path = "\(prefix)/\(bucket)"
        }
    }

    /// As the Host header has it.
    var host: String { String(origin.drop { $0 != "/" }.dropFirst(2)) }

    func url(query: [(name: String, value: String)] = []) -> String {
        let encoded = Signature4.encodedQuery(query)
        return origin + Signature4.encodedPath(path) + (encoded.isEmpty ? "" : "?\(encoded)")
    }

    /// A region as it may stand in a message, whoever named it.
    static func isRegion(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { isLowerOrDigit($0) || $0 == UInt8(ascii: "-") }
    }

    private static func amazon(_ region: String) -> String? {
        guard isRegion(region) else { return nil }
        let domain =
            region.hasPrefix("cn-")
            ? "amazonaws.com.cn" : region.hasPrefix("eusc-") ? "amazonaws.eu" : "amazonaws.com"
        return "https://s3.\(region).\(domain)"
    }

    /// The path of an endpoint without the slash at its end; `nil` where there is more than that behind the host.
    private static func path(of endpoint: String) -> String? {
        let rest = endpoint.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" && $0 != "?" && $0 != "#" }
        let isPlain = rest.utf8.allSatisfy { byte in
            isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || "/-._~".utf8.contains(byte)
        }
        guard isPlain, !rest.contains("..") else { return nil }
        return rest.hasSuffix("/") ? String(rest.dropLast()) : String(rest)
    }

    private static func isName(_ bucket: String) -> Bool {
        (1...255).contains(bucket.utf8.count) && bucket != "." && bucket != ".."
            && bucket.utf8.allSatisfy { byte in
                isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                    || "._-".utf8.contains(byte)
            }
    }

    /// Whether a bucket can be a label of its own. One with dots could, and no certificate would cover it.
    private static func fitsHost(_ bucket: String) -> Bool {
        URLTemplate.fitsOneLabelOrSegment(bucket)
            && bucket.utf8.allSatisfy { isLowerOrDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Whether there are names below the host at all.
    private static func takesLabels(_ origin: String) -> Bool {
        let authority = origin.drop { $0 != "/" }.dropFirst(2)
        let host = String(authority.prefix { $0 != ":" })
        return !authority.hasPrefix("[") && host.contains(".") && IPAddress(host) == nil
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
