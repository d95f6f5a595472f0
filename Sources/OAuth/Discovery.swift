import Connections
import Egress
import LosslessJSON
import Synchronization

/// Where a method's endpoints are for one config.
struct Endpoints: Sendable {
    var authorize: String?
    var token: String?
    var refresh: String?
    var revoke: String?
    var introspect: String?
    var userinfo: String?
    /// What the provider names itself.
    var issuer: String?
    /// Whether its answers name the issuer (RFC 9207), so that one without it is refused.
    var namesIssuer = false

    static var urls: [WritableKeyPath<Endpoints, String?>] {
        [\.authorize, \.token, \.refresh, \.revoke, \.introspect, \.userinfo]
    }
}

/// Looks endpoints up by an issuer's metadata (RFC 8414, OpenID Connect Discovery 1.0), and keeps them for an hour.
final class Discovery: Sendable {
    private let egress: Egress
    private let now: @Sendable () -> Timestamp
    private let known = Mutex<[String: (endpoints: Endpoints, at: Timestamp)]>([:])

    private static let lifetime: Int64 = 3_600
    private static let staleLifetime: Int64 = 300
    private static let capacity = 1_000

    init(egress: Egress, now: @escaping @Sendable () -> Timestamp) {
        self.egress = egress
        self.now = now
    }

    /// What is known already and fresh; units of work use it, since they cannot wait.
    func cached(_ issuer: String) -> Endpoints? {
        let now = now()
        return known.withLock { known in
            guard let entry = known[issuer], entry.at.advanced(bySeconds: Self.lifetime) > now else { return nil }
            return entry.endpoints
        }
    }

    /// A method's endpoints without asking anybody, for units of work.
    func knownEndpoints(of method: OAuthMethod, filledFrom config: JSONObject) -> Endpoints {
        method.endpoints(
            filledFrom: config, discovered: method.issuer(filledFrom: config).flatMap { cached($0) })
    }

    /// Where the issuer cannot be asked, what it said before goes on for a while.
    func endpoints(of issuer: String) async throws -> Endpoints {
        if let cached = cached(issuer) { return cached }
        do {
            return try await lookUp(issuer)
        } catch {
            let now = now()
            let stale = known.withLock { known -> Endpoints? in
                guard let entry = known[issuer] else { return nil }
                known[issuer] = (entry.endpoints, now.advanced(bySeconds: Self.staleLifetime - Self.lifetime))
                return entry.endpoints
            }
            guard let stale else { throw error }
            return stale
        }
    }

    private func lookUp(_ issuer: String) async throws -> Endpoints {
        for url in Self.candidates(issuer) {
            guard let found = try await fetch(url, issuer: issuer) else { continue }
            let now = now()
            known.withLock { known in
                if known.count >= Self.capacity { known.removeAll() }
                known[issuer] = (found, now)
            }
            return found
        }
        throw DomainError.upstream(
            code: "discovery_failed",
            message: "The issuer's metadata cannot be read: it must serve RFC 8414 or OpenID metadata")
    }

    /// RFC 8414 puts the well-known part before the issuer's path, OpenID Connect behind it.
    static func candidates(_ issuer: String) -> [String] {
        guard let origin = URLTemplate.origin(of: issuer) else { return [] }
        let afterScheme = issuer.split(separator: "://", maxSplits: 1).last ?? ""
        var path = String(afterScheme.drop { $0 != "/" })
        while path.hasSuffix("/") { path.removeLast() }
        return [
            "\(origin)/.well-known/oauth-authorization-server\(path)",
            "\(origin)/.well-known/openid-configuration\(path)", "\(origin)\(path)/.well-known/openid-configuration",
        ]
    }

    private func fetch(_ url: String, issuer: String) async throws -> Endpoints? {
        let response = try await egress.send(
            EgressRequest(
                purpose: .oauth, method: "GET", url: url, headers: [(name: "Accept", value: "application/json")],
                body: nil, timeout: .seconds(20), maxResponseSize: 256 << 10, followsRedirects: true))
        guard response.status == 200, let slice = try? JSONSlice(parsing: response.body), slice.kind == .object else {
            return nil
        }
        let document = JSONObject(slice)
        // RFC 8414, 3.3: the document must name the very issuer that it was asked of.
        guard document.text(at: "issuer") == issuer else { return nil }
        func endpoint(_ key: String) -> String? {
            document.text(at: key).flatMap { URLTemplate.origin(of: $0) == nil ? nil : $0 }
        }
        return Endpoints(
            authorize: endpoint("authorization_endpoint"), token: endpoint("token_endpoint"),
            revoke: endpoint("revocation_endpoint"), introspect: endpoint("introspection_endpoint"),
            userinfo: endpoint("userinfo_endpoint"), issuer: issuer,
            namesIssuer: document.value(at: "authorization_response_iss_parameter_supported")?.string == "true")
    }
}

extension OAuthMethod {
    /// The issuer to ask for what is not given here; `nil` where everything is.
    func issuer(filledFrom config: JSONObject) -> String? { issuer?.url(filledFrom: config) }

    /// What is given here goes before what the issuer says.
    func endpoints(filledFrom config: JSONObject, discovered: Endpoints?) -> Endpoints {
        var found = discovered.map(trusted) ?? Endpoints()
        found.authorize = authorizeURL?.url(filledFrom: config) ?? found.authorize
        found.token = tokenURL?.url(filledFrom: config) ?? found.token
        found.refresh = refreshURL?.url(filledFrom: config) ?? found.token
        found.revoke = revokeURL?.url(filledFrom: config) ?? found.revoke
        found.introspect = introspectURL?.url(filledFrom: config) ?? found.introspect
        return found
    }

    /// Those of the issuer's own registrable domain, or of one that the integration names. A secret is bound to its issuer; the
    /// metadata alone, which may lie on another machine than the token endpoint, must not be able to send it anywhere else.
    private func trusted(_ discovered: Endpoints) -> Endpoints {
        guard let issuer = discovered.issuer, let own = URLTemplate.registrableDomain(of: issuer) else {
            return Endpoints()
        }
        let isSecure = URLTemplate.origin(of: issuer)?.hasPrefix("https://") ?? false
        func kept(_ url: String?) -> String? {
            guard let url, let origin = URLTemplate.origin(of: url), !isSecure || origin.hasPrefix("https://"),
                let domain = URLTemplate.registrableDomain(of: url), domain == own || endpointDomains.contains(domain)
            else { return nil }
            return url
        }
        var taken = discovered
        for endpoint in Endpoints.urls { taken[keyPath: endpoint] = kept(discovered[keyPath: endpoint]) }
        return taken
    }

    /// Whether the issuer names an endpoint that a flow needs and that is not taken from it.
    func mistrusts(_ discovered: Endpoints) -> Bool {
        let taken = trusted(discovered)
        return (authorizeURL == nil && taken.authorize != discovered.authorize)
            || (tokenURL == nil && taken.token != discovered.token)
    }
}
