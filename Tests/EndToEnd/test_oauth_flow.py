"""From an app's registration to the revocation of its tokens, with OAuth servers that we did not write."""

import contextlib
import datetime
import re
import sqlite3
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from support.api import CONNECTIONS, Tenant, create_custom, make_tenant, never_an_id, ok
from support.browser import Browser
from support.certificate import self_signed
from support.oauth import (
    APPS,
    CONFIRM,
    INITIATE,
    INTEGRATIONS,
    access_token,
    client_with,
    connection,
    connection_ids,
    endpoints,
    public_url,
    read_token,
    refresh,
    register_app,
    token_of,
)
from support.oauth_fixtures import OwnServer
from support.pages import assert_is_a_page
from support.person import Person, query
from support.provider import Provider
from support.scripted import Scripted
from support.server import Server, wait_until

WAYS = [
    pytest.param((provider, integration), id=f"{provider}-{integration}")
    for provider in ("django_toolkit", "authlib")
    for integration in ("oauth2", "oidc")
]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[Provider, str]:
    """Every provider by endpoints that the app names, and by discovery."""
    name, integration = request.param
    return request.getfixturevalue(name), integration


def moment(text: str) -> datetime.datetime:
    assert text.endswith("Z"), f"not UTC: {text}"
    return datetime.datetime.fromisoformat(text)


