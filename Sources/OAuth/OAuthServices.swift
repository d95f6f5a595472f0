package import Connections
package import Egress
package import Logging

/// What every part of this room works with.
package struct OAuthServices: Sendable {
    let store: any Store
    let vault: any SecretVault
    let catalog: any IntegrationCatalog
    let ambient: Ambient
    let digester: TokenDigester
    let egress: Egress
    let pause: InstancePause
    let logger: Logger
    /// As the outside reaches this service, without a slash at the end.
    let publicURL: String
    package let apps: OAuthAppService
    let reader: GrantReader
    let endpoint: TokenEndpoint
    let discovery: Discovery
    let opened = OpenedTokens()
    let circuit: AppCircuit

    package init(
        store: any Store, vault: any SecretVault, catalog: any IntegrationCatalog, ambient: Ambient,
        digester: @escaping TokenDigester, egress: Egress, pause: InstancePause, publicURL: String,
        defaultApps: [OAuthApp], logger: Logger
    ) {
        self.store = store
        self.vault = vault
        self.catalog = catalog
        self.ambient = ambient
        self.digester = digester
        self.egress = egress
        self.pause = pause
        self.publicURL = publicURL
        self.logger = logger
        circuit = AppCircuit()
        apps = OAuthAppService(
            store: store, vault: vault, catalog: catalog, ambient: ambient, defaults: defaultApps, circuit: circuit)
        reader = GrantReader(vault: vault, catalog: catalog, apps: apps, ambient: ambient)
        endpoint = TokenEndpoint(egress: egress, now: ambient.now)
        discovery = Discovery(egress: egress, now: ambient.now)
    }

    /// The address that a customer registers at the provider. It never changes.
    package func redirectURI(of app: OAuthAppID) -> String { "\(publicURL)/api/v1/oauth/callback/\(app)" }
}

extension EgressError {
    /// Whether the other side may have seen the request.
    var mayHaveBeenSent: Bool {
        switch self {
        case .destinationRefused, .invalidURL, .nameNotResolved, .connectFailed, .tlsFailed, .circuitOpen, .overloaded:
            false
        case .closed, .timedOut, .responseTooLarge, .tooManyRedirects, .connectionLost, .protocolError: true
        }
    }
}
