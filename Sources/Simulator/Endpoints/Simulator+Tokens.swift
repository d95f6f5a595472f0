import LosslessJSON

/// What a client may ask about tokens, and how it gives them back.
extension Simulator {
    /// RFC 7009, and the looser ways of the field: DELETE, the token in the query, no client authentication, or the
    /// token itself as a bearer. Client credentials that are shown must be right.
    func revoke(_ call: Call) -> Reply {
        let credentials = call.credentials
        return answer(under: behaviour(call, client: credentials?.id), at: call.now) {
            let error = withProvider { provider -> OAuthError? in
                do throws(OAuthError) {
                    if credentials != nil { _ = try provider.authenticate(credentials) }
                    guard let token = call.body["token"] ?? call.query["token"] ?? call.bearerToken else {
                        throw OAuthError(.invalidRequest, "token is missing")
                    }
                    if let booked = signer.booked(token) { provider.revoke(booked) }
                    return nil
                } catch {
                    return error
                }
            }
            return error.map { .error($0) } ?? Reply()
        }
    }

    /// RFC 7662.
    func introspect(_ call: Call) -> Reply {
        let credentials = call.credentials
        let behaviour = behaviour(call, client: credentials?.id)
        return answer(under: behaviour, at: call.now) {
            do throws(OAuthError) {
                _ = try withProvider { provider throws(OAuthError) in try provider.authenticate(credentials) }
            } catch {
                return .error(error)
            }
            guard let token = call.body["token"] else {
                return .error(OAuthError(.invalidRequest, "token is missing"))
            }
            return introspection(of: token, under: behaviour, at: call.now)
        }
    }

    private func introspection(of token: String, under behaviour: Behaviour, at now: Instant) -> Reply {
        let found = withProvider { provider in
            (
                access: signer.booked(token).flatMap { provider.session($0, at: now) },
                refresh: provider.family(ofRefreshToken: token).map { provider.families[$0] },
                isCurrent: provider.isCurrent(refreshToken: token)
            )
        }
        return .json { writer in
            writer.key("active")
            if let session = found.access, session.isLive {
                writer.value(true)
                writer.key("scope")
                writer.value(session.scopes.joined(separator: " "))
                writer.key("client_id")
                writer.value(session.client)
                writer.key("token_type")
                writer.value("Bearer")
                writer.key("sub")
                writer.value(Account(login: session.account).subject)
                writer.key("iat")
                writer.value(told(session.issued, under: behaviour).unixSeconds)
                writer.key("exp")
                writer.value(told(session.expires, under: behaviour).unixSeconds)
            } else if let family = found.refresh, found.isCurrent {
                writer.value(true)
                writer.key("scope")
                writer.value(family.granted.joined(separator: " "))
                writer.key("client_id")
                writer.value(family.client)
                writer.key("sub")
                writer.value(Account(login: family.account).subject)
            } else {
                writer.value(false)
            }
        }
    }
}
