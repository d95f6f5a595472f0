import HTTPTypes

/// What the simulator can be asked, by its path.
enum Endpoint: String, CaseIterable, Sendable {
    case authorize = "/authorize"
    case token = "/token"
    case revoke = "/revoke"
    case introspect = "/introspect"
    case userInfo = "/userinfo"
    case me = "/api/me"
    case serverMetadata = "/.well-known/oauth-authorization-server"
    case openIDConfiguration = "/.well-known/openid-configuration"
    case keys = "/jwks.json"
    case stats = "/_simulate/stats"
    case mode = "/_simulate/mode"
    case clients = "/_simulate/clients"
    case clock = "/_simulate/clock"
    case grants = "/_simulate/grants"
    case family = "/_simulate/family"
    case expire = "/_simulate/expire"
    case kill = "/_simulate/kill"

    var methods: [HTTPRequest.Method] {
        switch self {
        case .authorize, .me, .serverMetadata, .openIDConfiguration, .keys, .stats, .family: [.get]
        case .userInfo: [.get, .post]
        case .revoke: [.post, .delete]
        case .token, .introspect, .mode, .clients, .clock, .grants, .expire, .kill: [.post]
        }
    }
}

/// A path taken apart: `/m/rotate+jwt/token` is the token endpoint with modes of its own, so that one simulator serves
/// several integrations at once.
struct Target: Sendable {
    let endpoint: Endpoint
    /// `nil` where the path names none.
    let modes: [SimulatorMode]?
    /// What an issuer has after its origin: empty, or `/m/` and the modes.
    let prefix: String

    init?(path: String) {
        if let endpoint = Endpoint(rawValue: path) {
            (self.endpoint, modes, prefix) = (endpoint, nil, "")
            return
        }
        // RFC 8414, 3 puts the well-known part before the issuer's path, OpenID Connect Discovery after it.
        let wellKnown = Endpoint.serverMetadata.rawValue
        let isInserted = path.hasPrefix(wellKnown + Self.modeMarker)
        let parts = (isInserted ? path.dropFirst(wellKnown.utf8.count) : path[...])
            .split(separator: "/", maxSplits: 2)
        guard parts.count >= 2, parts[0] == "m", let modes = SimulatorMode.list(parts[1]),
            let endpoint = Endpoint(rawValue: isInserted ? wellKnown : "/\(parts.dropFirst(2).first ?? "")")
        else { return nil }
        self.endpoint = endpoint
        self.modes = modes
        prefix = Self.modeMarker + parts[1]
    }

    private static let modeMarker = "/m/"
}
