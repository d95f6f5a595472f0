"""What an attacker, a hostile provider and misfortune send: a clear page or error, nothing created, nothing leaked.

Whatever passes in these tests, a code, a state, a ticket, a token, is looked for in the log, the store and the answers.
"""

import gzip
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from support.api import API, CONNECTIONS, CREDENTIALS, Tenant, make_tenant, never_an_id, ok
from support.browser import Browser
from support.leaks import Watch
from support.oauth import (
    APPS,
    CONFIRM,
    INITIATE,
    App,
    access_token,
    connection,
    connection_ids,
    public_url,
    read_token,
    refresh,
    register_app,
)
from support.oauth_fixtures import OwnServer
from support.pages import assert_is_a_page
from support.person import Person, query
from support.provider import Provider
from support.scripted import Reply, Scripted, Visit
from support.server import NO_TLS, PATIENCE, Server


class Scene:
    """A tenant with an app, people who come, and a watch over all that passes."""

    def __init__(self, server: Server, tenant: Tenant, watch: Watch, stack: ExitStack, return_url: str):
        self.server, self.tenant, self.watch, self.return_url = server, tenant, watch, return_url
        self._stack = stack
        self.apps: list[App] = []
        tenant.client.event_hooks = watch.hooks

    @property
    def client(self) -> httpx.Client:
        return self.tenant.client

    def app(self, provider: Provider, integration: str = "oauth2", returns: bool = True, **fields: Any) -> App:
        """One from which people return to the application, or else end at a page of ours."""
        return_urls = [self.return_url] if returns else []
        self.apps.append(register_app(self.tenant, provider, integration, return_urls=return_urls, **fields))
        self.watch.remember_registration(self.apps[-1].registration)
        return self.apps[-1]

    def person(self, name: str = "alice") -> Person:
        return self._stack.enter_context(Person(name, event_hooks=self.watch.hooks))

    def get(self, url: str, person: Person | None = None) -> httpx.Response:
        """A request of somebody who never was here, unless one is named."""
        return (person or self.person()).get(url)

    def assert_nothing_made(self) -> None:
        assert connection_ids(self.client) == [], "a connection was made"
        assert ok(self.client.get(CREDENTIALS))["total"] == 0, "a credential was made"

    def assert_nothing_leaked(self) -> None:
        for app in self.apps:
            self.watch.remember_registration(app.registration)
        sights = self.watch.sights()
        assert not sights, "\n".join(sorted(set(sights))[:40])


@pytest.fixture
def scene(oauth_server: Server, oauth_tenant: Tenant, watch: Watch, application: Scripted) -> Iterator[Scene]:
    """After every test, also after those that found what they looked for, all places are searched."""
    with ExitStack() as stack:
        made = Scene(oauth_server, oauth_tenant, watch, stack, f"{application.url}/connected")
        yield made
        made.assert_nothing_leaked()


def with_query(url: str, **changes: str | None) -> str:
    """The same address with some of its query's values changed, or gone."""
    given = {**query(url), **changes}
    return urlsplit(url)._replace(query=urlencode({n: v for n, v in given.items() if v is not None})).geturl()


def new_state() -> str:
    return secrets.token_urlsafe(32)


def assert_error(answer: httpx.Response, code: str | None = None, status: tuple[int, ...] = (400,)) -> None:
    """A page of ours that says what went wrong, and sends nobody anywhere."""
    assert_is_a_page(answer, *status)
    assert "Location" not in answer.headers
    if code is not None:
        assert code in answer.text, f"the page does not name {code}:\n{answer.text}"


def assert_sent_back(answer: httpx.Response, return_url: str, *codes: str) -> None:
    """Back to the application with an error code and nothing else."""
    where = f"{answer.status_code} {answer.headers.get('Location')} {answer.text[:500]}"
    assert answer.status_code == 302, where
    target = answer.headers["Location"]
    assert target.startswith(f"{return_url}?"), where
    told = query(target)
    assert told.keys() == {"status", "error"} and told["status"] == "error", where
    assert re.fullmatch(r"[a-z_]+", told["error"]), where
    if codes:
        assert told["error"] in codes, where


