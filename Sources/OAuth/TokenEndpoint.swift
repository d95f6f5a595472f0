import Connections
import Egress
import LosslessJSON

/// Who we are to a provider.
struct OAuthClient: Sendable {
    let id: String
    let secret: Secret?
    /// The one before a rotation: tried when the provider does not take the new one yet.
    let previousSecret: Secret?
    let authentication: OAuthMethod.ClientAuthentication

    /// Shows who we are the way the provider wants it (RFC 6749, 2.3.1).
    /// - Parameter secret: the current one or the one before.
    func authenticate(_ request: inout TokenEndpoint.Request, with secret: Secret?) {
        switch (authentication, secret) {
        case (.basic, let secret?):
            // Both are form-encoded first.
            let pair = secret.withText { "\(formEncoded(id)):\(formEncoded($0))" }
            request.headers.append((name: "Authorization", value: "Basic \(base64(Array(pair.utf8)))"))
        case (.post, let secret?):
            request.parameters.append((name: "client_id", value: id))
            secret.withText { request.parameters.append((name: "client_secret", value: $0)) }
        case (.none, _), (_, nil): request.parameters.append((name: "client_id", value: id))
        }
    }
}

/// Sends token requests. What comes back is raw: the caller keeps it before reading it.
struct TokenEndpoint: Sendable {
    let egress: Egress
    let now: @Sendable () -> Timestamp

    /// Longer than any provider takes that is going to answer, and well within a lease.
    static let timeout = Duration.seconds(90)
    private static let maxAnswerSize = 256 << 10

    struct Request: Sendable {
        var url: String
        var method = "POST"
        var format = OAuthMethod.BodyFormat.form
        var headers: [(name: String, value: String)] = []
        var parameters: [(name: String, value: String)] = []
    }

    /// Presents the client's previous secret where the provider refuses the current one by name: neither was looked at further,
    /// so nothing is spent by asking twice.
    func send(_ request: Request, as client: OAuthClient?, method: OAuthMethod) async throws -> RawAnswer {
        let raw = try await send(request, as: client, secret: client?.secret)
        guard let client, let previous = client.previousSecret,
            case .refused(let refusal) = TokenOutcome(raw, method: method), refusal.kind == .app
        else { return raw }
        return try await send(request, as: client, secret: previous)
    }

    private func send(_ request: Request, as client: OAuthClient?, secret: Secret?) async throws -> RawAnswer {
        var request = request
        client?.authenticate(&request, with: secret)
        var headers = [(name: "Accept", value: "application/json")]
        headers += request.headers.filter { $0.name.lowercased() != "accept" }
        let body: [UInt8]
        switch request.format {
        case .form:
            headers.append((name: "Content-Type", value: "application/x-www-form-urlencoded"))
            body = Array(formEncoded(request.parameters).utf8)
        case .json:
            headers.append((name: "Content-Type", value: "application/json"))
            var json = JSONObject()
            for parameter in request.parameters { json[parameter.name] = JSONText(parameter.value) }
            body = json.text.bytes
        }
        let askedAt = now()
        let response = try await egress.send(
            EgressRequest(
                purpose: .oauth, method: request.method, url: request.url, headers: headers, body: body,
                timeout: Self.timeout, maxResponseSize: Self.maxAnswerSize))
        return RawAnswer(status: response.status, body: response.body, askedAt: askedAt)
    }
}