def seconds_from_now(text: str) -> float:
    return (moment(text) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def journal(server: Server, kind: str, *subjects: str) -> int:
    """How many entries of a kind the store holds of these rows, seen by another process."""
    with contextlib.closing(sqlite3.connect(f"file:{server.database()}?mode=ro", uri=True)) as store:
        marks = ",".join("?" * len(subjects))
        found = store.execute(
            f"SELECT count(*) FROM journal WHERE kind = ? AND subject IN ({marks})", (kind, *subjects)
        )
        return found.fetchone()[0]


class TestInABrowser:
    def test_the_whole_story(
        self,
        way: tuple[Provider, str],
        oauth_server: Server,
        oauth_tenant: Tenant,
        browser: Browser,
        application: Scripted,
    ) -> None:
        provider, integration = way
        client = oauth_tenant.client
        return_url = f"{application.url}/connected"

        # 1. The developer registers an app, and its callback address at the provider.
        app = register_app(oauth_tenant, provider, integration, label="My app", return_urls=[return_url])
        app.registration.change(lifetime=3)
        assert re.fullmatch(r"app_[0-9A-HJKMNP-TV-Z]{26}", app.id)
        assert app.callback == f"{public_url(oauth_server)}/api/v1/oauth/callback/{app.id}"
        assert app.read["has_client_secret"] is True and app.read["status"] == "active"
        assert ok(client.get(f"{APPS}/{app.id}")) == app.read
        assert [listed["id"] for listed in ok(client.get(APPS))["apps"]] == [app.id]

        # 2. The application's backend asks for a link for its customer.
        fields = {"user_id": "customer-7", "external_id": "thing-7", "label": "Seven"}
        flow = app.initiate(return_url=return_url, **fields)
        assert (flow["integration_id"], flow["app_id"]) == (integration, app.id)
        assert flow["connect_url"].startswith(f"{public_url(oauth_server)}/api/v1/oauth/connect/")
        assert 540 < seconds_from_now(flow["expires_at"]) <= 600
        asked = query(flow["auth_url"])
        assert flow["auth_url"].startswith(provider.authorize_url)
        assert (asked["response_type"], asked["client_id"]) == ("code", app.registration.client_id)
        assert (asked["redirect_uri"], asked["state"]) == (app.callback, flow["state"])
        assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
        assert len(flow["state"]) >= 43, "256 bits are 43 characters of base64url"

        # 3. The customer follows it, signs in, allows, and is back in the application, with a ticket.
        end = browser.go_through(flow["connect_url"], "alice")
        app.registration.change(lifetime=3600)
        assert urlsplit(end)._replace(query="").geturl() == return_url, browser.text
        back = query(end)
        assert back.keys() == {"status", "ticket"} and back["status"] == "confirm", end
        assert "Welcome back" in browser.text
        assert browser.complaints() == []
        cookie = browser.cookies()["patchbay-flow"]
        assert cookie["httpOnly"] is True and cookie["sameSite"] == "Lax" and cookie["path"] == "/"

        # 4. Nothing is usable until the backend has said whose it is.
        for unconfirmed in connection_ids(client):
            told = read_token(client, unconfirmed)
            assert "access_token" not in told.text, "a token was given before it was confirmed"
        made = ok(client.post(CONFIRM, json={"ticket": back["ticket"], "user_id": "customer-7"}))
        assert {name: made[name] for name in fields} == fields
        assert (made["integration"], made["auth_method_id"], made["status"]) == (integration, "oauth2", "active")
        assert connection(client, made["id"])["id"] == made["id"]
        assert connection_ids(client) == [made["id"]]
        again = client.post(CONFIRM, json={"ticket": back["ticket"], "user_id": "customer-7"})
        assert (again.status_code, again.json()) == (404, {"detail": "Ticket not found"})

        # 5. The token works, whatever time it is: the first one, which lived for three seconds, was replaced.
        before = journal(oauth_server, "credential.token_read", made["id"], made["credential_id"])
        token = token_of(client, made["id"])
        assert journal(oauth_server, "credential.token_read", made["id"], made["credential_id"]) == before + 1
        assert provider.who(token["access_token"]) == "alice"
        assert token["token_type"].lower() == "bearer"
        assert token["missing_scopes"] == [] and "read" in token["scopes"]
        assert 3000 < seconds_from_now(token["expires_at"]) <= 3600
        refreshes = app.registration.asked("token", "refresh_token")
        assert [asked["status"] for asked in refreshes] == [200], refreshes

        # 6. A refresh can be forced.
        forced = ok(refresh(client, made["id"]))
        assert forced.keys() == {"status", "connection_id", "expires_at"}
        assert (forced["status"], forced["connection_id"]) == ("success", made["id"])
        newest = access_token(client, made["id"])
        assert newest != token["access_token"] and provider.who(newest) == "alice"
        assert connection(client, made["id"])["status"] == "active"

        # 7. Deleting takes the tokens back at the provider.
        assert client.delete(f"{CONNECTIONS}/{made['id']}").status_code == 204
        wait_until(lambda: app.registration.asked("revoke"), "the revocation", 20)
        assert [asked["status"] for asked in app.registration.asked("revoke")] == [200]
        assert provider.who(newest) is None, "the provider still takes the token of a deleted connection"
        assert read_token(client, made["id"]).status_code == 404
        assert browser.complaints() == []

    def test_without_a_return_address_the_page_is_ours(
        self, authlib: Provider, oauth_tenant: Tenant, browser: Browser
    ) -> None:
        app = register_app(oauth_tenant, authlib)
        end = browser.go_through(app.initiate()["connect_url"])
        assert end.startswith(app.callback)
        assert len(browser.text) > 10
        assert browser.complaints() == [], "the page breaks its own policy"
        assert authlib.who(access_token(oauth_tenant.client, connection_ids(oauth_tenant.client)[0])) == "alice"

    def test_somebody_says_no(
        self, authlib: Provider, oauth_tenant: Tenant, browser: Browser, application: Scripted
    ) -> None:
        return_url = f"{application.url}/connected"
        app = register_app(oauth_tenant, authlib, return_urls=[return_url])
        end = browser.go_through(app.initiate(return_url=return_url)["connect_url"], allow=False)
        assert end == f"{return_url}?status=error&error=access_denied"
        assert connection_ids(oauth_tenant.client) == []


class TestOverTLS:
    @pytest.fixture
    def secure(self, make_server: Callable[..., Server], tmp_path: Path) -> Iterator[tuple[Server, Tenant]]:
        """A server behind https://localhost."""
        certificate, key = self_signed(tmp_path)
        variables = {"PATCHBAY_TLS_CERT": str(certificate), "PATCHBAY_TLS_KEY": str(key)}
        variables |= {"PATCHBAY_PUBLIC_URL": "https://localhost:{port}", "PATCHBAY_EGRESS_ALLOW": "127.0.0.1/32"}
        server = make_server(variables)
        server.spawn()
        trust = ssl.create_default_context(cafile=str(certificate))
        base = f"https://localhost:{server.port}"

        def is_up() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"{base}/health/ready", verify=trust).status_code == 200
            return False

        wait_until(is_up, f"{base}/health/ready")
        key_header = {"Authorization": f"Bearer {server.bootstrap_key}"}
        with httpx.Client(base_url=base, headers=key_header, verify=trust, timeout=30) as client:
            yield server, Tenant("default", "", server.bootstrap_key, client)

    def test_the_cookie_is_bound_to_the_host(
        self, secure: tuple[Server, Tenant], authlib: Provider, browser: Browser
    ) -> None:
        server, tenant = secure
        app = register_app(tenant, authlib)
        assert app.callback == f"https://localhost:{server.port}/api/v1/oauth/callback/{app.id}"
        with Person(verify=False) as person:
            opened = person.get(app.initiate()["connect_url"])
        name, _, rest = opened.headers["Set-Cookie"].partition("=")
        attributes = {part.strip().lower() for part in rest.split(";")[1:]}
        assert name == "__Host-patchbay-flow"
        assert attributes >= {"secure", "httponly", "samesite=lax", "path=/"}
        assert not any(attribute.startswith("domain") for attribute in attributes)

        end = browser.go_through(app.initiate()["connect_url"])
        assert end.startswith(app.callback)
        assert "__Host-patchbay-flow" in browser.cookies()
        assert authlib.who(access_token(tenant.client, connection_ids(tenant.client)[0])) == "alice"