class TestState:
    def test_a_wrong_one(self, scene: Scene, authlib: Provider) -> None:
        app, person = scene.app(authlib), scene.person()
        arrived = app.arrive(person, app.initiate(return_url=scene.return_url))
        wrong = person.get(with_query(arrived, state=new_state()))
        assert_error(wrong, "invalid_state")
        scene.assert_nothing_made()
        assert app.registration.asked() == [], "the code went to the provider"
        # The flow that it was not is as good as before.
        assert query(person.get(arrived).headers["Location"])["status"] == "success"

    @pytest.mark.parametrize("state", ["", "x", "%00", "a" * 20_000, "../../..", "<script>alert(1)</script>", None])
    def test_no_state_at_all(self, scene: Scene, authlib: Provider, state: str | None) -> None:
        app = scene.app(authlib)
        asked = urlencode({"code": secrets.token_urlsafe(32), **({} if state is None else {"state": state})})
        answer = scene.get(f"{app.callback}?{asked}")
        # So long a line may be refused before anybody looks for a page.
        if len(asked) < 8_000 or "Content-Type" in answer.headers:
            assert_error(answer, "invalid_state")
        else:
            assert answer.status_code in (400, 413, 414, 431), answer.status_code
        scene.assert_nothing_made()

    def test_replayed(self, scene: Scene, authlib: Provider) -> None:
        app, person = scene.app(authlib), scene.person()
        arrived = app.arrive(person, app.initiate(return_url=scene.return_url))
        assert query(person.get(arrived).headers["Location"])["status"] == "success"
        made = connection_ids(scene.client)
        for who in (person, scene.person()):
            assert_error(scene.get(arrived, who), status=(400, 410))
        # Nor with another code.
        assert_error(person.get(with_query(arrived, code=secrets.token_urlsafe(32))), status=(400, 410))
        assert connection_ids(scene.client) == made and len(made) == 1
        assert len(app.registration.asked()) == 1, "the code went to the provider again"
        assert authlib.who(access_token(scene.client, made[0])) == "alice", "the replay ended the grant"

    def test_replayed_all_at_once(self, scene: Scene, authlib: Provider) -> None:
        app, person = scene.app(authlib), scene.person()
        app.registration.change(delay=0.2)
        arrived = app.arrive(person, app.initiate(return_url=scene.return_url))
        cookies = httpx.Cookies(person.client.cookies)
        gate = threading.Barrier(12)

        def come(_: int) -> httpx.Response:
            with httpx.Client(
                cookies=cookies, timeout=PATIENCE, verify=NO_TLS, event_hooks=scene.watch.hooks
            ) as client:
                gate.wait(PATIENCE)
                return client.get(arrived)

        with ThreadPoolExecutor(gate.parties) as pool:
            answers = list(pool.map(come, range(gate.parties)))
        won = [answer for answer in answers if answer.is_redirect]
        assert len(won) == 1 and query(won[0].headers["Location"])["status"] == "success"
        assert {answer.status_code for answer in answers if answer is not won[0]} <= {400, 410}
        assert len(connection_ids(scene.client)) == 1 and len(app.registration.asked()) == 1

    def test_expired(self, own_server: OwnServer, authlib: Provider, application: Scripted) -> None:
        """Ten minutes, in a server whose clock we may put forward."""
        watch = Watch(own_server.server)
        own_server.tenant.client.event_hooks = watch.hooks
        return_url = f"{application.url}/connected"
        app = register_app(own_server.tenant, authlib, return_urls=[return_url])
        bare = register_app(own_server.tenant, authlib)
        with Person(event_hooks=watch.hooks) as person:
            unopened = app.initiate()["connect_url"]
            told = app.arrive(person, app.initiate(return_url=return_url))
            shown = bare.arrive(person, bare.initiate())
            ticketed = app.initiate(return_url=return_url, user_id="customer-1")
            ticket = query(person.walk(ticketed["connect_url"], lambda url: url.startswith(return_url)))["ticket"]
            exchanged = len(app.registration.asked())
            own_server.clock.advance(minutes=11)

            # What has expired may have been swept away already, and then it never was.
            late = person.get(told)
            if late.is_redirect:
                assert_sent_back(late, return_url, "state_expired")
            else:
                assert_error(late, status=(400, 410))
            page = person.get(shown)
            assert_error(page, status=(400, 410))
            assert re.search("state_expired|invalid_state", page.text), page.text
            assert_error(person.get(unopened), status=(404, 410))
        gone = own_server.tenant.client.post(CONFIRM, json={"ticket": ticket, "user_id": "customer-1"})
        assert (gone.status_code, gone.json()) == (404, {"detail": "Ticket not found"})
        assert len(app.registration.asked("token")) == exchanged, "a code that came too late went to the provider"
        for left in connection_ids(own_server.tenant.client):
            assert "access_token" not in read_token(own_server.tenant.client, left).text
        for each in (app, bare):
            watch.remember_registration(each.registration)
        assert watch.sights() == []

    def test_almost_expired(self, own_server: OwnServer, authlib: Provider) -> None:
        app = register_app(own_server.tenant, authlib)
        with Person() as person:
            arrived = app.arrive(person, app.initiate())
            own_server.clock.advance(minutes=9)
            assert person.get(arrived).status_code == 200

    def test_at_another_apps_callback(self, scene: Scene, authlib: Provider, django_toolkit: Provider) -> None:
        """The mix-up attack: an answer of one provider arrives where the other's are awaited."""
        honest, other = scene.app(authlib), scene.app(django_toolkit)
        person = scene.person()
        arrived = honest.arrive(person, honest.initiate(return_url=scene.return_url))
        mixed = f"{other.callback}?{urlsplit(arrived).query}"
        for who in (person, scene.person()):
            assert_error(scene.get(mixed, who), "app_mismatch")
        assert_error(person.get(mixed.replace(other.id, never_an_id("app"))), status=(400, 404))
        scene.assert_nothing_made()
        assert honest.registration.asked() == other.registration.asked() == []
        assert query(person.get(arrived).headers["Location"])["status"] == "success"

    def test_of_another_tenant(self, scene: Scene, authlib: Provider) -> None:
        neighbour = make_tenant(scene.server, event_hooks=scene.watch.hooks)
        theirs, ours = register_app(neighbour, authlib), scene.app(authlib)
        person = scene.person("bob")
        arrived = theirs.arrive(person, theirs.initiate())
        assert_error(person.get(f"{ours.callback}?{urlsplit(arrived).query}"), "app_mismatch")
        scene.assert_nothing_made()
        assert_is_a_page(person.get(arrived), 200)
        assert len(connection_ids(neighbour.client)) == 1
        scene.assert_nothing_made()
        scene.watch.remember_registration(theirs.registration)
        neighbour.client.close()


