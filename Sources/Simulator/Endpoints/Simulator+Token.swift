import Crypto
import HTTPTypes
import LosslessJSON

/// The token endpoint.
extension Simulator {
    func token(_ call: Call) -> Reply {
        let request = TokenRequest(call)
        let (verdict, behaviour) = withProvider { provider in
            let modes = provider.modes(path: call.target.modes, client: request.credentials?.id)
            let behaviour = Behaviour(SimulatorMode.settle(modes, random: &provider.random))
            return (provider.answer(request, under: behaviour, at: call.now), behaviour)
        }
        var reply = answer(under: behaviour, at: call.now) {
            switch verdict {
            case .tokens(let tokens): tokenReply(tokens, call: call, under: behaviour)
            case .lost: Reply(isLost: true)
            case .refused(let error): .error(error)
            case .misbehaved(let refusal): Self.reply(refusal)
            case .outage(let outage): self.reply(outage)
            }
        }
        if behaviour.isSlow { reply.delaySeconds = options.slowSeconds }
        return reply
    }

    private static func reply(_ refusal: Behaviour.Refusal) -> Reply {
        switch refusal {
        case .oauth(let code): .error(OAuthError(code, "As the simulator's mode has it"))
        case .disguised(let code): .error(OAuthError(code, "As the simulator's mode has it"), status: .ok)
        case .notOK:
            .json { writer in
                writer.key("ok")
                writer.value(false)
                writer.key("error")
                writer.value("internal_error")
            }
        }
    }

    private func tokenReply(_ tokens: IssuedTokens, call: Call, under behaviour: Behaviour) -> Reply {
        .json { writer in
            writer.key("access_token")
            writer.value(accessToken(tokens, call: call, under: behaviour))
            writer.key("token_type")
            writer.value("Bearer")
            if !behaviour.omitsExpiry {
                writer.key("expires_in")
                writer.value(max(0, tokens.expires.seconds(since: call.now)))
            }
            if behaviour.skewsClock {
                writer.key("expires_at")
                writer.value(told(tokens.expires, under: behaviour).unixSeconds)
            }
            if let refreshToken = tokens.refreshToken {
                writer.key("refresh_token")
                writer.value(refreshToken)
            }
            if !tokens.asked.isEmpty {
                writer.key("scope")
                writer.value(tokens.scopes.joined(separator: " "))
            }
            if tokens.scopes.contains("openid") {
                writer.key("id_token")
                writer.value(idToken(tokens, call: call, under: behaviour))
            }
        }
    }

    private func accessToken(_ tokens: IssuedTokens, call: Call, under behaviour: Behaviour) -> String {
        guard behaviour.writesJWTs else { return tokens.accessToken }
        return signer.accessToken { writer in
            writeCommonClaims(tokens, issuer: call.issuer, under: behaviour, to: &writer)
            writer.key("client_id")
            writer.value(tokens.client)
            writer.key("scope")
            writer.value(tokens.scopes.joined(separator: " "))
            writer.key("jti")
            writer.value(tokens.accessToken)
        }
    }

    private func idToken(_ tokens: IssuedTokens, call: Call, under behaviour: Behaviour) -> String {
        signer.idToken { writer in
            let issuer = behaviour.misnamesIssuer ? Self.otherIssuer : call.issuer
            writeCommonClaims(tokens, issuer: issuer, under: behaviour, to: &writer)
            writer.key("aud")
            writer.value(tokens.client)
            writer.key("email")
            writer.value(Account(login: tokens.account).email)
            if let nonce = tokens.nonce {
                writer.key("nonce")
                writer.value(nonce)
            }
        }
    }

    private func writeCommonClaims(
        _ tokens: IssuedTokens, issuer: String, under behaviour: Behaviour, to writer: inout JSONWriter
    ) {
        writer.key("iss")
        writer.value(issuer)
        writer.key("sub")
        writer.value(Account(login: tokens.account).subject)
        writer.key("iat")
        writer.value(told(tokens.issued, under: behaviour).unixSeconds)
        writer.key("exp")
        writer.value(told(tokens.expires, under: behaviour).unixSeconds)
    }
}

extension TokenRequest {
    init(_ call: Call) {
        let body = call.body
        credentials = call.credentials
        scopes = body.words("scope")
        grant =
            switch body["grant_type"] {
            case "authorization_code": body["code"].map { .code($0, body) } ?? .incomplete
            case "refresh_token": body["refresh_token"].map { .refreshToken($0) } ?? .incomplete
            case "client_credentials": .clientCredentials
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                body["assertion"].map { .jwtBearer(JWT($0).flatMap { Assertion($0.claims) }) } ?? .incomplete
            case nil: .incomplete
            default: .unsupported
            }
    }
}

extension TokenRequest.Grant {
    fileprivate static func code(_ code: String, _ body: Fields) -> Self {
        .authorizationCode(
            code: code, redirectURI: body["redirect_uri"],
            verifierDigest: body["code_verifier"].map { Base64.urlEncode(SHA256.hash(data: Array($0.utf8))) })
    }
}

extension TokenRequest.Assertion {
    /// RFC 7523, 3 asks for an issuer; Google's service accounts leave the subject out when they mean themselves.
    fileprivate init?(_ claims: Fields) {
        guard let issuer = claims["iss"] else { return nil }
        self.init(issuer: issuer, subject: claims["sub"] ?? issuer, scopes: claims.words("scope"))
    }
}