class TestFlow:
    def test_a_plain_client_of_the_contract(
        self, provider: Provider, oauth_tenant: Tenant, application: Scripted
    ) -> None:
        """Whoever knows the contract only sends people to auth_url, and never sees a cookie or a ticket."""
        return_url = f"{application.url}/connected"
        app = register_app(oauth_tenant, provider, return_urls=[return_url])
        body = {"integration_id": "oauth2", "redirect_uri": return_url}
        flow = ok(oauth_tenant.client.post(INITIATE, json=body))
        with Person() as person:
            end = person.walk(flow["auth_url"], lambda url: url.startswith(return_url))
        made = connection_ids(oauth_tenant.client)
        assert end == f"{return_url}?status=success&connection_id={made[0]}" and len(made) == 1
        assert connection(oauth_tenant.client, made[0])["status"] == "active"
        assert provider.who(access_token(oauth_tenant.client, made[0])) == "alice"
        assert app.registration.asked()[0]["verifier"] is True

    def test_the_page_at_the_end(self, authlib: Provider, oauth_tenant: Tenant) -> None:
        app = register_app(oauth_tenant, authlib)
        hostile = '<img src=x onerror=alert(1)>"&'
        with Person() as person:
            page = person.finish(app.initiate(label=hostile, external_id=hostile)["connect_url"])
        assert_is_a_page(page, 200)
        assert "<img" not in page.text
        made = connection(oauth_tenant.client, connection_ids(oauth_tenant.client)[0])
        assert made["label"] == hostile

    @pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
    def test_how_the_client_shows_itself(self, provider: Provider, oauth_tenant: Tenant, method: str) -> None:
        app = register_app(oauth_tenant, provider, token_endpoint_auth_method=method)
        made = app.connect()
        ok(refresh(oauth_tenant.client, made))
        oauth_tenant.client.delete(f"{CONNECTIONS}/{made}")
        wait_until(lambda: app.registration.asked("revoke"), "the revocation", 20)
        asked = app.registration.asked()
        assert [(a["endpoint"], a["client_auth"], a["status"]) for a in asked] == [
            ("token", method, 200),
            ("token", method, 200),
            ("revoke", method, 200),
        ]

    def test_a_public_client(self, provider: Provider, oauth_tenant: Tenant) -> None:
        app = register_app(oauth_tenant, provider, public=True)
        assert app.read["has_client_secret"] is False
        made = app.connect()
        ok(refresh(oauth_tenant.client, made))
        assert [asked["client_auth"] for asked in app.registration.asked()] == ["none", "none"]
        assert provider.who(access_token(oauth_tenant.client, made)) == "alice"

    def test_scopes_that_were_not_granted_are_told(self, authlib: Provider, oauth_tenant: Tenant) -> None:
        app = register_app(oauth_tenant, authlib, scopes=["read", "write"])
        app.registration.change(granted=["read"])
        made = app.connect()
        token = token_of(oauth_tenant.client, made)
        assert (token["scopes"], token["missing_scopes"]) == (["read"], ["write"])
        told = connection(oauth_tenant.client, made)["scopes"]
        assert told == {"granted": ["read"], "requested": ["read", "write"], "missing": ["write"]}

    def test_the_scopes_of_one_flow(self, provider: Provider, oauth_tenant: Tenant) -> None:
        app = register_app(oauth_tenant, provider, scopes=["read"])
        flow = app.initiate(scopes=["write", "read"])
        assert set(query(flow["auth_url"])["scope"].split()) == {"read", "write"}
        made = app.connect(scopes=["write", "read"])
        assert set(token_of(oauth_tenant.client, made)["scopes"]) == {"read", "write"}

    def test_parameters_of_the_app(self, authlib: Provider, oauth_tenant: Tenant) -> None:
        extra = {"prompt": "consent", "access_type": "offline & more"}
        app = register_app(oauth_tenant, authlib, authorize_parameters=extra)
        assert query(app.initiate()["auth_url"]).items() >= extra.items()
        # What the flow itself depends on is not theirs to change.
        for reserved in ("state", "redirect_uri", "client_id", "response_type", "code_challenge"):
            body = {"authorize_parameters": {reserved: "mine"}}
            answer = oauth_tenant.client.put(f"{APPS}/{app.id}", json=body)
            if answer.is_success:
                asked = query(app.initiate()["auth_url"])
                assert asked[reserved] != "mine", f"an app's parameter replaced {reserved}"
            else:
                assert answer.status_code == 422, answer.text

    def test_a_link_survives_a_restart(self, own_server: OwnServer, authlib: Provider) -> None:
        app = register_app(own_server.tenant, authlib)
        with Person() as person:
            address = app.arrive(person, app.initiate(confirm=False))
            own_server.server.kill()
            own_server.server.start()
            assert_is_a_page(person.get(address), 200)
        made = connection_ids(own_server.tenant.client)
        assert authlib.who(access_token(own_server.tenant.client, made[0])) == "alice"


