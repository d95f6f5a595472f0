import Connections
import LosslessJSON

/// Where a container of Azure Blob Storage is.
struct AzureContainer: Sendable {
    let account: String
    let name: String
    /// As `URLTemplate.origin` writes it.
    let origin: String
    /// Beginning with a slash, as it stands in the URL.
    let path: String

    /// `nil` while the config does not say, or says what is no address. An endpoint may have a path, as those of emulators do.
    init?(_ config: JSONObject) {
        guard let account = config.text(at: "account"), let container = config.text(at: "container"),
            Self.isName(account, among: "", upTo: 24), Self.isName(container, among: "-$", upTo: 63)
        else { return nil }
        let base = config.text(at: "endpoint") ?? "https://\(account).blob.core.windows.net"
        guard let origin = URLTemplate.origin(of: base) else { return nil }
        var prefix = base.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" && $0 != "?" && $0 != "#" }
        if prefix.hasSuffix("/") { prefix.removeLast() }
        guard
            prefix.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
                .allSatisfy({ URLTemplate.fitsOneLabelOrSegment(String($0)) })
        else { return nil }
        self.account = account
        name = container
        self.origin = origin
        path = "\(prefix)/\(container)"
    }

    private static func isName(_ text: String, among others: String, upTo maxLength: Int) -> Bool {
        (1...maxLength).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: others.utf8.contains(byte)
                }
            }
    }
}