class TestAnotherBrowser:
    def test_a_link_is_finished_where_it_was_opened(self, scene: Scene, authlib: Provider) -> None:
        """The attacker opens the link, allows at the provider, and sends the callback's address to somebody else."""
        app, attacker = scene.app(authlib), scene.person("bob")
        arrived = app.arrive(attacker, app.initiate(return_url=scene.return_url))
        victims = {
            "without any cookie": scene.person(),
            "with a made-up cookie": scene.person(),
            "with the cookie of another flow": scene.person(),
        }
        victims["with a made-up cookie"].client.cookies.set("patchbay-flow", new_state(), domain="localhost.local")
        victims["with the cookie of another flow"].get(app.initiate()["connect_url"])
        for how, victim in victims.items():
            answer = victim.get(arrived)
            assert answer.status_code == 400, f"{how}: {answer.status_code} {answer.headers.get('Location')}"
            assert_error(answer, "other_browser")
        scene.assert_nothing_made()
        assert app.registration.asked() == []
        # It stays the attacker's own business.
        assert query(attacker.get(arrived).headers["Location"])["status"] == "success"

    def test_in_real_browsers(self, scene: Scene, authlib: Provider, browser: Browser) -> None:
        app = scene.app(authlib)
        flow = app.initiate(return_url=scene.return_url)
        attacker = scene.person("bob")
        arrived = app.arrive(attacker, flow)
        browser.open(arrived)
        assert browser.url == arrived, "the browser was sent on"
        assert "other_browser" in browser.text
        assert browser.complaints() == [] or all("400" in complaint for complaint in browser.complaints())
        scene.assert_nothing_made()

    def test_anothers_code_with_ones_own_state(self, scene: Scene, authlib: Provider) -> None:
        """PKCE: a code that was stolen elsewhere does not fit."""
        app = scene.app(authlib)
        thief, victim = scene.person("bob"), scene.person("alice")
        stolen = query(app.arrive(victim, app.initiate()))["code"]
        own = app.arrive(thief, app.initiate(return_url=scene.return_url))
        assert_sent_back(thief.get(with_query(own, code=stolen)), scene.return_url, "exchange_failed")
        scene.assert_nothing_made()


class TestConnectLink:
    def test_is_good_for_once(self, scene: Scene, authlib: Provider) -> None:
        app = scene.app(authlib)
        flow = app.initiate()
        first = scene.get(flow["connect_url"])
        assert first.status_code == 302 and first.headers["Location"].startswith(authlib.authorize_url)
        assert "no-store" in first.headers["Cache-Control"] and first.headers["Referrer-Policy"] == "no-referrer"
        cookie = first.headers["Set-Cookie"].lower()
        assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie and "max-age=600" in cookie
        assert_error(scene.get(flow["connect_url"]), status=(404, 410))

    @pytest.mark.parametrize("token", ["x", "a" * 43, "a" * 5_000, "%00", "..%2f..", "%3Cscript%3E"])
    def test_unknown(self, scene: Scene, token: str) -> None:
        answer = scene.get(f"{public_url(scene.server)}{API}/oauth/connect/{token}")
        if answer.status_code not in (414, 431):
            assert_error(answer, status=(404, 410))
            assert "Set-Cookie" not in answer.headers and (len(token) < 3 or token not in answer.text)

    def test_other_methods(self, scene: Scene, authlib: Provider) -> None:
        app = scene.app(authlib)
        for address in (app.initiate()["connect_url"], f"{app.callback}?state={new_state()}&code={new_state()}"):
            for method in ("POST", "PUT", "DELETE"):
                answer = httpx.request(method, address, timeout=PATIENCE, verify=NO_TLS)
                assert answer.status_code == 405 and "GET" in answer.headers["Allow"]