class TestAccounts:
    def test_who_is_at_the_other_end(self, provider: Provider, oauth_tenant: Tenant) -> None:
        app = register_app(oauth_tenant, provider, "oidc")
        first, second, other = app.connect("alice"), app.connect("alice"), app.connect("bob")
        accounts = {name: connection(oauth_tenant.client, name)["account"] for name in (first, second, other)}
        assert accounts[first]["label"] == "alice@example.com" and accounts[other]["label"] == "bob@example.com"
        assert accounts[first] == accounts[second] != accounts[other]
        assert accounts[first]["fingerprint"] != accounts[other]["fingerprint"]
        assert connection(oauth_tenant.client, second)["same_account_as"] == [first]
        assert connection(oauth_tenant.client, other)["same_account_as"] == []

    def test_fingerprints_of_tenants_do_not_meet(
        self, authlib: Provider, oauth_server: Server, oauth_tenant: Tenant
    ) -> None:
        neighbour = make_tenant(oauth_server)
        found = []
        for tenant in (oauth_tenant, neighbour):
            made = register_app(tenant, authlib, "oidc").connect("alice")
            found.append(connection(tenant.client, made))
        neighbour.client.close()
        assert found[0]["account"]["fingerprint"] != found[1]["account"]["fingerprint"]
        assert [each["same_account_as"] for each in found] == [[], []]

    def test_reconnecting_in_place(self, provider: Provider, oauth_tenant: Tenant) -> None:
        app = register_app(oauth_tenant, provider, "oidc")
        made = app.connect(label="Mine", external_id="thing-1")
        before = access_token(oauth_tenant.client, made)
        app.connect(connection_id=made)
        after = connection(oauth_tenant.client, made)
        assert connection_ids(oauth_tenant.client) == [made], "reconnecting made another connection"
        assert (after["label"], after["external_id"], after["status"]) == ("Mine", "thing-1", "active")
        assert access_token(oauth_tenant.client, made) != before
        assert provider.who(access_token(oauth_tenant.client, made)) == "alice"

    def test_another_account_is_not_taken(
        self, provider: Provider, oauth_tenant: Tenant, application: Scripted
    ) -> None:
        return_url = f"{application.url}/connected"
        app = register_app(oauth_tenant, provider, "oidc", return_urls=[return_url])
        made = app.connect("alice")
        account = connection(oauth_tenant.client, made)["account"]
        flow = app.initiate(connection_id=made, return_url=return_url, confirm=False)
        with Person("bob") as person:
            end = person.walk(flow["connect_url"], lambda url: url.startswith(return_url))
        assert end == f"{return_url}?status=error&error=account_mismatch"
        assert connection(oauth_tenant.client, made)["account"] == account
        assert provider.who(access_token(oauth_tenant.client, made)) == "alice"

        app.connect("bob", connection_id=made, allow_account_change=True)
        assert connection(oauth_tenant.client, made)["account"] != account
        assert provider.who(access_token(oauth_tenant.client, made)) == "bob"


