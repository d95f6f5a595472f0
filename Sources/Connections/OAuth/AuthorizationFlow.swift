package import LosslessJSON

/// One attempt of a person to grant access, from the link to the connection.
package struct AuthorizationFlow: Sendable {
    package enum Stage: String, Sendable, CaseIterable {
        /// The person is on the way to the provider or there.
        case started
        /// The answer has come, and nobody may come with it again.
        case answered
        /// The tokens are here, and wait for the application to confirm whose they are.
        case awaitingConfirmation = "awaiting_confirmation"
        case finished
    }

    package let id: AuthorizationFlowID
    package let workspaceID: WorkspaceID
    package let appID: OAuthAppID
    package let stateDigest: TokenDigest
    package let connectDigest: TokenDigest
    /// Of the cookie that the connect link has set; `nil` until somebody opened it.
    package var browserDigest: TokenDigest?
    package var ticketDigest: TokenDigest?
    package var stage: Stage
    package let request: AuthorizationRequest
    /// The PKCE verifier and the nonce; after the answer the tokens.
    package var sealed: [UInt8]
    package let createdAt: Timestamp
    package var expiresAt: Timestamp

    package init(
        id: AuthorizationFlowID, workspaceID: WorkspaceID, appID: OAuthAppID, stateDigest: TokenDigest,
        connectDigest: TokenDigest, browserDigest: TokenDigest? = nil, ticketDigest: TokenDigest? = nil,
        stage: Stage = .started, request: AuthorizationRequest, sealed: [UInt8], createdAt: Timestamp,
        expiresAt: Timestamp
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.appID = appID
        self.stateDigest = stateDigest
        self.connectDigest = connectDigest
        self.browserDigest = browserDigest
        self.ticketDigest = ticketDigest
        self.stage = stage
        self.request = request
        self.sealed = sealed
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

/// What the application asked for when it started a flow. None of it is secret.
package struct AuthorizationRequest: Sendable {
    package var integration: String
    package var authMethodID: String
    package var scopes: [String]
    package var config: JSONText
    package var connectionID: ConnectionID?
    package var userID: String?
    package var externalID: String?
    /// A JSON string.
    package var label: JSONText?
    package var returnURL: String?
    package var needsConfirmation: Bool
    package var allowsAccountChange: Bool
    package var createdBy: String
    /// The issuer that the answer must come from (RFC 9207), where it is known.
    package var issuer: String?
    /// Whether its answers always name it, so that one that does not is another's.
    package var issuerIsNamed = false
    package var tokenURL: String

    package init(
        integration: String, authMethodID: String, scopes: [String], config: JSONText, connectionID: ConnectionID?,
        userID: String?, externalID: String?, label: JSONText?, returnURL: String?, needsConfirmation: Bool,
        allowsAccountChange: Bool, createdBy: String, issuer: String?, tokenURL: String
    ) {
        self.integration = integration
        self.authMethodID = authMethodID
        self.scopes = scopes
        self.config = config
        self.connectionID = connectionID
        self.userID = userID
        self.externalID = externalID
        self.label = label
        self.returnURL = returnURL
        self.needsConfirmation = needsConfirmation
        self.allowsAccountChange = allowsAccountChange
        self.createdBy = createdBy
        self.issuer = issuer
        self.tokenURL = tokenURL
    }

    // MARK: Keeping

    /// As one JSON object.
    package var text: JSONText {
        var json = JSONWriter(capacity: 512)
        json.object { json in
            json.key("integration")
            json.value(integration)
            json.key("auth_method_id")
            json.value(authMethodID)
            json.key("scopes")
            json.array(scopes) { json, scope in json.value(scope) }
            json.key("config")
            json.value(config)
            for (key, value) in optionalTexts {
                guard let value else { continue }
                json.key(escaping: key)
                json.value(value)
            }
            if let label {
                json.key("label")
                json.value(label)
            }
            json.key("confirm")
            json.value(needsConfirmation)
            json.key("issuer_is_named")
            json.value(issuerIsNamed)
            json.key("allow_account_change")
            json.value(allowsAccountChange)
        }
        return json.text
    }

    private var optionalTexts: [(String, String?)] {
        [
            ("connection_id", connectionID?.description), ("user_id", userID), ("external_id", externalID),
            ("return_url", returnURL), ("created_by", createdBy), ("issuer", issuer), ("token_url", tokenURL),
        ]
    }

    /// Reads what `text` wrote.
    package init(_ text: JSONText) {
        let object = JSONObject(text.slice)
        func string(_ key: String) -> String? { object[key]?.slice.string }
        self.init(
            integration: string("integration") ?? "", authMethodID: string("auth_method_id") ?? "",
            scopes: object["scopes"]?.slice.elements.compactMap(\.string) ?? [],
            config: object["config"] ?? .emptyObject,
            connectionID: string("connection_id").flatMap { ConnectionID($0) },
            userID: string("user_id"), externalID: string("external_id"), label: object["label"],
            returnURL: string("return_url"), needsConfirmation: object["confirm"]?.string == "true",
            allowsAccountChange: object["allow_account_change"]?.string == "true",
            createdBy: string("created_by") ?? "", issuer: string("issuer"), tokenURL: string("token_url") ?? "")
        issuerIsNamed = object["issuer_is_named"]?.string == "true"
    }
}