def test_the_policy_of_pages_is_strict(scene: Scene) -> None:
    """No source but named hashes: `unsafe-inline` would let in whatever somebody gets into a page."""
    page = scene.get(f"{public_url(scene.server)}{API}/oauth/connect/{new_state()}")
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "*" not in policy, policy
    for directive in ("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"):
        assert directive in policy, policy


class TestReturnAddress:
    def test_elsewhere(self, scene: Scene, authlib: Provider) -> None:
        app = scene.app(authlib)
        host = urlsplit(scene.return_url)
        elsewhere = [
            "https://evil.example/connected",
            "//evil.example/connected",
            "/connected",
            "",
            "javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            f"https://{host.netloc}/connected",
            f"{scene.return_url}.evil.example",
            f"{scene.return_url}/../../evil",
            f"{scene.return_url}?next=https://evil.example",
            f"{scene.return_url}#fragment",
            f"{scene.return_url}/",
            f"{scene.return_url} ",
            f"{scene.return_url}\r\nX-Evil: 1",
            f"http://{host.netloc}@evil.example/connected",
            f"http://evil.example\\@{host.netloc}/connected",
            f"http://{host.hostname}:1/connected",
        ]
        for field in ("return_url", "redirect_uri"):
            for address in elsewhere:
                body = {"integration_id": "oauth2", "app_id": app.id, field: address}
                answer = scene.client.post(INITIATE, json=body)
                assert answer.status_code == 422, f"{field}={address!r}: {answer.status_code} {answer.text}"
        scene.assert_nothing_made()

    def test_the_callback_names_none(self, scene: Scene, authlib: Provider) -> None:
        """Whatever stands in the callback's query, people go back to where the application said."""
        app, person = scene.app(authlib), scene.person()
        arrived = app.arrive(person, app.initiate(return_url=scene.return_url))
        evil = {"return_url": "https://evil.example", "redirect_uri": "https://evil.example", "next": "//evil.example"}
        target = person.get(with_query(arrived, **evil)).headers["Location"]
        assert target.startswith(f"{scene.return_url}?status=success&connection_id=conn_") and "evil" not in target

    def test_that_left_the_list(self, scene: Scene, authlib: Provider) -> None:
        """An address that the app no longer names is not gone to, though a flow began with it."""
        app, person = scene.app(authlib), scene.person()
        arrived = app.arrive(person, app.initiate(return_url=scene.return_url))
        ok(scene.client.put(f"{APPS}/{app.id}", json={"return_urls": ["https://app.example.com/"]}))
        answer = person.get(arrived)
        assert answer.status_code < 500
        assert connection_ids(scene.client) == [] or answer.status_code in (200, 302)