class TestWhatBecomesOfGrants:
    def test_taken_back_at_the_provider(self, provider: Provider, oauth_tenant: Tenant) -> None:
        app = register_app(oauth_tenant, provider)
        client = oauth_tenant.client
        made = app.connect()
        app.registration.withdraw()
        refused = refresh(client, made)
        assert (refused.status_code, refused.json()["error_code"]) == (409, "needs_reauthorization")
        assert connection(client, made)["status"] == "expired"
        told = ok(read_token(client, made))
        assert (told["active"], told["error"]) == (False, "needs_reauthorization")
        assert "access_token" not in told
        # Asking again and again spends nothing more.
        asked = len(app.registration.asked())
        for _ in range(3):
            ok(read_token(client, made))
        assert len(app.registration.asked()) == asked

        # The link that came with it heals the very connection.
        with Person() as person:
            page = person.finish(told["connect_url"])
        assert page.status_code == 200, page.text
        assert connection(client, made)["status"] == "active" and connection_ids(client) == [made]
        assert provider.who(access_token(client, made)) == "alice"

    def test_a_user_heals_their_own(self, authlib: Provider, oauth_tenant: Tenant, application: Scripted) -> None:
        """The link in the answer leads a user back to the application, whose backend confirms as it did before."""
        return_url = f"{application.url}/connected"
        app, client = register_app(oauth_tenant, authlib, return_urls=[return_url]), oauth_tenant.client
        made = app.connect(user_id="customer-1")
        app.registration.withdraw()
        assert refresh(client, made).status_code == 409
        with Person() as person:
            end = person.walk(ok(read_token(client, made))["connect_url"], lambda url: url.startswith(return_url))
        back = query(end)
        if back["status"] == "confirm":
            ok(client.post(CONFIRM, json={"ticket": back["ticket"], "user_id": "customer-1"}))
        assert connection(client, made)["status"] == "active" and connection_ids(client) == [made]
        assert authlib.who(access_token(client, made)) == "alice"

    def test_expiry_by_the_clock(self, own_server: OwnServer, provider: Provider) -> None:
        """An access token past its end is never given out."""
        client, clock = own_server.tenant.client, own_server.clock
        made = register_app(own_server.tenant, provider).connect()
        seen = {access_token(client, made)}
        for _ in range(3):
            clock.advance(hours=1, seconds=1)
            token = token_of(client, made)
            assert token["access_token"] not in seen, "an expired token was given out"
            assert provider.who(token["access_token"]) == "alice"
            seen.add(token["access_token"])

    def test_no_word_of_expiry(self, authlib: Provider, oauth_tenant: Tenant) -> None:
        app = register_app(oauth_tenant, authlib)
        app.registration.change(lifetime=None)
        token = token_of(oauth_tenant.client, app.connect())
        assert token["expires_at"] is None
        assert authlib.who(token["access_token"]) == "alice"

    def test_a_secret_may_be_rotated_in_any_order(self, provider: Provider, oauth_tenant: Tenant) -> None:
        app, client = register_app(oauth_tenant, provider), oauth_tenant.client
        made = app.connect()
        address = f"{APPS}/{app.id}"

        # The new one is entered here first: the old one still serves.
        changed = ok(client.put(address, json={"client_secret": "the-next-secret-of-this-client"}))
        assert 23 * 3600 < seconds_from_now(changed["previous_client_secret_expires_at"]) <= 24 * 3600
        ok(refresh(client, made))
        last = [(asked["status"], asked["error"]) for asked in app.registration.asked()[-2:]]
        assert last[0][1] == "invalid_client" and last[1] == (200, None)
        assert ok(client.get(address))["status"] == "active"
        # Then at the provider.
        app.registration.change(client_secret="the-next-secret-of-this-client")
        ok(refresh(client, made))
        assert provider.who(access_token(client, made)) == "alice"

    def test_a_refused_app_touches_no_connection(self, own_server: OwnServer, provider: Provider) -> None:
        tenant, client = own_server.tenant, own_server.tenant.client
        app = register_app(tenant, provider)
        made = {name: app.connect(name) for name in ("alice", "bob")}
        tokens = {name: access_token(client, each) for name, each in made.items()}
        app.registration.change(client_secret="a-secret-that-we-were-not-told")
        refused = refresh(client, made["alice"])
        assert (refused.status_code, refused.json()["error_code"]) == (409, "app_failing"), refused.text
        failing = ok(client.get(f"{APPS}/{app.id}"))
        assert (failing["status"], failing["status_reason"]) == ("failing", "invalid_client")
        assert failing["status_since"] is not None
        # What has not expired goes on.
        assert {name: access_token(client, each) for name, each in made.items()} == tokens

        # What has expired waits, and the circuit is open: the provider is not asked on and on.
        own_server.clock.advance(hours=2)
        asked = len(app.registration.asked("token", "refresh_token"))
        for each in [*made.values()] * 4:
            waiting = read_token(client, each)
            assert (waiting.status_code, waiting.json().get("error_code")) == (409, "app_failing"), waiting.text
        again = len(app.registration.asked("token", "refresh_token")) - asked
        assert again <= 1, f"a refused app was presented {again} times within a moment"
        assert [connection(client, each)["status"] for each in made.values()] == ["active", "active"]
        assert journal(own_server.server, "app.failing", app.id) == 1

        healed = ok(client.put(f"{APPS}/{app.id}", json={"client_secret": "a-secret-that-we-were-not-told"}))
        assert (healed["status"], healed["status_reason"]) == ("active", None)
        for name, each in made.items():
            assert provider.who(access_token(client, each)) == name

    def test_a_deleted_connection_is_revoked_later_too(self, authlib: Provider, own_server: OwnServer) -> None:
        """The provider is out of order when a connection is deleted, and the process dies: it is told all the same."""
        client, server = own_server.tenant.client, own_server.server
        app = register_app(own_server.tenant, authlib)
        made = app.connect()
        token = access_token(client, made)
        app.registration.change(outage=True)
        assert client.delete(f"{CONNECTIONS}/{made}").status_code == 204
        server.kill()
        assert authlib.who(token) == "alice"
        app.registration.change(outage=False)
        own_server.clock.advance(hours=1)
        server.start()
        wait_until(lambda: authlib.who(token) is None, "the revocation after a crash", 40)

    def test_deleting_an_app(self, authlib: Provider, oauth_tenant: Tenant) -> None:
        app, client = register_app(oauth_tenant, authlib), oauth_tenant.client
        app.connect()
        refused = client.delete(f"{APPS}/{app.id}")
        assert refused.status_code == 409 and refused.json()["detail"]
        assert client.delete(f"{APPS}/{app.id}", params={"force": "true"}).status_code == 204
        assert client.get(f"{APPS}/{app.id}").status_code == 404
        assert ok(client.get(APPS))["total"] == 0


