package import LosslessJSON

extension Integration {
    /// Where the secrets of a connection with this config and method may go, canonical and sorted: the origins of the base
    /// URL, of the identity request and of the method's token endpoints, and the destination keys' values. `nil` while the
    /// config does not say.
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
        for key in destinationKeys {
            if let value = config[key], value != .null { origins.insert("\(key)=\(value.string)") }
        }
        if isWorkspaceDefined, let usage = authMethod(method).map(usage) { origins.insert(usage) }
        return origins.sorted()
    }

    /// Whether a change of config can change the destination at all.
    package var originsDependOnConfig: Bool {
        !destinationKeys.isEmpty || !(baseURL?.variables.isEmpty ?? true)
            || authMethods.contains { $0.oauth?.endpoints.contains { !$0.variables.isEmpty } ?? false }
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
            + (method.oauth.map(usage) ?? [])).joined(separator: "\n")
    }

    private func usage(of method: OAuthMethod) -> [String] {
        var parts = method.endpoints.map(\.text)
        parts += [pairs(method.tokenHeaders), pairs(method.tokenParameters), "\(method.revocation)"]
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
