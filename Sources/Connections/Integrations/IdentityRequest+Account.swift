package import LosslessJSON

extension IdentityRequest {
    /// Whose account an answer speaks of; `nil` unless it, or the config, has every part of the ID.
    package func account(in facts: JSONObject, config: JSONObject, integration: String) -> ProbedAccount? {
        let parts = id.compactMap { facts.text(at: $0) ?? config.text(at: $0) }
        guard !parts.isEmpty, parts.count == id.count else { return nil }
        let label = label.flatMap { facts.text(at: $0) } ?? parts.joined(separator: "/")
        return ProbedAccount(
            subject: ([integration] + parts).map { "\($0.utf8.count):\($0)" }.joined(),
            label: String(label.prefix(200)))
    }

    /// What an answer of the provider says, by its first element where it is a list.
    package static func facts(_ body: [UInt8]) -> JSONObject? {
        guard let slice = try? JSONSlice(parsing: body) else { return nil }
        return JSONObject(slice.kind == .array ? slice.elements.first ?? slice : slice)
    }
}

extension Integration {
    /// A path under the base URL, with config filled in, or a whole URL as it is; `nil` while the config does not say.
    package func url(of pathOrURL: String, filledFrom config: JSONObject) -> String? {
        guard pathOrURL.hasPrefix("/") else { return pathOrURL }
        guard var base = baseURL?.url(filledFrom: config) else { return nil }
        while base.hasSuffix("/") { base.removeLast() }
        return fillTemplate(pathOrURL) { key in config.text(at: key).map(percentEncoded) }.map { base + $0 }
    }
}