class TestTheProvidersAnswer:
    def test_no_code(self, scene: Scene, authlib: Provider) -> None:
        app, person = scene.app(authlib), scene.person()
        for code in (None, ""):
            arrived = app.arrive(person, app.initiate(return_url=scene.return_url))
            assert_sent_back(person.get(with_query(arrived, code=code)), scene.return_url, "missing_code")
        bare = scene.app(authlib, returns=False)
        shown = bare.arrive(person, bare.initiate())
        assert_error(person.get(with_query(shown, code=None)), "missing_code")
        scene.assert_nothing_made()
        assert app.registration.asked() == bare.registration.asked() == []

    def test_a_code_of_nobody(self, scene: Scene, provider: Provider) -> None:
        app, person = scene.app(provider), scene.person()
        arrived = app.arrive(person, app.initiate(return_url=scene.return_url))
        made_up = with_query(arrived, code=secrets.token_urlsafe(32))
        assert_sent_back(person.get(made_up), scene.return_url, "exchange_failed")
        # The flow is over: the right code comes too late.
        assert_error(person.get(arrived), status=(400, 410))
        scene.assert_nothing_made()

    @pytest.mark.parametrize("integration", ["oauth2", "oidc"])
    def test_denied(self, scene: Scene, authlib: Provider, integration: str) -> None:
        app, person = scene.app(authlib, integration), scene.person()
        told = app.arrive(person, app.initiate(return_url=scene.return_url), allow=False)
        assert_sent_back(person.get(told), scene.return_url, "access_denied")
        bare = scene.app(authlib, integration, returns=False)
        shown = bare.arrive(person, bare.initiate(), allow=False)
        assert_error(person.get(shown), "access_denied")
        scene.assert_nothing_made()

    @pytest.mark.parametrize(
        "error",
        [
            "temporarily_unavailable",
            "made_up_code",
            "<script>alert(1)</script>",
            "a\r\nSet-Cookie: evil=1",
            "x" * 3_000,
            "",
        ],
    )
    def test_errors_with_hostile_words(self, scene: Scene, authlib: Provider, error: str) -> None:
        person = scene.person()
        token = f"ya29.{secrets.token_urlsafe(40)}"
        scene.watch.remember("token in a description", token)
        hostile = f'"><script>alert(1)</script><img src=//evil.example> access_token={token}'
        for returns in (True, False):
            app = scene.app(authlib, returns=returns)
            arrived = app.arrive(person, app.initiate())
            changes = {"code": None, "error": error, "error_description": hostile, "error_uri": "https://evil.example"}
            answer = person.get(with_query(arrived, **changes))
            if returns:
                assert_sent_back(answer, scene.return_url)
            else:
                assert_error(answer)
                assert "<script" not in answer.text and "<img" not in answer.text
                assert 'href="https://evil.example' not in answer.text
            assert "evil" not in answer.headers.get("Set-Cookie", "")
            assert app.registration.asked() == []
        scene.assert_nothing_made()

    def test_an_error_beside_a_code(self, scene: Scene, authlib: Provider) -> None:
        app, person = scene.app(authlib), scene.person()
        arrived = app.arrive(person, app.initiate(return_url=scene.return_url))
        assert_sent_back(person.get(with_query(arrived, error="access_denied")), scene.return_url, "access_denied")
        scene.assert_nothing_made()

    def test_another_issuer(self, scene: Scene, provider: Provider) -> None:
        """RFC 9207, where the provider says of itself that it sends iss."""
        app, person = scene.app(provider, "oidc"), scene.person()
        wrong = ["https://evil.example", provider.issuer + "/", provider.issuer.upper(), "", None]
        for issuer in wrong:
            arrived = app.arrive(person, app.initiate(return_url=scene.return_url))
            answer = person.get(with_query(arrived, iss=issuer))
            assert_sent_back(answer, scene.return_url, "issuer_mismatch")
        # On errors too: another's "no" is not this provider's.
        arrived = app.arrive(person, app.initiate(return_url=scene.return_url), allow=False)
        answer = person.get(with_query(arrived, iss="https://evil.example"))
        assert_sent_back(answer, scene.return_url, "issuer_mismatch")
        scene.assert_nothing_made()
        assert app.registration.asked() == [], "a code went to the token endpoint although its issuer was wrong"

    def test_the_right_issuer(self, scene: Scene, provider: Provider) -> None:
        app, person = scene.app(provider, "oidc"), scene.person()
        arrived = app.arrive(person, app.initiate(return_url=scene.return_url))
        assert query(arrived)["iss"] == provider.issuer
        assert query(person.get(arrived).headers["Location"])["status"] == "success"


CANARY = f"Zq{secrets.token_hex(12)}"


def _json(content: Any, status: int = 200, **headers: str) -> Reply:
    return Reply.json(content, status, **headers)


def _good(**changes: Any) -> dict[str, Any]:
    token = {"access_token": f"{CANARY}-access", "token_type": "Bearer", "expires_in": 3600, **changes}
    return {name: value for name, value in token.items() if value is not None}


BAD_ANSWERS: dict[str, Reply] = {
    "HTML for JSON": Reply.html(f"<html><title>Sign in</title><p>{CANARY}</p></html>"),
    "an HTML error": Reply.html(f"<h1>502 Bad Gateway</h1><p>{CANARY}", 502),
    "nothing": Reply(200, b"", {"Content-Type": "application/json"}),
    "no content": Reply(204),
    "half of it": Reply(200, json.dumps(_good()).encode()[:-9], {"Content-Type": "application/json"}),
    "a list": _json([_good()]),
    "a string": _json(f"{CANARY}"),
    "null": _json(None),
    "no token": _json(_good(access_token=None, note=CANARY)),
    "an empty token": _json(_good(access_token="")),
    "a token that is an object": _json(_good(access_token={"value": CANARY})),
    "a token with a line break": _json(_good(access_token=f"{CANARY}\r\nX-Evil: 1")),
    "an error in a 200": _json({"error": "invalid_grant", "error_description": CANARY, **_good()}),
    "invalid_grant": _json({"error": "invalid_grant", "error_description": CANARY}, 400),
    "invalid_client": _json({"error": "invalid_client", "error_description": CANARY}, 401),
    "a server error": _json({"message": CANARY}, 500),
    "too many requests": _json({"message": CANARY}, 429, **{"Retry-After": "1"}),
    "a huge answer": _json(_good(padding=CANARY * 600_000)),
    "a bomb": Reply(
        200,
        gzip.compress(json.dumps(_good(padding="0" * 80_000_000)).encode(), 1),
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ),
    "deep nesting": Reply(200, b'{"access_token":' + b"[" * 200_000, {"Content-Type": "application/json"}),
    "a redirect inward": Reply.redirect("http://169.254.169.254/latest/meta-data/"),
    "a redirect to a file": Reply.redirect("file:///etc/passwd"),
    "bad UTF-8": Reply(200, b'{"access_token":"\xff\xfe"}', {"Content-Type": "application/json"}),
}


