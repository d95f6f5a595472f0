import Connections
import LosslessJSON

/// Makes the request that gets a new access token, by the method's data.
struct TokenRequestBuilder {
    let now: Timestamp
    /// Names an assertion, so that a provider can refuse a second use.
    let id: String

    func request(for work: Refresher.Work) async throws -> TokenEndpoint.Request {
        let method = work.method
        var request = TokenEndpoint.Request(url: "", format: method.tokenFormat, headers: method.tokenHeaders)
        switch method.grant {
        case .authorizationCode:
            guard let token = work.data["refresh_token"]?.slice.string else {
                throw GrantProblem(.needsReauthorization, "no_refresh_token")
            }
            request.url = try url(work.endpoints.refresh)
            request.parameters =
                [(name: "grant_type", value: "refresh_token"), (name: "refresh_token", value: token)]
                + (try filled(method.tokenParameters, from: work, isOptional: true))
        case .clientCredentials:
            request.url = try url(work.endpoints.token)
            request.parameters = [(name: "grant_type", value: "client_credentials")]
            request.parameters += try filled(method.tokenParameters, from: work, isOptional: true)
            if !method.scopes.isEmpty, !request.parameters.contains(where: { $0.name == method.scopeParameter }) {
                request.parameters.append(
                    (name: method.scopeParameter, value: method.scopes.joined(separator: method.scopeSeparator)))
            }
            try identify(&request, by: work)
        case .jwtBearer where method.assertion?.use == .bearer, .tokenRequest:
            try await fill(&request, for: work)
        case .jwtBearer:
            request.url = try url(work.endpoints.token)
            let assertion = try await assertion(for: work, audience: request.url)
            request.parameters =
                [
                    (name: "grant_type", value: "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    (name: "assertion", value: assertion),
                ] + (try filled(method.tokenParameters, from: work, isOptional: true))
        }
        return request
    }

    /// A request of the provider's own making, with an assertion in its header where the method has one.
    private func fill(_ request: inout TokenEndpoint.Request, for work: Refresher.Work) async throws {
        request.url = try url(work.endpoints.token)
        if let template = work.method.request {
            request.method = template.method
            request.format = template.format
            request.headers += try filled(template.headers, from: work, isOptional: false)
            request.parameters = try filled(template.body, from: work, isOptional: true)
        }
        guard work.method.assertion != nil else { return }
        let token = try await assertion(for: work, audience: request.url)
        request.headers.append((name: "Authorization", value: "Bearer \(token)"))
    }

    private func url(_ url: String?) throws -> String {
        guard let url else { throw GrantProblem(.secretRebindRequired, "token_url_missing") }
        return url
    }

    /// The client is the credential itself here, rather than an app that sends people to a provider.
    private func identify(_ request: inout TokenEndpoint.Request, by work: Refresher.Work) throws {
        guard let id = work.data.text(at: "client_id") else { throw GrantProblem(.notInstalled, "client_id_missing") }
        let secret = work.data.text(at: "client_secret").map { Secret($0) }
        OAuthClient(
            id: id, secret: secret, previousSecret: nil, authentication: work.method.clientAuthentication
        ).authenticate(&request, with: secret)
    }

    private func assertion(for work: Refresher.Work, audience: String) async throws -> String {
        guard let assertion = work.method.assertion else { throw GrantProblem(.notOAuth) }
        return try await AssertionSigner.sign(assertion, audience: audience, at: now, id: id) { value($0, of: work) }
    }

    /// - Parameter isOptional: whether a pair whose field nobody entered is left out rather than refused.
    private func filled(
        _ pairs: [(name: String, value: String)], from work: Refresher.Work, isOptional: Bool
    ) throws -> [(name: String, value: String)] {
        try pairs.compactMap { pair in
            if let filled = fillTemplate(pair.value, from: { value($0, of: work) }) { return (pair.name, filled) }
            if isOptional { return nil }
            throw GrantProblem(.notInstalled, "credential_field_missing")
        }
    }

    private func value(_ key: String, of work: Refresher.Work) -> String? {
        work.data.text(at: key) ?? work.config.text(at: key)
    }
}
