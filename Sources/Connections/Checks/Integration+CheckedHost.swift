package import LosslessJSON

extension Integration {
    /// The origin that tests of a connection go to, by which they are bounded; empty where the config does not say.
    package func checkedHost(config: JSONObject, origins: [String]) -> String {
        testedOrigin(config) ?? origins.first { $0.hasPrefix("http") && !$0.contains("\n") } ?? ""
    }

    private func testedOrigin(_ config: JSONObject) -> String? {
        let base = baseURL?.origin(filledFrom: config)
        switch probe {
        case .request(let test): return url(of: test.url, filledFrom: config).flatMap(URLTemplate.origin) ?? base
        case .config: return config.text(at: IntegrationProbe.testURLKey).flatMap(URLTemplate.origin) ?? base
        case .s3:
            return config.text(at: "endpoint").flatMap(URLTemplate.origin)
                ?? config.text(at: "region").flatMap { URLTemplate.origin(of: "https://s3.\($0).amazonaws.com") }
        case .azureBlob:
            return config.text(at: "endpoint").flatMap(URLTemplate.origin)
                ?? config.text(at: "account").flatMap { URLTemplate.origin(of: "https://\($0).blob.core.windows.net") }
        case .postgresql:
            return config.text(at: "host").flatMap { postgresOrigin(host: $0, port: config.text(at: "port")) }
        case .models, .mcp, nil: return base
        }
    }

    private func postgresOrigin(host: String, port: String?) -> String? {
        URLTemplate.origin(of: "https://\(host):\(port ?? "5432")").map { "postgresql" + $0.dropFirst("https".count) }
    }
}
