package import LosslessJSON

/// Opens a connection whose tokens are obtained, with a live access token.
package protocol GrantUse: Sendable {
    /// - Parameter isForced: the token at hand was refused, so another one is wanted.
    func open(_ connection: Connection, isForced: Bool, cause: Cause) async throws -> OpenedGrant
}

package enum OpenedGrant: Sendable {
    /// The config has the OAuth app's over it.
    case ready(config: JSONObject, data: JSONObject)
    /// Somebody has to authorize again. Its status is told already.
    case gone(reason: String)
    /// There is no token now, which says nothing of the grant.
    case unavailable(reason: String)
}
