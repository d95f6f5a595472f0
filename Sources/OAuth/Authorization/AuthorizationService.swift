package import Connections
import Egress
import LosslessJSON

/// Sends people to a provider and turns what they come back with into a connection.
package struct AuthorizationService: Sendable {
    let services: OAuthServices
    let connections: ConnectionService
    let identities: IdentityReader
    let reconnectLinks = ReconnectLinks()

    /// In seconds, for a link and for a ticket.
    package static let lifetime: Int64 = 600

    package init(services: OAuthServices, connections: ConnectionService) {
        self.services = services
        self.connections = connections
        identities = IdentityReader(egress: services.egress)
    }

    // MARK: The provider's page

    /// Where a flow sends people, and the endpoints that go with it. `nil` where no page is known, or none for a browser.
    func departure(
        of request: AuthorizationRequest, app: OAuthApp, method: OAuthMethod, secrets: FlowSecrets
    ) async throws -> (url: String, endpoints: Endpoints)? {
        let config = JSONObject(request.config.slice)
        let issuer = method.issuer(filledFrom: config)
        let discovered = try await discover(issuer, for: method)
        var endpoints = method.endpoints(filledFrom: config, discovered: discovered)
        if endpoints.issuer == nil { endpoints.issuer = issuer }
        guard let authorize = endpoints.authorize, isBrowserURL(authorize) else { return nil }
        let url = AuthorizeURL(
            endpoint: authorize, method: method, app: app, redirectURI: services.redirectURI(of: app.id),
            secrets: secrets, scopes: request.scopes)
        return (url.text, endpoints)
    }

    private func discover(_ issuer: String?, for method: OAuthMethod) async throws -> Endpoints? {
        guard let issuer else { return nil }
        // Where the endpoints are given, the issuer is there only to be compared with the answer's.
        guard method.authorizeURL == nil || method.tokenURL == nil else { return services.discovery.cached(issuer) }
        do {
            let found = try await services.discovery.endpoints(of: issuer)
            guard !method.mistrusts(found) else {
                throw DomainError.upstream(
                    code: "discovery_failed",
                    message: "The issuer's metadata names an endpoint of another domain than the issuer's: use an "
                        + "integration that names the endpoints, or the domain in endpoint_domains")
            }
            return found
        } catch let error as EgressError {
            throw DomainError.upstream(
                code: "discovery_failed", message: "The issuer's metadata cannot be read: \(error)")
        }
    }
}