class TestIntegrationsOfAWorkspace:
    def test_introspection_tells_what_an_answer_left_out(self, authlib: Provider, oauth_tenant: Tenant) -> None:
        """The answer names no expiry; the integration, which the workspace wrote itself, names where to ask."""
        names = ("authorize_url", "token_url", "revoke_url", "introspect_url", "base_url")
        definition = {
            "id": "e2e-authlib",
            "name": "Authlib",
            "type": "connectors",
            "category": "tests",
            "description": "A provider that keeps its expiry to itself.",
            "docs_url": "https://docs.authlib.org",
            "base_url": "{base_url}",
            "auth_methods": [
                {
                    "id": "oauth2",
                    "name": "OAuth 2.0",
                    "type": "oauth2",
                    "auth_type": "oauth_token_refresh_rotation",
                    "description": "Sign in.",
                    "fields": [],
                    "oauth": {name: f"{{{name}}}" for name in names if name != "base_url"},
                    "apply": [{"in": "header", "name": "Authorization", "value": "Bearer {access_token}"}],
                }
            ],
            "config": [{"key": name, "label": name, "type": "url", "required": True} for name in names],
            "identity": {"url": "/me", "id": "sub", "label": "email"},
        }
        ok(oauth_tenant.client.post(INTEGRATIONS, json=definition))
        config = {**endpoints(authlib, "oauth2"), "introspect_url": authlib.introspect_url}
        app = register_app(oauth_tenant, authlib, "e2e-authlib", config=config)
        app.registration.change(lifetime=None)
        made = app.connect()
        token = token_of(oauth_tenant.client, made)
        assert 0 < seconds_from_now(token["expires_at"]) <= 600
        assert connection(oauth_tenant.client, made)["account"]["label"] == "alice@example.com"
        assert oauth_tenant.client.delete(f"{INTEGRATIONS}/e2e-authlib").status_code == 409


