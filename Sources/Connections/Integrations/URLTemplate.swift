package import LosslessJSON
import Synchronization

/// A base URL with variables from the config. A variable fills one DNS label or one path segment, or is the whole URL.
package struct URLTemplate: Sendable {
    package struct Invalid: Error, Sendable {
        package let reason: String
    }

    package let text: String
    /// Keys of the config that fill it, in order.
    package let variables: [String]

    /// Refuses a template that could leave its registrable domain: the last two labels of the host are literal,
    /// a variable stands alone between its separators, scheme, port and user are literal.
    package init(_ text: String) throws(Invalid) {
        self.text = text
        variables = try Self.variables(in: text)
        if isWholeURL { return }
        guard text.hasPrefix("https://") else {
            throw Invalid(reason: "must begin with https://, or be one variable that holds the whole URL")
        }
        let rest = text.dropFirst("https://".count)
        let host = rest.prefix { $0 != "/" }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let fixed = Self.registrableLabels(labels)
        guard !host.contains("{") || (labels.count > fixed && !labels.suffix(fixed).contains { $0.contains("{") })
        else {
            throw Invalid(reason: "the last \(fixed) labels of the host must be literal")
        }
        let segments = rest.dropFirst(host.count).split(separator: "/")
        for part in labels + segments where part.contains("{") {
            guard part.hasPrefix("{"), part.hasSuffix("}"), part.dropFirst().dropLast().allSatisfy({ $0 != "{" }) else {
                throw Invalid(reason: "a variable must fill a whole DNS label or path segment")
            }
        }
        guard Self.origin(of: text.replacing("{", with: "").replacing("}", with: "").replacing("_", with: "-")) != nil
        else { throw Invalid(reason: "is not a URL") }
    }

    /// The one variable that holds the whole base URL.
    package var isWholeURL: Bool { variables.count == 1 && text == "{\(variables[0])}" }

    /// Where the filled template points, as a canonical origin; `nil` while a variable is missing or does not fit.
    package func origin(filledFrom config: JSONObject) -> String? {
        url(filledFrom: config).flatMap(Self.origin)
    }

    /// The filled template; `nil` while a variable is missing or does not fit.
    package func url(filledFrom config: JSONObject) -> String? {
        guard !variables.isEmpty else { return Self.origin(of: text) == nil ? nil : text }
        let filled = fillTemplate(text) { variable in
            guard let value = config[variable]?.slice.string else { return nil }
            return isWholeURL || Self.fitsOneLabelOrSegment(value) ? value : nil
        }
        guard let filled, Self.origin(of: filled) != nil else { return nil }
        // Parsed again: the host still ends in the template's literal labels.
        return isWholeURL || Self.host(of: filled).hasSuffix(literalSuffix) ? filled : nil
    }

    /// `scheme://host[:port]` in lower case without a default port; `nil` unless it is http or https to a plain host. Parsed
    /// here rather than by a URL library: what decides where a secret may go must read every text in one way only, so
    /// escapes, user info, and anything but ASCII are refused. An international name is written in its xn-- form.
    package static func origin(of url: String) -> String? {
        if let known = knownOrigins.withLock({ $0[url] }) { return known }
        let origin = parseOrigin(of: url)
        knownOrigins.withLock { known in
            if known.count >= 1_024 { known.removeAll(keepingCapacity: true) }
            known[url] = origin
        }
        return origin
    }

    /// The same few URLs are asked for with every use of a secret, and parsing took a tenth of a refresh.
    private static let knownOrigins = Mutex<[String: String?]>([:])

    private static func parseOrigin(of url: String) -> String? {
        let refused = Array("\"<>\\^`{|}".utf8)
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !refused.contains($0) }),
            let separator = url.firstRange(of: "://")
        else { return nil }
        let scheme = url[..<separator.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else { return nil }
        let authority = url[separator.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }.lowercased()
        guard let (host, port) = hostAndPort(authority) else { return nil }
        let isDefault = port == nil || port == (scheme == "https" ? 443 : 80)
        return isDefault ? "\(scheme)://\(host)" : "\(scheme)://\(host):\(port ?? 0)"
    }

    /// A host of letters, digits, dots, hyphens and underscores or an IPv6 address in brackets, and a port from 1 to 65535.
    private static func hostAndPort(_ authority: String) -> (host: String, port: Int?)? {
        let end: String.Index
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]"),
                authority[..<bracket].contains(":"), IPAddress(String(authority[..<bracket].dropFirst())) != nil
            else { return nil }
            end = authority.index(after: bracket)
        } else {
            end = authority.firstIndex(of: ":") ?? authority.endIndex
            let labels = authority[..<end].split(separator: ".", omittingEmptySubsequences: false)
            guard labels.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isHostCharacter) }) else { return nil }
        }
        let host = String(authority[..<end])
        let rest = authority[end...]
        if rest.isEmpty || rest == ":" { return (host, nil) }
        let digits = rest.dropFirst()
        guard rest.first == ":", (1...5).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let port = Int(digits), (1...65_535).contains(port)
        else { return nil }
        return (host, port)
    }

    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    package static func fitsOneLabelOrSegment(_ value: String) -> Bool {
        (1...63).contains(value.utf8.count) && value.first != "-" && value.last != "-"
            && value.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// How many labels make the registrable domain: two, or three under a registry's own second level such as `co.uk`. There
    /// is no public suffix list here; a second level of up to three letters under a country counts as a registry's.
    private static func registrableLabels(_ labels: [Substring]) -> Int {
        guard labels.count >= 2, labels[labels.count - 1].prefix(while: { $0 != ":" }).count == 2,
            labels[labels.count - 2].count <= 3
        else { return 2 }
        return 3
    }

    /// The domain that somebody registered, by the same rule; the whole host where it is an address or a single label. `nil`
    /// where it is no URL.
    package static func registrableDomain(of url: String) -> String? {
        guard let origin = origin(of: url) else { return nil }
        let authority = String(origin.drop { $0 != "/" }.dropFirst(2))
        if authority.hasPrefix("[") { return authority.prefix { $0 != "]" } + "]" }
        let host = String(authority.prefix { $0 != ":" })
        let labels = host.split(separator: ".")
        guard let last = labels.last, !last.utf8.allSatisfy({ (48...57).contains($0) }) else { return host }
        return labels.suffix(registrableLabels(labels)).joined(separator: ".")
    }

    private var literalSuffix: String {
        let labels = Self.host(of: text).split(separator: ".")
        return labels.suffix(Self.registrableLabels(labels)).joined(separator: ".").lowercased()
    }

    private static func host(of url: String) -> String {
        let afterScheme = url.split(separator: "://", maxSplits: 1).last ?? ""
        return afterScheme.prefix { $0 != "/" && $0 != ":" && $0 != "?" && $0 != "#" }.lowercased()
    }

    private static func variables(in text: String) throws(Invalid) -> [String] {
        var found: [String] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else { throw Invalid(reason: "has a { without }") }
            let name = String(rest[rest.index(after: open)..<close])
            guard !name.isEmpty else { throw Invalid(reason: "has a variable without a name") }
            found.append(name)
            rest = rest[rest.index(after: close)...]
        }
        return found
    }
}