class TestTheTokenEndpoint:
    """A provider that may answer anything."""

    def prepare(
        self,
        scene: Scene,
        provider: Scripted,
        answer: Reply | Callable[[Visit], Reply],
        returns: bool = True,
        **config: str,
    ) -> App:
        provider.on("POST", "/token", answer)
        scene.watch.remember("what the provider said", CANARY)
        config = {
            "authorize_url": f"{provider.url}/authorize",
            "token_url": f"{provider.url}/token",
            "base_url": provider.url,
            **config,
        }
        body = {
            "integration": "oauth2",
            "client_id": f"client-{secrets.token_hex(8)}",
            "client_secret": secrets.token_urlsafe(32),
            "scopes": ["read"],
            "return_urls": [scene.return_url] if returns else [],
            "config": config,
        }
        scene.watch.remember("client_secret", body["client_secret"])
        read = ok(scene.client.post(APPS, json=body))
        return App(scene.tenant, read, None)  # type: ignore[arg-type]

    def come_back(self, app: App, person: Person) -> httpx.Response:
        """The provider's part of the flow is left out: it would send people back with a code."""
        flow = app.initiate()
        person.get(flow["connect_url"])
        return person.get(f"{app.callback}?" + urlencode({"code": secrets.token_urlsafe(32), "state": flow["state"]}))

    @pytest.mark.parametrize("what", BAD_ANSWERS)
    def test_answers(self, scene: Scene, scripted: Scripted, what: str) -> None:
        person = scene.person()
        told = self.come_back(self.prepare(scene, scripted, BAD_ANSWERS[what]), person)
        assert_sent_back(told, scene.return_url, "exchange_failed", "bad_token_response")
        shown = self.come_back(self.prepare(scene, scripted, BAD_ANSWERS[what], returns=False), person)
        assert_is_a_page(shown, 400)
        assert re.search("exchange_failed|bad_token_response", shown.text), shown.text
        scene.assert_nothing_made()
        assert scripted.visited("/token"), "the token endpoint was not asked"

    def test_a_good_answer_is_taken(self, scene: Scene, scripted: Scripted) -> None:
        """So the others were refused for what they were."""
        app = self.prepare(scene, scripted, _json(_good(refresh_token=f"{CANARY}-refresh")), returns=False)
        assert_is_a_page(self.come_back(app, scene.person()), 200)
        made = connection_ids(scene.client)
        assert access_token(scene.client, made[0]) == f"{CANARY}-access"
        form = scripted.visited("/token")[0].form
        assert form["grant_type"] == "authorization_code" and 43 <= len(form["code_verifier"]) <= 128
        assert form["redirect_uri"] == app.callback
        scene.watch.remember("code_verifier", form["code_verifier"])

    @pytest.mark.parametrize(
        ("where", "at"),
        [
            ("127.0.0.2", "127.0.0.2"),
            ("127.2", "127.0.0.2"),
            ("0x7f.2", "127.0.0.2"),
            ("0177.0.0.2", "127.0.0.2"),
            ("2130706434", "127.0.0.2"),
            ("[::1]", "::1"),
            ("[::ffff:127.0.0.2]", "127.0.0.2"),
            ("0.0.0.0", "127.0.0.1"),
            ("169.254.169.254", None),
            ("10.0.0.1", None),
        ],
    )
    def test_destinations_that_are_refused(self, scene: Scene, where: str, at: str | None) -> None:
        """All alike, by one reason, whether anybody listens there or not. Only 127.0.0.1 is on the allow-list."""
        with ExitStack() as stack:
            listener = Scripted(at or "127.0.0.1")
            stack.callback(listener.close)
            body = {
                "integration": "oauth2",
                "client_id": "some-client",
                "return_urls": [scene.return_url],
                "token_endpoint_auth_method": "none",
                "config": {
                    "authorize_url": "https://provider.example/authorize",
                    "token_url": f"http://{where}:{listener.port}/token",
                    "base_url": "https://provider.example",
                },
            }
            answer = scene.client.post(APPS, json=body)
            if answer.status_code == 422:
                return
            app = App(scene.tenant, ok(answer), None)  # type: ignore[arg-type]
            assert_sent_back(self.come_back(app, scene.person()), scene.return_url, "exchange_failed")
            assert listener.visits == [], "a refused destination was reached"
        scene.assert_nothing_made()

    def test_our_own_listener_is_refused(self, scene: Scene, scripted: Scripted) -> None:
        own = f"http://127.0.0.1:{scene.server.port}{API}/oauth/token"
        app = self.prepare(scene, scripted, Reply(404), token_url=own)
        assert_sent_back(self.come_back(app, scene.person()), scene.return_url, "exchange_failed")
        log = scene.server.log()
        assert "/api/v1/oauth/token" not in log, "the server called itself"

    @pytest.mark.parametrize(
        "address",
        [
            "javascript:alert(1)",
            "data:text/html,x",
            "http://provider.example/authorize",
            "ftp://provider.example",
            "//x",
            "x",
        ],
    )
    def test_addresses_that_no_browser_may_be_sent_to(self, scene: Scene, address: str) -> None:
        config = {
            "authorize_url": address,
            "token_url": "https://provider.example/t",
            "base_url": "https://provider.example",
        }
        body = {"integration": "oauth2", "client_id": "c", "token_endpoint_auth_method": "none", "config": config}
        answer = scene.client.post(APPS, json=body)
        if answer.is_success:
            answer = scene.client.post(INITIATE, json={"integration_id": "oauth2"})
        assert answer.status_code == 422, f"{address}: {answer.status_code} {answer.text}"

    def test_after_a_bad_refresh_the_token_is_still_told_truly(self, scene: Scene, scripted: Scripted) -> None:
        """What is no word on the grant changes no status; the token that is still good goes on being good."""
        app = self.prepare(scene, scripted, _json(_good(refresh_token=f"{CANARY}-refresh")), returns=False)
        assert_is_a_page(self.come_back(app, scene.person()), 200)
        made = connection_ids(scene.client)[0]
        for what in ("HTML for JSON", "an HTML error", "nothing", "a server error", "too many requests", "a list"):
            scripted.on("POST", "/token", BAD_ANSWERS[what])
            refused = refresh(scene.client, made)
            assert (refused.status_code, refused.json().get("error_code")) in [
                (502, "provider_unavailable"),
                (502, "refresh_outcome_unknown"),
                # One that has just failed is not asked again at once.
                (409, "provider_unavailable"),
            ], f"{what}: {refused.status_code} {refused.text}"
            assert connection(scene.client, made)["status"] == "active", what
            assert access_token(scene.client, made) == f"{CANARY}-access", what


