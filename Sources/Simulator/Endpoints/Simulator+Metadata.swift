import LosslessJSON

/// What the provider says of itself (RFC 8414, OpenID Connect Discovery). Always true: a lie here would end a test
/// before it began.
extension Simulator {
    func metadata(_ call: Call) -> Reply {
        .json { writer in
            writer.key("issuer")
            writer.value(call.issuer)
            writer.key("authorization_endpoint")
            writer.value(call.issuer + Endpoint.authorize.rawValue)
            writer.key("token_endpoint")
            writer.value(call.issuer + Endpoint.token.rawValue)
            writer.key("revocation_endpoint")
            writer.value(call.issuer + Endpoint.revoke.rawValue)
            writer.key("introspection_endpoint")
            writer.value(call.issuer + Endpoint.introspect.rawValue)
            writer.key("userinfo_endpoint")
            writer.value(call.issuer + Endpoint.userInfo.rawValue)
            writer.key("jwks_uri")
            writer.value(call.issuer + Endpoint.keys.rawValue)
            writer.key("response_types_supported")
            writer.strings(["code"])
            writer.key("grant_types_supported")
            writer.strings([
                "authorization_code", "refresh_token", "client_credentials",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
            ])
            writer.key("token_endpoint_auth_methods_supported")
            writer.strings(["client_secret_basic", "client_secret_post", "none"])
            writer.key("code_challenge_methods_supported")
            writer.strings(["S256"])
            writer.key("authorization_response_iss_parameter_supported")
            writer.value(true)
            writer.key("scopes_supported")
            writer.strings(["openid", "email", "read", "write", "offline_access"])
            writer.key("subject_types_supported")
            writer.strings(["public"])
            writer.key("id_token_signing_alg_values_supported")
            writer.strings(["ES256"])
        }
    }

    func keys() -> Reply {
        let key = signer.publicKey
        return .json { writer in
            writer.key("keys")
            writer.array { writer in
                writer.object { writer in
                    for (name, value) in [
                        ("kty", "EC"), ("crv", "P-256"), ("use", "sig"), ("alg", "ES256"), ("kid", Signer.keyID),
                        ("x", key.x), ("y", key.y),
                    ] {
                        writer.key(escaping: name)
                        writer.value(value)
                    }
                }
            }
        }
    }
}
