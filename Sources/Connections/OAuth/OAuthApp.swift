package import LosslessJSON

/// A client that was registered at a provider: what a flow and a refresh present themselves as.
package struct OAuthApp: Sendable {
    package let id: OAuthAppID
    /// `nil` for a default of the whole instance, which comes from the operator's file.
    package let workspaceID: WorkspaceID?
    package let integration: String
    package let authMethodID: String
    package var label: String?
    package var clientID: String
    /// Sealed; `nil` for a public client and for an app from the file.
    package var clientSecret: SealedAppSecret?
    /// As the provider said when it gave the secret (RFC 7591, 3.2.1); `nil` for never, or where nobody wrote it down.
    package var clientSecretExpiresAt: Timestamp?
    /// What the secret was before it was changed, while both may be in use.
    package var previousClientSecret: SealedAppSecret?
    package var previousClientSecretExpiresAt: Timestamp?
    /// From the operator's file; never stored.
    package var plainClientSecret: Secret?
    package var scopes: [String]
    package var clientAuthentication: OAuthMethod.ClientAuthentication
    package var returnURLs: [String]
    package var authorizeParameters: JSONText
    /// Values for templated endpoints. They win over a connection's own, so that nobody who may only write connections sends
    /// the client's secret elsewhere.
    package var config: JSONText
    /// Why the provider refuses the app; `nil` while it does not.
    package var failure: Failure?
    package let createdBy: String
    package let createdAt: Timestamp
    package var updatedAt: Timestamp
    package var revision: Int64

    package struct Failure: Sendable, Equatable {
        package let reason: String
        package let since: Timestamp

        package init(reason: String, since: Timestamp) {
            self.reason = reason
            self.since = since
        }
    }

    package init(
        id: OAuthAppID, workspaceID: WorkspaceID?, integration: String, authMethodID: String, label: String?,
        clientID: String, clientSecret: SealedAppSecret?, clientSecretExpiresAt: Timestamp? = nil,
        previousClientSecret: SealedAppSecret? = nil,
        previousClientSecretExpiresAt: Timestamp? = nil, plainClientSecret: Secret? = nil, scopes: [String],
        clientAuthentication: OAuthMethod.ClientAuthentication, returnURLs: [String], authorizeParameters: JSONText,
        config: JSONText, failure: Failure? = nil, createdBy: String, createdAt: Timestamp, updatedAt: Timestamp,
        revision: Int64 = 1
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.integration = integration
        self.authMethodID = authMethodID
        self.label = label
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.clientSecretExpiresAt = clientSecretExpiresAt
        self.previousClientSecret = previousClientSecret
        self.previousClientSecretExpiresAt = previousClientSecretExpiresAt
        self.plainClientSecret = plainClientSecret
        self.scopes = scopes
        self.clientAuthentication = clientAuthentication
        self.returnURLs = returnURLs
        self.authorizeParameters = authorizeParameters
        self.config = config
        self.failure = failure
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.revision = revision
    }

    package var hasClientSecret: Bool { clientSecret != nil || plainClientSecret != nil }

    /// A config with the app's own values over it. Whole endpoints are the app's alone.
    package func config(over other: JSONObject, method: OAuthMethod) -> JSONObject {
        var merged = other
        for key in method.wholeURLKeys { merged[key] = nil }
        for member in JSONObject(config.slice).members { merged[member.name] = member.value }
        return merged
    }
}

/// A client secret, bound to the endpoints that it may be sent to.
package struct SealedAppSecret: Sendable {
    package let bytes: [UInt8]
    /// Counts the secrets that the app has had.
    package let generation: Int64
    package let origins: [String]

    package init(bytes: [UInt8], generation: Int64, origins: [String]) {
        self.bytes = bytes
        self.generation = generation
        self.origins = origins
    }
}
