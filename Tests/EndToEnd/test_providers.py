"""The providers by themselves, driven by a plain Python client: what the other tests rely on."""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from support.person import Person, query
from support.provider import Provider, Registration
from support.server import NO_TLS

CALLBACK = "http://localhost:9/callback"
PLAIN = httpx.Client(timeout=30, verify=NO_TLS)


class PlainClient:
    """The least that an OAuth client does, by the RFCs."""

    def __init__(self, registration: Registration):
        registration.change(redirect_uris=[CALLBACK])
        self.registration = registration
        self.provider = registration.provider
        self.verifier = secrets.token_urlsafe(48)
        self.state = secrets.token_urlsafe(32)

    def authorize_url(self, **changes: str | None) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        parameters = {
            "response_type": "code",
            "client_id": self.registration.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email read",
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            **changes,
        }
        return f"{self.provider.authorize_url}?" + urlencode({n: v for n, v in parameters.items() if v is not None})

    def authorize(self, person: Person, allow: bool = True, **changes: str | None) -> dict[str, str]:
        return query(person.walk(self.authorize_url(**changes), lambda url: url.startswith(CALLBACK), allow))

    def post(self, url: str, **form: str) -> httpx.Response:
        secret = (self.registration.client_id, self.registration.client_secret)
        return PLAIN.post(url, data=form, auth=secret)

    def exchange(self, code: str, **changes: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.post(self.provider.token_url, **{**form, "code_verifier": self.verifier, **changes})

    def refresh(self, refresh_token: str) -> httpx.Response:
        return self.post(self.provider.token_url, grant_type="refresh_token", refresh_token=refresh_token)

    def obtain(self, name: str = "alice", **changes: str | None) -> dict[str, Any]:
        with Person(name) as person:
            answer = self.exchange(self.authorize(person, **changes)["code"])
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def plain(provider: Provider) -> PlainClient:
    return PlainClient(provider.register())


def test_from_authorization_to_revocation(plain: PlainClient) -> None:
    provider = plain.provider
    with Person("alice") as person:
        back = plain.authorize(person)
    assert (back["state"], back["iss"]) == (plain.state, provider.issuer)
    answer = plain.exchange(back["code"])
    assert answer.status_code == 200, answer.text
    token = answer.json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    assert set(token["scope"].split()) == {"openid", "profile", "email", "read"}
    assert token["id_token"].count(".") == 2
    assert provider.who(token["access_token"]) == "alice"
    assert provider.who("never-a-token") is None

    # A code is good for once.
    assert plain.exchange(back["code"]).json()["error"] == "invalid_grant"

    token = plain.obtain()
    fresh = plain.refresh(token["refresh_token"])
    assert fresh.status_code == 200, fresh.text
    assert fresh.json()["refresh_token"] != token["refresh_token"]
    assert provider.who(fresh.json()["access_token"]) == "alice"

    revoked = plain.post(provider.revoke_url, token=fresh.json()["refresh_token"], token_type_hint="refresh_token")
    assert revoked.status_code == 200, revoked.text
    assert provider.who(fresh.json()["access_token"]) is None
    assert plain.refresh(fresh.json()["refresh_token"]).json()["error"] == "invalid_grant"

    seen = [(asked["endpoint"], asked["grant_type"], asked["status"]) for asked in plain.registration.asked()]
    code, refresh = "authorization_code", "refresh_token"
    assert seen == [
        ("token", code, 200),
        ("token", code, 400),
        ("token", code, 200),
        ("token", refresh, 200),
        ("revoke", None, 200),
        ("token", refresh, 400),
    ]
    assert {asked["client_auth"] for asked in plain.registration.asked()} == {"client_secret_basic"}


def test_reuse_kills_the_family(plain: PlainClient) -> None:
    token = plain.obtain()
    fresh = plain.refresh(token["refresh_token"]).json()
    assert plain.refresh(token["refresh_token"]).json()["error"] == "invalid_grant"
    assert plain.refresh(fresh["refresh_token"]).json()["error"] == "invalid_grant"


def test_two_consents_are_two_families(plain: PlainClient) -> None:
    one, other = plain.obtain("alice"), plain.obtain("bob")
    for _ in range(2):
        plain.refresh(one["refresh_token"])
    assert plain.refresh(other["refresh_token"]).status_code == 200


def test_pkce_is_checked(plain: PlainClient) -> None:
    with Person() as person:
        code = plain.authorize(person)["code"]
    assert plain.exchange(code, code_verifier=secrets.token_urlsafe(48)).json()["error"] == "invalid_grant"


def test_a_person_may_say_no(plain: PlainClient) -> None:
    with Person() as person:
        back = plain.authorize(person, allow=False)
    assert (back["error"], back["state"]) == ("access_denied", plain.state)
    assert "code" not in back
    # django-oauth-toolkit 3.4 forgets RFC 9207's iss where it reports an error.
    assert back.get("iss") == (plain.provider.issuer if plain.provider.name == "authlib" else None)


def test_client_authentication(plain: PlainClient, provider: Provider) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": plain.obtain()["refresh_token"]}
    who = {"client_id": plain.registration.client_id}
    wrong = PLAIN.post(provider.token_url, data={**form, **who, "client_secret": "wrong"})
    assert wrong.json()["error"] == "invalid_client"
    right = PLAIN.post(provider.token_url, data={**form, **who, "client_secret": plain.registration.client_secret})
    assert right.status_code == 200, right.text
    assert [asked["client_auth"] for asked in plain.registration.asked()][1:] == ["client_secret_post"] * 2

    plain.registration.change(client_secret="another-secret-of-the-same-client")
    assert plain.refresh(right.json()["refresh_token"]).json()["error"] == "invalid_client"

    public = PlainClient(provider.register(public=True))
    with Person() as person:
        form = {"grant_type": "authorization_code", "code": public.authorize(person)["code"]}
    form |= {"redirect_uri": CALLBACK, "code_verifier": public.verifier, "client_id": public.registration.client_id}
    answer = PLAIN.post(provider.token_url, data=form)
    assert answer.status_code == 200, answer.text


def test_lifetimes_withdrawal_and_delay(plain: PlainClient) -> None:
    plain.registration.change(lifetime=77)
    token = plain.obtain()
    assert token["expires_in"] == 77
    plain.registration.change(delay=0.3)
    answer = plain.refresh(token["refresh_token"])
    assert answer.status_code == 200 and answer.elapsed.total_seconds() >= 0.3
    plain.registration.change(delay=0)
    assert plain.provider.who(answer.json()["access_token"]) == "alice"
    plain.registration.withdraw()
    assert plain.provider.who(answer.json()["access_token"]) is None
    assert plain.refresh(answer.json()["refresh_token"]).json()["error"] == "invalid_grant"


def test_discovery(provider: Provider) -> None:
    # RFC 8414 puts its part before the issuer's path, OpenID Connect behind it.
    inserted = provider.issuer.replace(provider.url, f"{provider.url}/.well-known/oauth-authorization-server")
    metadata = PLAIN.get(inserted).json()
    assert (metadata["issuer"], metadata["revocation_endpoint"]) == (provider.issuer, provider.revoke_url)
    assert metadata["authorization_response_iss_parameter_supported"] is True
    found = PLAIN.get(f"{provider.issuer}/.well-known/openid-configuration").json()
    assert found["issuer"] == provider.issuer
    assert found["authorization_endpoint"] == provider.authorize_url
    assert found["token_endpoint"] == provider.token_url
    told = plain_claims(provider, found["userinfo_endpoint"])
    assert told["email"] == "alice@example.com" and told["sub"]
    assert PLAIN.get(found["jwks_uri"]).json()["keys"][0]["kty"] == "RSA"


def plain_claims(provider: Provider, address: str) -> dict[str, Any]:
    token = PlainClient(provider.register()).obtain()
    return PLAIN.get(address, headers={"Authorization": f"Bearer {token['access_token']}"}).json()


def test_authlib_may_grant_less_and_say_less(authlib: Provider) -> None:
    plain = PlainClient(authlib.register(granted=["read"], lifetime=None))
    token = plain.obtain(scope="read write")
    assert token["scope"] == "read" and "expires_in" not in token
    told = plain.post(authlib.introspect_url, token=token["access_token"]).json()
    assert told["active"] is True and told["exp"] > 0
