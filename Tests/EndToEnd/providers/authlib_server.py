"""Authlib's authorization server on Flask: rotation that kills a family on reuse, RFC 7009, RFC 9207 and OIDC.

Run as `python -m providers.authlib_server`; the address goes to standard output. What Authlib leaves to its users,
where tokens are kept and what a used one means, is here, in memory.
"""

import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, jsonify, redirect, render_template_string, request, session
from joserfc.jwk import RSAKey

from providers.control import PASSWORD, PEOPLE, SCOPES, serve

AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]

SIGN_IN_PAGE = """<!doctype html><title>Sign in</title><h1>Sign in</h1><form method="post">
<p><label>Name <input name="username"></label><p><label>Password <input name="password" type="password"></label>
<p><button name="sign-in">Sign in</button></form>"""
CONSENT_PAGE = """<!doctype html><title>Consent</title><form method="post">
<h1>May {{ client }} do this for {{ user }}?</h1><ul>{% for scope in scopes %}<li>{{ scope }}</li>{% endfor %}</ul>
<button name="deny" value="1">Cancel</button> <button name="allow" value="1">Authorize</button></form>"""


@dataclass
class Client(ClientMixin):
    """A registered application, and what a test wants of it."""

    client_id: str
    client_secret: str
    public: bool
    redirect_uris: list[str] = field(default_factory=list)
    lifetime: int | None = 3600
    granted: list[str] | None = None

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        return self.redirect_uris[0] if self.redirect_uris else None

    def get_allowed_scope(self, scope: str | None) -> str:
        allowed = SCOPES if self.granted is None else self.granted
        return " ".join(name for name in (scope or "").split() if name in allowed)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(self.client_secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") == self.public

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


@dataclass
class Code(AuthorizationCodeMixin):
    """An authorization code that was not yet exchanged."""

    code: str
    client_id: str
    user: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    made_at: float = field(default_factory=time.time)

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(self.made_at)

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass
class Token(TokenMixin):
    """An access token with its refresh token. All that came of one consent is one family."""

    access_token: str
    refresh_token: str
    client: Client
    user: str
    scope: str
    family: str
    expires_in: int
    issued_at: float = field(default_factory=time.time)
    access_revoked: bool = False
    refresh_spent: bool = False

    def check_client(self, client: Client) -> bool:
        return self.client is client

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return self.expires_in

    def is_expired(self) -> bool:
        return self.expires_in > 0 and self.issued_at + self.expires_in < time.time()

    def is_revoked(self) -> bool:
        return self.access_revoked

    def get_user(self) -> str:
        return self.user

    def get_client(self) -> Client:
        return self.client


class Books:
    """All that the provider knows. One request at a time, as one transaction after another would be."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clients: dict[str, Client] = {}
        self.codes: dict[str, Code] = {}
        self.by_access: dict[str, Token] = {}
        self.by_refresh: dict[str, Token] = {}

    def save_token(self, token: dict[str, Any], asked: Any) -> None:
        previous = getattr(asked, "refresh_token", None)
        saved = Token(
            access_token=token["access_token"],
            refresh_token=token["refresh_token"],
            client=asked.client,
            user=asked.user,
            scope=token["scope"],
            family=previous.family if previous else secrets.token_hex(8),
            expires_in=token.get("expires_in") or 0,
        )
        self.by_access[saved.access_token] = saved
        self.by_refresh[saved.refresh_token] = saved

    def end_family(self, family: str) -> None:
        for token in self.by_refresh.values():
            if token.family == family:
                token.access_revoked = token.refresh_spent = True

    def withdraw(self, client_id: str) -> None:
        for token in list(self.by_refresh.values()):
            if token.client.client_id == client_id:
                self.end_family(token.family)


class AuthlibServer:
    """The provider, as the control plane sees it."""

    endpoints = {"token": "/oauth/token", "revoke": "/oauth/revoke"}

    def __init__(self, url: str):
        # The tests are on loopback, where there is no TLS.
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
        self.url = url
        self.books = Books()
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        self.app = Flask(__name__)
        self.app.config["SECRET_KEY"] = secrets.token_urlsafe(32)
        # Another name than any other server on this host has: cookies know no ports.
        self.app.config["SESSION_COOKIE_NAME"] = "authlib-session"
        self.app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
        self.server = AuthorizationServer(
            self.app, query_client=self.books.clients.get, save_token=self.books.save_token
        )
        self.server.scopes_supported = list(SCOPES)
        self._say_lifetime()
        self._register()
        self._routes()

    # For the control plane

    def create_client(self, client_id: str, client_secret: str, public: bool) -> None:
        self.books.clients[client_id] = Client(client_id, client_secret, public)

    def change_client(self, client_id: str, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self.books.clients[client_id], name, value)

    def withdraw(self, client_id: str) -> None:
        with self.books.lock:
            self.books.withdraw(client_id)

    # Authlib's parts, with our books

    def _say_lifetime(self) -> None:
        """As Authlib's default generator, but for a client whose answers do not say how long they hold."""
        generate = self.server.create_bearer_token_generator(self.app.config)

        def tokens(grant_type: str, client: Client, **options: Any) -> dict[str, Any]:
            token = generate(grant_type, client, **{**options, "expires_in": client.lifetime or 1})
            if client.lifetime is None:
                del token["expires_in"]
            return token

        self.server.register_token_generator("default", tokens)

    def _register(self) -> None:
        books, url, key = self.books, self.url, self.key

        class AuthorizationCode(grants.AuthorizationCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

            def save_authorization_code(self, code: str, asked: Any) -> None:
                data = asked.payload.data
                books.codes[code] = Code(
                    code=code,
                    client_id=asked.client.client_id,
                    user=asked.user,
                    redirect_uri=asked.payload.redirect_uri,
                    scope=asked.scope,
                    nonce=data.get("nonce"),
                    code_challenge=data.get("code_challenge"),
                    code_challenge_method=data.get("code_challenge_method"),
                )

            def query_authorization_code(self, code: str, client: Client) -> Code | None:
                found = books.codes.get(code)
                return found if found and found.client_id == client.client_id else None

            def delete_authorization_code(self, authorization_code: Code) -> None:
                del books.codes[authorization_code.code]

            def authenticate_user(self, authorization_code: Code) -> str:
                return authorization_code.user

        class RefreshToken(grants.RefreshTokenGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
            INCLUDE_NEW_REFRESH_TOKEN = True

            def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
                found = books.by_refresh.get(refresh_token)
                if found and found.refresh_spent:
                    books.end_family(found.family)
                    return None
                return found

            def authenticate_user(self, refresh_token: Token) -> str:
                return refresh_token.user

            def revoke_old_credential(self, refresh_token: Token) -> None:
                refresh_token.refresh_spent = True

        class Revocation(RevocationEndpoint):
            CLIENT_AUTH_METHODS = AUTH_METHODS

            def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
                return books.by_refresh.get(token_string) or books.by_access.get(token_string)

            def revoke_token(self, token: Token, asked: Any) -> None:
                if token.access_token == asked.form["token"]:
                    token.access_revoked = True
                else:
                    books.end_family(token.family)

        class Introspection(IntrospectionEndpoint):
            CLIENT_AUTH_METHODS = AUTH_METHODS

            def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
                return books.by_access.get(token_string)

            def check_permission(self, token: Token, client: Client, asked: Any) -> bool:
                return token.check_client(client)

            def introspect_token(self, token: Token) -> dict[str, Any]:
                return {
                    "active": True,
                    "client_id": token.client.client_id,
                    "scope": token.scope,
                    "token_type": "Bearer",
                    "exp": int(token.issued_at + (token.expires_in or 600)),
                    "iat": int(token.issued_at),
                    "sub": token.user,
                }

        class OpenID(OpenIDCode):
            def exists_nonce(self, nonce: str, asked: Any) -> bool:
                return any(code.nonce == nonce for code in books.codes.values())

            def resolve_client_private_key(self, client: Client) -> RSAKey:
                return key

            def get_encode_header(self, client: Client) -> dict[str, Any]:
                return {"alg": "RS256", "kid": key.kid}

            def get_client_claims(self, client: Client) -> dict[str, Any]:
                return {"iss": url}

            def generate_user_info(self, user: str, scope: str) -> UserInfo:
                return UserInfo(claims_of(user)).filter(scope)

        class Issuer(IssuerParameter):
            def get_issuer(self) -> str:
                return url

        class Validator(BearerTokenValidator):
            def authenticate_token(self, token_string: str) -> Token | None:
                return books.by_access.get(token_string)

        self.server.register_grant(AuthorizationCode, [OpenID(), CodeChallenge(required=True)])
        self.server.register_grant(RefreshToken)
        self.server.register_endpoint(Revocation)
        self.server.register_endpoint(Introspection)
        self.server.register_extension(Issuer())
        self.protect = ResourceProtector()
        self.protect.register_token_validator(Validator())

    # Pages

    def _routes(self) -> None:
        app, server, books, url = self.app, self.server, self.books, self.url

        @app.route("/oauth/authorize", methods=["GET", "POST"])
        def authorize() -> Any:
            form = request.form
            if "sign-in" in form and form["username"] in PEOPLE and form["password"] == PASSWORD:
                session["user"] = form["username"]
                return redirect(request.url, 303)
            user = session.get("user")
            if user is None:
                return render_template_string(SIGN_IN_PAGE)
            with books.lock:
                try:
                    grant = server.get_consent_grant(end_user=user)
                except OAuth2Error as error:
                    return server.handle_error_response(server.create_oauth2_request(request), error)
                if "allow" in form or "deny" in form:
                    return server.create_authorization_response(
                        grant=grant, grant_user=user if "allow" in form else None
                    )
            scopes = [SCOPES[name] for name in (grant.request.payload.scope or "").split()]
            return render_template_string(CONSENT_PAGE, client=grant.client.client_id, user=user, scopes=scopes)

        @app.post("/oauth/token")
        def token() -> Any:
            with books.lock:
                return server.create_token_response()

        @app.post("/oauth/revoke")
        def revoke() -> Any:
            with books.lock:
                return server.create_endpoint_response("revocation")

        @app.post("/oauth/introspect")
        def introspect() -> Any:
            with books.lock:
                return server.create_endpoint_response("introspection")

        @app.get("/api/me")
        @app.get("/oauth/userinfo", endpoint="userinfo")
        @self.protect()
        def me() -> Any:
            return jsonify({"id": claims_of(current_token.user)["sub"], **claims_of(current_token.user)})

        @app.get("/jwks")
        def jwks() -> Any:
            return jsonify({"keys": [self.key.as_dict(private=False)]})

        @app.get("/.well-known/openid-configuration")
        @app.get("/.well-known/oauth-authorization-server", endpoint="metadata")
        def configuration() -> Any:
            return jsonify(
                {
                    "issuer": url,
                    "authorization_endpoint": f"{url}/oauth/authorize",
                    "token_endpoint": f"{url}/oauth/token",
                    "revocation_endpoint": f"{url}/oauth/revoke",
                    "introspection_endpoint": f"{url}/oauth/introspect",
                    "userinfo_endpoint": f"{url}/oauth/userinfo",
                    "jwks_uri": f"{url}/jwks",
                    "scopes_supported": list(SCOPES),
                    "response_types_supported": ["code"],
                    "grant_types_supported": ["authorization_code", "refresh_token"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "token_endpoint_auth_methods_supported": AUTH_METHODS,
                    "code_challenge_methods_supported": ["S256"],
                    "authorization_response_iss_parameter_supported": True,
                }
            )


def claims_of(user: str) -> dict[str, Any]:
    subject = f"authlib|{PEOPLE.index(user) + 1}"
    return {"sub": subject, "name": user.title(), "preferred_username": user, "email": f"{user}@example.com"}


if __name__ == "__main__":
    serve(AuthlibServer)
