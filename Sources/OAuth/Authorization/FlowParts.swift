import Connections
import Crypto
import Egress
import LosslessJSON

/// The random parts of a flow. Only digests and a sealed copy of them are kept.
struct FlowSecrets: Sendable {
    /// 256 bits.
    let state: String
    let connectToken: String
    let codeVerifier: String
    let nonce: String

    init(_ ambient: Ambient) {
        state = base64URL(ambient.randomBytes(32))
        connectToken = base64URL(ambient.randomBytes(32))
        codeVerifier = base64URL(ambient.randomBytes(32))
        nonce = base64URL(ambient.randomBytes(16))
    }

    init?(_ data: JSONObject, connectToken: String) {
        guard let state = data["state"]?.slice.string, let verifier = data["code_verifier"]?.slice.string,
            let nonce = data["nonce"]?.slice.string
        else { return nil }
        self.state = state
        self.connectToken = connectToken
        codeVerifier = verifier
        self.nonce = nonce
    }
}

/// The provider's page with everything that it is to know.
struct AuthorizeURL {
    let text: String

    init(
        endpoint: String, method: OAuthMethod, app: OAuthApp, redirectURI: String, secrets: FlowSecrets,
        scopes: [String]
    ) {
        var parameters = [
            (name: "response_type", value: "code"), (name: "client_id", value: app.clientID),
            (name: "redirect_uri", value: redirectURI), (name: "state", value: secrets.state),
        ]
        if !scopes.isEmpty {
            parameters.append((name: method.scopeParameter, value: scopes.joined(separator: method.scopeSeparator)))
        }
        if method.usesPKCE {
            // RFC 7636, 4.2.
            let challenge = base64URL(Array(SHA256.hash(data: Array(secrets.codeVerifier.utf8))))
            parameters += [
                (name: "code_challenge", value: challenge), (name: "code_challenge_method", value: "S256"),
            ]
        }
        if scopes.contains("openid") { parameters.append((name: "nonce", value: secrets.nonce)) }
        let own = Set(parameters.map(\.name))
        var extra = method.authorizeParameters
        for member in JSONObject(app.authorizeParameters.slice).members {
            extra.removeAll { $0.name == member.name }
            if let value = member.value.slice.string { extra.append((name: member.name, value: value)) }
        }
        // Nobody's extra parameter stands in for one of ours.
        parameters += extra.filter { !own.contains($0.name) }
        let query = parameters.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }.joined(separator: "&")
        text = endpoint + (endpoint.contains("?") ? "&" : "?") + query
    }
}

/// What a flow has brought in, before there is a connection for it.
struct Harvest: Sendable {
    let tokens: Tokens
    let config: JSONObject
    let account: ProbedAccount?
    let clientID: String

    init(tokens: Tokens, config: JSONObject, account: ProbedAccount?, clientID: String) {
        self.tokens = tokens
        self.config = config
        self.account = account
        self.clientID = clientID
    }

    /// To be sealed while the flow waits for its confirmation.
    var data: JSONObject {
        var data = JSONObject()
        tokens.merge(into: &data)
        data["scope"] = tokens.scopes.map { JSONText($0.joined(separator: " ")) }
        data["refresh_expires_at"] = tokens.refreshExpiresAt.map { JSONText($0.rfc3339) }
        data["config"] = config.text
        data["client_id"] = JSONText(clientID)
        if let account {
            data["account_label"] = JSONText(account.label)
            data["account_subject"] = JSONText(account.subject)
        }
        return data
    }

    init?(_ data: JSONObject) {
        guard var tokens = Tokens(data: data), let config = data["config"],
            let clientID = data["client_id"]?.slice.string
        else { return nil }
        tokens.refreshExpiresAt = Tokens.instant(data["refresh_expires_at"])
        self.tokens = tokens
        self.config = JSONObject(config.slice)
        self.clientID = clientID
        if let label = data["account_label"]?.slice.string, let subject = data["account_subject"]?.slice.string {
            account = ProbedAccount(subject: subject, label: label)
        } else {
            account = nil
        }
    }
}

/// Why a person who came back from a provider is not connected.
package struct CallbackFailure: Error, Sendable {
    package enum Reason: Sendable, Equatable {
        case invalidState, stateExpired, otherBrowser, appMismatch, issuerMismatch, missingCode, exchangeFailed
        case accountMismatch, badTokenResponse, refused
        /// The provider's own error code (RFC 6749, 4.1.2.1).
        case provider(String)

        package var code: String {
            switch self {
            case .invalidState: "invalid_state"
            case .stateExpired: "state_expired"
            case .otherBrowser: "other_browser"
            case .appMismatch: "app_mismatch"
            case .issuerMismatch: "issuer_mismatch"
            case .missingCode: "missing_code"
            case .exchangeFailed: "exchange_failed"
            case .accountMismatch: "account_mismatch"
            case .badTokenResponse: "bad_token_response"
            case .refused: "connection_refused"
            case .provider(let code): code
            }
        }

        /// For the person in the browser.
        package var sentence: String {
            switch self {
            case .invalidState: "This link was used already or was never made. Start again from the application."
            case .stateExpired: "This link is older than ten minutes. Start again from the application."
            case .otherBrowser: "This link was opened in another browser. Finish it there, or start again here."
            case .appMismatch: "The answer came to an address of another app. Start again from the application."
            case .issuerMismatch:
                "The answer names another provider than the one that was asked. Nothing was connected."
            case .missingCode: "The provider sent no authorization code. Start again from the application."
            case .exchangeFailed:
                "The provider did not accept the authorization code. Start again from the application."
            case .accountMismatch: "This is another account than the one that was connected before."
            case .badTokenResponse: "The provider's answer could not be understood. Nothing was connected."
            case .refused: "The connection was refused: its settings do not fit."
            case .provider("access_denied"): "Access was not granted."
            case .provider: "The provider reported an error. Nothing was connected."
            }
        }
    }

    package let reason: Reason
    /// Where the application wants its people back; `nil` where the flow is not known to be this person's.
    package private(set) var returnURL: String?

    init(_ reason: Reason) { self.reason = reason }

    init(_ error: DomainError) {
        switch error {
        case .upstream: self.init(.exchangeFailed)
        case .refused(let code, _) where code == Reason.accountMismatch.code: self.init(.accountMismatch)
        default: self.init(.refused)
        }
    }

    func returning(to url: String?) -> CallbackFailure {
        var failure = self
        failure.returnURL = url
        return failure
    }
}
