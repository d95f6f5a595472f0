package import Catalog
package import Connections
package import Hummingbird
import Logging
package import OAuth

/// What the routes of grants work with.
package struct OAuthRoom: Sendable {
    let services: OAuthServices
    let apps: OAuthAppService
    let authorization: AuthorizationService
    let tokens: TokenService
    let store: any Store
    let publicURL: String
    /// The address that a customer registers for an app at the provider.
    let redirectURI: @Sendable (OAuthAppID) -> String

    package init(
        services: OAuthServices, authorization: AuthorizationService, tokens: TokenService, store: any Store,
        publicURL: String
    ) {
        self.services = services
        apps = services.apps
        self.authorization = authorization
        self.tokens = tokens
        self.store = store
        self.publicURL = publicURL
        redirectURI = { services.redirectURI(of: $0) }
    }
}

/// The API over its services: the table of routes, and the responder that drives them.
package struct API: Sendable {
    let connections: ConnectionService
    let credentials: CredentialService
    let apiKeys: APIKeyService
    let workspaces: WorkspaceService
    let catalog: any IntegrationCatalog
    let integrations: IntegrationService
    let ambient: Ambient
    let authenticator: Authenticator
    let health: HealthChecks
    let oauth: OAuthRoom
    let checks: ChecksRoom
    let events: EventsRoom

    package init(
        connections: ConnectionService, credentials: CredentialService, apiKeys: APIKeyService,
        workspaces: WorkspaceService, catalog: any IntegrationCatalog, integrations: IntegrationService,
        ambient: Ambient, keys: APIKeyAuthenticator, users: UserTokenVerifier?, trustedProxies: [IPRange],
        health: HealthChecks,
        oauth: OAuthRoom, checks: ChecksRoom, events: EventsRoom
    ) {
        self.connections = connections
        self.credentials = credentials
        self.apiKeys = apiKeys
        self.workspaces = workspaces
        self.catalog = catalog
        self.integrations = integrations
        self.ambient = ambient
        authenticator = Authenticator(keys: keys, users: users, trustedProxies: trustedProxies)
        self.health = health
        self.oauth = oauth
        self.checks = checks
        self.events = events
    }

    /// Every operation.
    package func routes(metrics: Metrics) -> [Route] {
        connectionRoutes + testRoutes + expirationRoutes + credentialRoutes + integrationRoutes + apiKeyRoutes
            + workspaceRoutes + sessionRoutes
            + oauthRoutes + oauthAppRoutes + importRoutes + eventRoutes + webhookRoutes + serviceRoutes(metrics)
    }

    package func responder(metrics: Metrics, log: @escaping RequestLog) -> some HTTPResponder<AppContext> {
        let routes = routes(metrics: metrics)
        let router = Router(context: AppContext.self)
        router.add(middleware: ObservationMiddleware(routes: routes, metrics: metrics, log: log))
        for (index, route) in routes.enumerated() {
            router.on(RouterPath(route.path), method: route.method) { request, context in
                context.trace.update { $0.route = index }
                return try await answer(route, request, context).response
            }
        }
        return router.buildResponder()
    }

    private func answer(_ route: Route, _ request: Request, _ context: AppContext) async throws -> Answer {
        switch route.handler {
        case .open(let handler):
            let requestID = context.trace.current.requestID
            return try await handler(
                OpenCall(request: request, parameters: context.parameters, requestID: requestID))
        case .authenticated(let handler):
            return try await handler(admit(route, request, context))
        }
    }

    /// In the order of refusals: who calls, in which workspace, and whether they may.
    private func admit(_ route: Route, _ request: Request, _ context: AppContext) async throws -> Call {
        let now = ambient.now()
        let principal = try await authenticator.principal(request, context: context, at: now)
        let workspace = try await workspaces.resolve(header: request.headers[.workspaceID], for: principal)
        let requestID = context.trace.update { facts in
            facts.workspace = workspace
            facts.principal = principal
            return facts.requestID
        }
        if case .permission(let permission) = route.access, !principal.permissions.contains(permission) {
            throw DomainError.forbidden("This needs the permission '\(permission.rawValue)'")
        }
        return Call(
            request: request, parameters: context.parameters, principal: principal, workspace: workspace,
            cause: Cause(principal: principal, requestID: requestID, at: now), context: context)
    }
}
