import Connections
import LosslessJSON

extension CatalogFile {
    static func identity(
        _ map: DefinitionMap, baseURL: URLTemplate?, config: [Field], methods: [AuthMethod], probe: IntegrationProbe?
    ) throws(DefinitionProblem) -> IdentityRequest? {
        guard let map = try map.map("identity") else { return nil }
        try map.allow(["from", "url", "method", "headers", "body", "id", "label"])
        let source = try map.optionalWord("from", IdentityRequest.Source.self) ?? .request
        let oauth = methods.compactMap(\.oauth)
        switch source {
        case .request:
            // Where there is an issuer, its metadata may name a userinfo endpoint.
            guard map.has("url") || oauth.contains(where: { $0.issuer != nil }) else {
                throw map.problem("url", "is required")
            }
        case .idToken, .tokenResponse:
            guard !oauth.isEmpty else { throw map.problem("from", "\(source.rawValue) needs a method with oauth") }
        case .probe: try checkPaths(map, ofTest: probe)
        }
        if source == .tokenResponse || source == .probe {
            for key in ["url", "method", "headers", "body"] where map.has(key) {
                throw map.problem(key, "belongs to a request")
            }
        }
        let id = source == .probe && !map.has("id") ? [] : try identifyingPaths(map)
        let label = map.has("label") ? try path(map, "label") : nil
        if source == .tokenResponse {
            // What is shown is the label, or the id where there is none.
            let tokens = oauth.flatMap(\.tokenPaths)
            for (key, paths) in [("id", id), ("label", label.map { [$0] } ?? [])] {
                guard !paths.contains(where: tokens.contains) else { throw map.problem(key, "would show a token") }
            }
        }
        let verb = try map.optionalWord("method", among: ["get", "post"]) ?? "get"
        return IdentityRequest(
            source: source, url: try requestURL(map, "url", baseURL: baseURL, config: config),
            method: verb.uppercased(), headers: try headers(map, "headers"), body: try requestBody(map, verb: verb),
            id: id, label: label)
    }

    /// Only the answer to a request has members that a path could lead to.
    private static func checkPaths(
        _ map: DefinitionMap, ofTest probe: IntegrationProbe?
    ) throws(DefinitionProblem) {
        guard let probe else { throw map.problem("from", "test needs a test") }
        if case .request = probe {
            guard map.has("id") || !map.has("label") else { throw map.problem("id", "is required by a label") }
            return
        }
        for key in ["id", "label"] where map.has(key) { throw map.problem(key, "belongs to a test by a url") }
    }

    private static func identifyingPaths(_ map: DefinitionMap) throws(DefinitionProblem) -> [String] {
        let paths = try map.oneOrMoreStrings("id")
        guard !paths.isEmpty else { throw map.problem("id", "is required") }
        for path in paths where path.isEmpty || !isPath(path) {
            throw map.problem("id", "must be a path such as data.user.id or users.0.id, or a list of them")
        }
        return paths
    }

    /// A path below the base URL, with config in it, or a whole URL as it stands: what binds secrets to origins
    /// takes no variables from it.
    static func requestURL(
        _ map: DefinitionMap, _ key: String, baseURL: URLTemplate?, config: [Field]
    ) throws(DefinitionProblem) -> String? {
        guard let url = try map.optionalString(key) else { return nil }
        guard url.hasPrefix("/") else {
            guard url.hasPrefix("https://"), URLTemplate.origin(of: url) != nil else {
                throw map.problem(key, "must be a path below base_url, or a URL that begins with https://")
            }
            return url
        }
        guard baseURL != nil else { throw map.problem(key, "is a path, which needs a base_url") }
        let shown = config.filter { !$0.isSecure }
        let vocabulary = Vocabulary(fields: [], config: shown, hasTokens: false)
        let path = try vocabulary.template(map, key)
        guard let sample = fillTemplate(path, from: { _ in "x" }),
            URLTemplate.origin(of: "https://example.com\(sample)") != nil
        else { throw map.problem(key, "is no path of a URL") }
        return path
    }

    static func requestBody(_ map: DefinitionMap, verb: String) throws(DefinitionProblem) -> String? {
        guard let body = try map.optionalString("body") else { return nil }
        guard verb == "post" else { throw map.problem("body", "belongs to method post") }
        guard (try? JSONSlice(parsing: Array(body.utf8))) != nil else { throw map.problem("body", "is not JSON") }
        return body
    }
}
