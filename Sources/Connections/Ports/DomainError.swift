/// Why a service did not do what was asked. Messages are for the caller and never repeat a secret.
package enum DomainError: Error, Sendable, Equatable {
    package enum Resource: String, Sendable {
        case connection = "Connection"
        case credential = "Credential"
        case integration = "Integration"
        case authMethod = "Auth method"
        case apiKey = "API key"
        case workspace = "Workspace"
        case oauthApp = "OAuth app"
        case ticket = "Ticket"
        case webhook = "Webhook"
        case delivery = "Delivery"
    }

    /// It is not there, or not for this caller: the two look alike.
    case notFound(Resource)
    /// It was there once, and is not kept any more.
    case gone(String)
    case forbidden(String)
    /// The revision is not the one that If-Match named.
    case preconditionFailed
    /// A body that is well-formed but says something that cannot be.
    case invalidField(location: [String], message: String)
    /// A config that breaks the integration's rules, on update.
    case invalidConfig([FieldProblem])
    /// Credentials or config that break the integration's rules, on create.
    case validationFailed([String])
    case conflict(message: String, related: Related? = nil)
    /// What was asked for stands against the state of things, by a word that a program can act on.
    case refused(code: String, message: String)
    /// More than the caller may ask for in a while; after so many seconds there is room again.
    case tooMany(String, retryAfter: Int)
    /// Somebody else's server did not do its part.
    case upstream(code: String, message: String)

    /// What stands in the way.
    package enum Related: Sendable, Equatable {
        case connection(ConnectionID)
        case connections([ConnectionID])
    }
}

/// What If-Match asks of a row.
package enum Precondition: Sendable, Equatable {
    case none
    /// `*`: the row exists.
    case exists
    case revisions([Int64])

    package func check(_ revision: Int64) throws {
        if case .revisions(let allowed) = self, !allowed.contains(revision) { throw DomainError.preconditionFailed }
    }
}
