import Connections
import HTTPTypes
import Hummingbird

/// Finds out who calls: an API key or a user's JWT, in `Authorization: Bearer` or `X-API-Key`.
struct Authenticator: Sendable {
    let keys: APIKeyAuthenticator
    let users: UserTokenVerifier?
    let trustedProxies: [IPRange]

    func principal(_ request: Request, context: AppContext, at now: Timestamp) async throws -> Principal {
        let token = try Self.token(request.headers)
        if let principal = try await keys.authenticate(token, at: now) {
            try checkAddress(principal, request: request, context: context)
            return principal
        }
        let bare = token.hasPrefix("supabase_") ? String(token.dropFirst("supabase_".count)) : token
        guard let users, bare.split(separator: ".", omittingEmptySubsequences: false).count == 3 else {
            throw APIError.unauthorized("The API key is unknown, inactive or expired")
        }
        return try await users.verify(bare, at: now)
    }

    /// The one token of a request; two that differ are refused rather than one of them preferred.
    private static func token(_ headers: HTTPFields) throws -> String {
        let key = headers[.apiKey]?.trimmingSpaces
        guard let authorization = headers[.authorization] else {
            guard let key, !key.isEmpty else {
                throw APIError.unauthorized("Send an API key or a JWT as Authorization: Bearer, or a key as X-API-Key")
            }
            return key
        }
        let space = authorization.utf8.firstIndex(of: 0x20) ?? authorization.endIndex
        let scheme = authorization[..<space]
        let bearer = authorization[space...].dropFirst().trimmingSpaces
        guard scheme == "Bearer" || scheme.lowercased() == "bearer", !bearer.isEmpty else {
            throw APIError.unauthorized("The Authorization header must be: Bearer <token>")
        }
        guard key == nil || key == bearer else {
            throw APIError.unauthorized("Authorization and X-API-Key differ: send one of them")
        }
        return bearer
    }

    private func checkAddress(_ principal: Principal, request: Request, context: AppContext) throws {
        guard let ranges = principal.ipRanges else { return }
        guard let address = clientAddress(request, context: context),
            ranges.contains(where: { $0.contains(address) })
        else { throw DomainError.forbidden("The key may not be used from this address") }
    }

    /// The peer, or behind trusted proxies the last address that none of them is.
    private func clientAddress(_ request: Request, context: AppContext) -> IPAddress? {
        guard let peer = context.peerAddress.flatMap({ IPAddress($0) }) else { return nil }
        guard trustedProxies.contains(where: { $0.contains(peer) }) else { return peer }
        let hops = request.headers[values: .forwardedFor].flatMap { $0.split(separator: ",") }.map(\.trimmingSpaces)
        for hop in hops.reversed() {
            guard let address = IPAddress(hop) else { return nil }
            if !trustedProxies.contains(where: { $0.contains(address) }) { return address }
        }
        return peer
    }
}