class TestRefusals:
    def test_initiate(self, authlib: Provider, oauth_tenant: Tenant) -> None:
        client = oauth_tenant.client
        nobody = client.post(INITIATE, json={"integration_id": "oauth2"})
        assert nobody.status_code == 422 and "/api/v1/oauth/apps" in nobody.text
        assert client.post(INITIATE, json={"integration_id": "no-such-thing"}).status_code == 404
        app = register_app(oauth_tenant, authlib)
        body = {"integration_id": "oauth2"}
        assert client.post(INITIATE, json={**body, "app_id": never_an_id("app")}).status_code == 404
        assert client.post(INITIATE, json={**body, "app_id": "nonsense"}).status_code in (404, 422)
        assert client.post(INITIATE, json={**body, "connection_id": never_an_id("conn")}).status_code == 404
        # The app of one integration does not serve another.
        other = client.post(INITIATE, json={"integration_id": "oidc", "app_id": app.id})
        assert other.status_code in (404, 422), other.text
        assert client.post(INITIATE, json={}).status_code == 422
        for wrong in (
            {"scopes": "read"},
            {"scopes": [1]},
            {"confirm": "perhaps"},
            {"config": []},
            {"label": "x" * 256},
        ):
            answer = client.post(INITIATE, json={**body, **wrong})
            assert answer.status_code == 422, (wrong, answer.status_code, answer.text)
        assert connection_ids(client) == []

    def test_permissions(self, authlib: Provider, oauth_server: Server, oauth_tenant: Tenant) -> None:
        app = register_app(oauth_tenant, authlib)
        made = app.connect()
        allowed = {
            "admin": [("POST", APPS), ("PUT", f"{APPS}/{app.id}"), ("DELETE", f"{APPS}/{never_an_id('app')}")],
            "write": [("POST", INITIATE), ("POST", CONFIRM), ("POST", f"/api/v1/oauth/refresh/{made}")],
            "secrets": [("POST", f"{CONNECTIONS}/{made}/token")],
            "read": [("GET", APPS), ("GET", f"{APPS}/{app.id}")],
        }
        for permission in allowed:
            with client_with(oauth_server, oauth_tenant, permission) as client:
                for needed, operations in allowed.items():
                    for method, path in operations:
                        status = client.request(method, path, json={}).status_code
                        assert (status == 403) == (permission != needed), (permission, method, path, status)
        with oauth_server.client() as anonymous:
            for operations in allowed.values():
                for method, path in operations:
                    assert anonymous.request(method, path, json={}).status_code == 401, path

    def test_what_is_no_grant(self, oauth_tenant: Tenant) -> None:
        client = oauth_tenant.client
        plain = create_custom(client)["id"]
        assert read_token(client, plain).status_code == 422
        refused = refresh(client, plain)
        assert (refused.status_code, refused.json()["detail"]) == (422, "Connection has no OAuth grant to refresh")
        for unknown in (never_an_id("conn"), "nonsense"):
            assert read_token(client, unknown).status_code == 404
            assert refresh(client, unknown).status_code == 404

    def test_another_user_confirms_nothing(
        self, authlib: Provider, oauth_tenant: Tenant, application: Scripted
    ) -> None:
        return_url = f"{application.url}/connected"
        app = register_app(oauth_tenant, authlib, return_urls=[return_url])
        flow = app.initiate(user_id="customer-1", return_url=return_url)
        with Person() as person:
            ticket = query(person.walk(flow["connect_url"], lambda url: url.startswith(return_url)))["ticket"]
        missing = {"detail": "Ticket not found"}
        for body in ({"ticket": ticket, "user_id": "customer-2"}, {"ticket": "x" * 43, "user_id": "customer-1"}):
            answer = oauth_tenant.client.post(CONFIRM, json=body)
            assert (answer.status_code, answer.json()) == (404, missing)
        assert all(
            "access_token" not in read_token(oauth_tenant.client, each).text
            for each in connection_ids(oauth_tenant.client)
        )


