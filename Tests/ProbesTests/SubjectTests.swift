import Connections
import Testing

@testable import Probes

@Suite struct SubjectTests {
    private static func method(
        _ scheme: AuthMethod.Scheme, _ labels: [String], optional: [String] = [], oauth: OAuthMethod? = nil
    ) -> AuthMethod {
        let fields = (labels + optional).map { label in
            Field(key: label, label: label, kind: .text, isRequired: labels.contains(label), isSecure: true)
        }
        return AuthMethod(
            id: "m", name: "M", scheme: scheme, authType: .custom, description: "", fields: fields, oauth: oauth)
    }

    private static let issued: OAuthMethod = {
        var oauth = OAuthMethod()
        oauth.grant = .clientCredentials
        return oauth
    }()

    @Test(arguments: [
        (method(.bearer, ["Bot Token"]), "Acme did not accept the bot token. Enter a new one."),
        (method(.apiKey, ["API Key"]), "Acme did not accept the API key. Enter a new one."),
        (
            method(.accessKey, ["Access Key ID", "Secret Access Key"], optional: ["Session Token"]),
            "Acme did not accept the access key ID and secret access key. Enter them again."
        ),
        (method(.custom, []), "Acme did not accept the credentials. Enter them again."),
        (method(.custom, ["A", "B", "C"]), "Acme did not accept the credentials. Enter them again."),
        (
            method(.oauth2, ["Access Token"], oauth: OAuthMethod()),
            "Acme did not accept the access that was given. Connect the account again."
        ),
        (
            method(.oauth2, ["Client ID", "Client Secret"], oauth: issued),
            "Acme did not accept the client ID and client secret. Enter them again."
        ),
        (
            method(.none, []),
            "Acme asks for credentials, and this connection has none. Choose another way to sign in."
        ),
    ])
    func whatToDo(_ method: AuthMethod, _ sentence: String) throws {
        let target = try Lab.target(nil, at: nil, method: method)
        #expect(Reason.credentialRejected.sentence(Subject(target)) == sentence)
    }
}
