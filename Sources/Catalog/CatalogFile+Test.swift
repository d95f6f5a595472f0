import Connections

extension CatalogFile {
    private enum TestProtocol: String, CaseIterable {
        case mcp, s3, postgresql, config
        case azureBlob = "azure_blob"

        var probe: IntegrationProbe {
            switch self {
            case .mcp: .mcp
            case .s3: .s3
            case .azureBlob: .azureBlob
            case .postgresql: .postgresql
            case .config: .config
            }
        }

        /// Without them there would never be anything to ask.
        var neededConfig: [String] {
            switch self {
            case .s3: ["bucket", "region"]
            case .azureBlob: ["account", "container"]
            case .config: [IntegrationProbe.testURLKey]
            case .mcp, .postgresql: []
            }
        }
    }

    private static let requestKeys = [
        "url", "method", "headers", "body", "error_when", "error_code", "meanings", "expects",
    ]

    /// How connections are tested. There are three forms, and a file has one of them.
    static func probe(
        _ map: DefinitionMap, baseURL: URLTemplate?, config: [Field], methods: [AuthMethod]
    ) throws(DefinitionProblem) -> IntegrationProbe? {
        guard let test = try map.map("test") else { return nil }
        try test.allow(requestKeys + ["models", "path", "protocol"])
        let forms = ["url", "models", "protocol"].filter(test.has)
        guard let form = forms.first else { throw map.problem("test", "needs one of url, models, protocol") }
        if forms.count > 1 { throw test.problem(forms[1], "does not go with \(form)") }
        let keys = form == "url" ? requestKeys : form == "models" ? ["models", "path"] : ["protocol"]
        for key in requestKeys + ["path"] where test.has(key) && !keys.contains(key) {
            throw test.problem(key, "belongs to \(key == "path" ? "models" : "a test by a url")")
        }
        switch form {
        case "url": return .request(try testRequest(test, baseURL: baseURL, config: config))
        case "models": return .models(try modelListing(test, baseURL: baseURL, config: config))
        default: return try protocolProbe(test, baseURL: baseURL, config: config, methods: methods)
        }
    }

    private static func testRequest(
        _ map: DefinitionMap, baseURL: URLTemplate?, config: [Field]
    ) throws(DefinitionProblem) -> TestRequest {
        guard let url = try requestURL(map, "url", baseURL: baseURL, config: config) else {
            throw map.problem("url", "is required")
        }
        let verb = try map.optionalWord("method", among: ["get", "post"]) ?? "get"
        let condition = try errorCondition(map)
        let errorCode = map.has("error_code") ? try path(map, "error_code") : nil
        return TestRequest(
            url: url, method: verb.uppercased(), headers: try headers(map, "headers"),
            body: try requestBody(map, verb: verb), errorWhen: condition.map { (path: $0.path, equals: $0.equals) },
            errorCode: errorCode, meanings: try meanings(map, hasCodes: errorCode != nil),
            expects: map.has("expects") ? try path(map, "expects") : nil)
    }

    private static func meanings(
        _ map: DefinitionMap, hasCodes: Bool
    ) throws(DefinitionProblem) -> [String: TestRequest.Meaning] {
        guard let map = try map.map("meanings") else { return [:] }
        var meanings: [String: TestRequest.Meaning] = [:]
        for (code, _) in try map.texts() {
            guard hasCodes || isErrorStatus(code) else {
                throw map.problem(code, "is no HTTP status from 400 to 599, and other codes need an error_code")
            }
            meanings[code] = try map.word(code, TestRequest.Meaning.self)
        }
        return meanings
    }

    private static func isErrorStatus(_ code: String) -> Bool {
        code.utf8.count == 3 && (400...599).contains(Int(code) ?? 0)
    }

    private static func modelListing(
        _ map: DefinitionMap, baseURL: URLTemplate?, config: [Field]
    ) throws(DefinitionProblem) -> ModelListing {
        let shape = try map.word("models", ModelListing.Shape.self)
        guard try map.string("path").hasPrefix("/"),
            let path = try requestURL(map, "path", baseURL: baseURL, config: config)
        else { throw map.problem("path", "must be a path below base_url") }
        return ModelListing(shape: shape, path: path)
    }

    private static func protocolProbe(
        _ map: DefinitionMap, baseURL: URLTemplate?, config: [Field], methods: [AuthMethod]
    ) throws(DefinitionProblem) -> IntegrationProbe {
        let word = try map.word("protocol", TestProtocol.self)
        if case .mcp = word, baseURL == nil { throw map.problem("protocol", "mcp needs a base_url") }
        for key in word.neededConfig where !config.contains(where: { $0.key == key }) {
            throw map.problem("protocol", "\(word.rawValue) needs a config field '\(key)'")
        }
        let probe = word.probe
        let fromQuery = methods.flatMap { $0.oauth?.callbackKeep.map(\.key) ?? [] }
        for key in probe.destinationKeys {
            // Where a secret goes is compared with what is shown of the config.
            if config.contains(where: { $0.key == key && $0.isSecure }) {
                throw map.problem("protocol", "\(word.rawValue) uses '\(key)', which is secret")
            }
            if fromQuery.contains(key) {
                throw map.problem(
                    "protocol", "\(word.rawValue) uses '\(key)', which anybody can write into the callback's query")
            }
        }
        return probe
    }

    // MARK: How often

    /// Seconds, or `nil` for never, where an integration does not say: the one place that says it for all. An MCP server's tools
    /// change, and nothing is known of what is custom.
    private static func defaultCheckInterval(of type: IntegrationType) -> Int? {
        switch type {
        case .mcp: 3_600
        case .connectors, .api, .tool, .model, .storage: 21_600
        case .custom: nil
        }
    }

    /// Seconds; `nil` for never.
    static func checkInterval(
        _ map: DefinitionMap, type: IntegrationType, isTested: Bool
    ) throws(DefinitionProblem) -> Int? {
        guard let text = try map.optionalString("check_interval") else {
            return isTested ? defaultCheckInterval(of: type) : nil
        }
        guard isTested else { throw map.problem("check_interval", "needs a test") }
        if text == "off" { return nil }
        // Ten years at most, as every span here.
        guard let seconds = Int(text), (60...315_360_000).contains(seconds) else {
            throw map.problem("check_interval", "must be off, or a whole number of seconds from 60 to 315360000")
        }
        return seconds
    }
}