class TestApps:
    def test_life(self, authlib: Provider, oauth_tenant: Tenant) -> None:
        client = oauth_tenant.client
        app = register_app(oauth_tenant, authlib, label="First")
        address = f"{APPS}/{app.id}"
        read = client.get(address)
        assert (
            read.headers["ETag"]
            and client.get(address, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
        )
        changed = ok(client.put(address, json={"label": "Second"}, headers={"If-Match": read.headers["ETag"]}))
        assert (changed["label"], changed["redirect_uri"]) == ("Second", app.callback)
        assert changed["client_id"] == app.registration.client_id and changed["has_client_secret"] is True
        stale = client.put(address, json={"label": "Third"}, headers={"If-Match": read.headers["ETag"]})
        assert stale.status_code == 412
        assert app.registration.client_secret not in read.text + client.get(APPS).text
        assert ok(client.get(APPS, params={"integration": "oidc"}))["total"] == 0
        assert ok(client.get(APPS, params={"integration": "oauth2"}))["total"] == 1
        assert client.delete(address).status_code == 204
        assert client.get(address).status_code == 404

    @pytest.mark.parametrize(
        "wrong",
        [
            {"integration": "no-such-thing"},
            {"integration": "slack", "auth_method_id": "bot_token"},
            {"client_id": ""},
            {"client_id": None},
            {"client_id": "x" * 1025},
            {"label": ""},
            {"label": "x" * 256},
            {"token_endpoint_auth_method": "private_key_jwt"},
            {"return_urls": ["http://app.example.com/connected"]},
            {"return_urls": ["javascript:alert(1)"]},
            {"return_urls": ["//app.example.com"]},
            {"return_urls": "https://app.example.com"},
            {"scopes": "read write"},
            {"authorize_parameters": {"prompt": 1}},
        ],
        ids=lambda wrong: "-".join(wrong) + "=" + str(next(iter(wrong.values())))[:24],
    )
    def test_what_is_refused(self, oauth_tenant: Tenant, authlib: Provider, wrong: dict[str, Any]) -> None:
        body = {
            "integration": "oauth2",
            "client_id": "some-client",
            "client_secret": "some-secret-of-a-client",
            "config": endpoints(authlib, "oauth2"),
            **wrong,
        }
        answer = oauth_tenant.client.post(APPS, json={name: value for name, value in body.items() if value is not None})
        assert answer.status_code in (404, 422), answer.text
        assert "some-secret-of-a-client" not in answer.text
        assert ok(oauth_tenant.client.get(APPS))["total"] == 0

    def test_return_addresses_on_this_machine(self, oauth_tenant: Tenant, authlib: Provider) -> None:
        addresses = [
            "https://app.example.com/connected",
            "http://localhost:3000/a",
            "http://127.0.0.1/b",
            "http://[::1]:1/c",
        ]
        app = register_app(oauth_tenant, authlib, return_urls=addresses)
        assert app.read["return_urls"] == addresses


@pytest.mark.parametrize("integration", ["oauth2", "oidc"])
def test_the_catalog_knows_how(oauth_tenant: Tenant, integration: str) -> None:
    told = ok(oauth_tenant.client.get(f"{INTEGRATIONS}/{integration}"))
    assert any(method["id"] == "oauth2" and method["type"] == "oauth2" for method in told["auth_methods"])
