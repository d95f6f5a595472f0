package import LosslessJSON

extension Integration {
    /// Where the secrets of a connection with this config and method may go, canonical and sorted: the origins of the base
    /// URL, of the identity request, of the test and of the method's token endpoints, and the destination keys' values. `nil`
    /// while the config does not say.
    package func origins(config: JSONObject, method: String) -> [String]? {
        var origins: Set<String> = []
        if let baseURL {
            guard let origin = baseURL.origin(filledFrom: config) else { return nil }
            origins.insert(origin)
        }
        if let oauth = authMethod(method)?.oauth {
            for endpoint in oauth.requiredEndpoints {
                guard let origin = endpoint.origin(filledFrom: config) else { return nil }
                origins.insert(origin)
            }
            origins.formUnion(oauth.optionalEndpoints.compactMap { $0.origin(filledFrom: config) })
        }
        if let url = identity?.url, let origin = URLTemplate.origin(of: url) { origins.insert(origin) }
        if case .request(let test) = probe, let origin = URLTemplate.origin(of: test.url) { origins.insert(origin) }
        if case .config = probe, let origin = testOrigin(in: config) { origins.insert(origin) }
        // Those of the test count even where no field declares them: a config may have any key.
        for key in destinationKeys + (probe?.valueKeys ?? []) {
            if let value = config[key], value != .null { origins.insert("\(key)=\(value.string)") }
        }
        if isWorkspaceDefined, let usage = authMethod(method).map(usage) { origins.insert(usage) }
        return origins.sorted()
    }

    /// Whether a change of config can change the destination at all.
    package var originsDependOnConfig: Bool {
        !destinationKeys.isEmpty || !(probe?.destinationKeys.isEmpty ?? true) || !(baseURL?.variables.isEmpty ?? true)
            || authMethods.contains { $0.oauth?.endpoints.contains { !$0.variables.isEmpty } ?? false }
    }

    /// Only the origin, so that another path of the same API is no other destination. What is no URL stands for itself.
    private func testOrigin(in config: JSONObject) -> String? {
        guard let value = config[IntegrationProbe.testURLKey], value != .null, value.slice.string != "" else {
            return nil
        }
        return value.slice.string.flatMap(URLTemplate.origin) ?? "\(IntegrationProbe.testURLKey)=\(value.string)"
    }

    /// How a secret is sent, as text: whoever may edit a workspace's integrations could otherwise have it sent in a place that
    /// the destination logs or shows.
    private func usage(of method: AuthMethod) -> String {
        let placements = method.placements.map { placement in
            switch placement {
            case .header(let name, let value): "header \(name)=\(value)"
            case .query(let name, let value): "query \(name)=\(value)"
            case .basic(let username, let password): "basic \(username):\(password)"
            }
        }
        let test = identity.map { identity in
            "\(identity.method) \(identity.url ?? "") \(identity.body ?? "") \(pairs(identity.headers))"
        }
        return
            (["sent as"] + placements + ["tested by \(test ?? "")", baseURL?.text ?? ""]
            + (method.oauth.map(usage) ?? []) + (probe.map { ["checked by \(usage(of: $0))"] } ?? []))
            .joined(separator: "\n")
    }

    /// Where it sends what. How the answer is read is no part of it.
    private func usage(of probe: IntegrationProbe) -> String {
        switch probe {
        case .request(let test): "\(test.method) \(test.url) \(test.body ?? "") \(pairs(test.headers))"
        case .models(let listing): "models of \(listing.shape.rawValue) at \(listing.path)"
        case .mcp: "mcp"
        case .s3: "s3"
        case .azureBlob: "azure_blob"
        case .postgresql: "postgresql"
        case .config: "config"
        }
    }

    private func usage(of method: OAuthMethod) -> [String] {
        var parts = method.endpoints.map(\.text)
        parts += [pairs(method.tokenHeaders), pairs(method.tokenParameters), "\(method.revocation)"]
        if !method.endpointDomains.isEmpty { parts.append("found at \(method.endpointDomains.joined(separator: " "))") }
        if let request = method.request {
            parts.append("\(request.method) \(pairs(request.headers)) \(pairs(request.body))")
        }
        if let assertion = method.assertion {
            parts.append("\(assertion.issuer) \(assertion.audience ?? "") \(pairs(assertion.claims)) \(assertion.use)")
        }
        return parts
    }

    private func pairs(_ pairs: [(name: String, value: String)]) -> String {
        pairs.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }
}

extension IntegrationProbe {
    package static let testURLKey = "test_url"

    /// Config keys that say where it sends secrets.
    package var destinationKeys: [String] {
        if case .config = self { [Self.testURLKey] } else { valueKeys }
    }

    /// Those of them whose whole value counts.
    fileprivate var valueKeys: [String] {
        switch self {
        case .s3: ["bucket", "region", "endpoint"]
        case .azureBlob: ["account", "endpoint"]
        case .postgresql: ["host", "port"]
        case .request, .models, .mcp, .config: []
        }
    }
}