WRONG_ID_TOKENS: dict[str, dict[str, Any]] = {
    "for another flow": {"nonce": "n" * 22},
    "for no flow": {"nonce": None},
    "of another issuer": {"iss": "https://other-issuer.example"},
    "for another client": {"aud": "another-client"},
    "without a subject": {"sub": None},
}


class TestTheIDToken:
    """OpenID Connect Core 1.0, 3.1.3.7: who the token says it is from, whom it is for, and which flow it belongs to."""

    KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def come_back(self, scene: Scene, provider: Scripted, changes: dict[str, Any]) -> httpx.Response:
        client_id = f"client-{secrets.token_hex(8)}"
        issuer = {
            "issuer": provider.url,
            "authorization_endpoint": f"{provider.url}/authorize",
            "token_endpoint": f"{provider.url}/token",
            "jwks_uri": f"{provider.url}/jwks",
        }
        key = {**json.loads(RSAAlgorithm.to_jwk(self.KEY.public_key())), "kid": "1", "use": "sig", "alg": "RS256"}
        provider.on("GET", "/.well-known/openid-configuration", _json(issuer))
        provider.on("GET", "/jwks", _json({"keys": [key]}))
        body = {
            "integration": "oidc",
            "client_id": client_id,
            "token_endpoint_auth_method": "none",
            "scopes": ["openid", "email"],
            "return_urls": [scene.return_url],
            "config": {"issuer": provider.url, "base_url": provider.url},
        }
        app = App(scene.tenant, ok(scene.client.post(APPS, json=body)), None)  # type: ignore[arg-type]
        flow = app.initiate()
        claims = {
            "iss": provider.url,
            "aud": client_id,
            "sub": "somebody",
            "email": "somebody@example.com",
            "iat": int(time.time()),
            "exp": int(time.time()) + 600,
            "nonce": query(flow["auth_url"])["nonce"],
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        id_token = jwt.encode(claims, self.KEY, "RS256", {"kid": "1"})
        provider.on("POST", "/token", _json(_good(scope="openid email", id_token=id_token)))
        scene.watch.remember("id_token", id_token)
        person = scene.person()
        person.get(flow["connect_url"])
        return person.get(f"{app.callback}?" + urlencode({"code": secrets.token_urlsafe(32), "state": flow["state"]}))

    def test_a_right_one(self, scene: Scene, scripted: Scripted) -> None:
        answer = self.come_back(scene, scripted, {})
        assert query(answer.headers["Location"])["status"] == "success", answer.headers["Location"]
        made = connection(scene.client, connection_ids(scene.client)[0])
        assert made["account"]["label"] == "somebody@example.com"

    @pytest.mark.parametrize("what", WRONG_ID_TOKENS)
    def test_a_wrong_one(self, scene: Scene, scripted: Scripted, what: str) -> None:
        answer = self.come_back(scene, scripted, WRONG_ID_TOKENS[what])
        assert_sent_back(answer, scene.return_url, "bad_token_response", "issuer_mismatch")
        scene.assert_nothing_made()


class TestTenants:
    def test_nothing_crosses(self, scene: Scene, authlib: Provider) -> None:
        neighbour = make_tenant(scene.server, event_hooks=scene.watch.hooks)
        theirs = register_app(neighbour, authlib, return_urls=[scene.return_url])
        made = theirs.connect()
        flow = theirs.initiate(return_url=scene.return_url, user_id="customer-1")
        person = scene.person()
        ticket = query(person.walk(flow["connect_url"], lambda url: url.startswith(scene.return_url)))["ticket"]
        scene.watch.remember_registration(theirs.registration)

        client = scene.client
        scene.app(authlib)
        for method, path, body in [
            ("GET", f"{APPS}/{theirs.id}", None),
            ("PUT", f"{APPS}/{theirs.id}", {"label": "mine"}),
            ("DELETE", f"{APPS}/{theirs.id}?force=true", None),
            ("POST", INITIATE, {"integration_id": "oauth2", "app_id": theirs.id}),
            ("POST", INITIATE, {"integration_id": "oauth2", "connection_id": made}),
            ("POST", CONFIRM, {"ticket": ticket, "user_id": "customer-1"}),
            ("POST", f"{API}/oauth/refresh/{made}", None),
            ("POST", f"{CONNECTIONS}/{made}/token", None),
        ]:
            answer = client.request(method, path, json=body)
            assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"
        # And so it stays theirs.
        ok(neighbour.client.post(CONFIRM, json={"ticket": ticket, "user_id": "customer-1"}))
        neighbour.client.close()


class TestLeaks:
    def test_the_search_finds_what_is_there(self, scene: Scene, authlib: Provider) -> None:
        """A whole life of a connection, and a search that knows all of its secrets."""
        control = Watch(scene.server)
        app, person = scene.app(authlib, "oidc"), scene.person()
        flow = app.initiate(return_url=scene.return_url, user_id="customer-1")
        back = query(person.walk(flow["connect_url"], lambda url: url.startswith(scene.return_url)))
        made = ok(scene.client.post(CONFIRM, json={"ticket": back["ticket"], "user_id": "customer-1"}))["id"]
        access_token(scene.client, made)
        ok(refresh(scene.client, made))
        for path in (CONNECTIONS, CREDENTIALS, APPS, f"{CONNECTIONS}/{made}?include_credential=true", "/metrics"):
            ok(scene.client.get(path)) if path != "/metrics" else scene.client.get(path)
        ok(scene.client.delete(f"{CONNECTIONS}/{made}"))
        scene.assert_nothing_leaked()
        wanted = {"state", "connect token", "cookie", "code", "ticket", "code_verifier", "client_secret"}
        assert scene.watch.kinds >= wanted | {"access_token", "refresh_token", "id_token"}
        # The same search, for what is surely written down.
        control.remember("an id", made)
        assert control.sights() != []

    def test_paths_are_not_logged(self, scene: Scene, authlib: Provider) -> None:
        """Callback and connect addresses carry secrets in themselves."""
        app, person = scene.app(authlib), scene.person()
        flow = app.initiate()
        arrived = app.arrive(person, flow)
        person.get(arrived)
        for address in (flow["connect_url"] + "x", with_query(arrived, state=new_state()), arrived + quote("é") * 20):
            person.get(address)
        # `scene` looks for them all at its end.
        assert {"state", "code", "connect token"} <= scene.watch.kinds
