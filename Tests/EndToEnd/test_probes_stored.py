"""Tests of connections that are saved: what becomes of their status, what is written down, and what a crash leaves."""

import datetime
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from support import probes
from support.api import CONNECTIONS, CREDENTIALS, Tenant, create_key, make_tenant, ok
from support.hostile import Hostile
from support.oauth import client_with, endpoints, register_app
from support.peers import McpServers
from support.postgres import PostgresServer
from support.probes import Draft, create, look, look_again, read, timeline
from support.provider import Provider
from support.scripted import Reply, Scripted, Visit
from support.server import PATIENCE, Server, wait_until

GOOD = "valid verified: connect http auth protocol"
REFUSED = "invalid credential_rejected: connect http auth!"
MODELS = {"object": "list", "data": [{"id": "m-1"}]}


class Provided:
    """A model server that takes one key, may keep its visitors waiting, and may be out of order."""

    def __init__(self, scripted: Scripted):
        self.key = f"sk-{secrets.token_hex(12)}"
        self.outage: Reply | None = None
        self.arrived, self.gate = threading.Semaphore(0), threading.Event()
        self.gate.set()
        self.scripted = scripted
        scripted.on("GET", "/v1/models", self._answer)

    def _answer(self, visit: Visit) -> Reply:
        self.arrived.release()
        assert self.gate.wait(PATIENCE)
        if self.outage is not None:
            return self.outage
        known = visit.headers.get("Authorization") == f"Bearer {self.key}"
        return Reply.json(MODELS) if known else Reply.json({"error": {"code": "invalid_api_key"}}, 401)

    def draft(self, key: str | None = None) -> Draft:
        return probes.model(f"{self.scripted.url}/v1", key or self.key)

    def await_visitor(self) -> None:
        assert self.arrived.acquire(timeout=PATIENCE)


@pytest.fixture
def provided(scripted: Scripted) -> Iterator[Provided]:
    made = Provided(scripted)
    yield made
    made.gate.set()


def moment(text: str) -> datetime.datetime:
    assert text.endswith("Z")
    return datetime.datetime.fromisoformat(text)


def story(client: httpx.Client, connection_id: str) -> list[str]:
    """Oldest first, and of changes of status only what they changed."""
    told = []
    for entry in reversed(timeline(client, connection_id, limit=1000)["entries"]):
        data = entry["data"]
        change = f" {data['from']}>{data['to']} {data['reason_code']}" if "from" in data else ""
        told.append(entry["type"].removeprefix("connection.") + change)
    return told


def state(client: httpx.Client, connection_id: str) -> tuple[str, str | None]:
    shown = read(client, connection_id)
    return shown["status"], shown["status_reason"]


# Status


def test_what_a_test_makes_of_a_status(prober: httpx.Client, provided: Provided) -> None:
    made = create(prober, provided.draft())
    new = read(prober, made)
    assert (new["status"], new["status_reason"], new["last_checked_at"]) == ("active", None, None)
    assert new["status_since"] == new["created_at"]

    # Good: the same status as before, since the same time.
    good = look_again(prober, made)
    assert str(good) == GOOD
    shown = read(prober, made)
    assert (shown["status"], shown["status_reason"]) == ("active", "verified")
    assert shown["status_since"] == new["status_since"]
    assert shown["last_checked_at"] == good.body["checked_at"]

    # Refused: broken, from now on.
    provided.key = "another-key"
    bad = look_again(prober, made)
    assert str(bad) == REFUSED
    broken = read(prober, made)
    assert (broken["status"], broken["status_reason"]) == ("error", "credential_rejected")
    assert broken["status_since"] == broken["last_checked_at"] == bad.body["checked_at"]

    # Refused again: still broken, and since the first time.
    look_again(prober, made)
    again = read(prober, made)
    assert (again["status"], again["status_since"]) == ("error", broken["status_since"])
    assert again["last_checked_at"] > broken["last_checked_at"]

    # Unknown is not broken, nor is it healed: neither the status nor the reason moves.
    for outage in (Reply(500), Reply(429), Reply.html("<h1>Hello</h1>")):
        provided.outage = outage
        assert look_again(prober, made).body["verdict"] == "inconclusive"
        unknown = read(prober, made)
        assert [unknown[key] for key in ("status", "status_reason", "status_since")] == [
            broken[key] for key in ("status", "status_reason", "status_since")
        ]
    assert unknown["last_checked_at"] > again["last_checked_at"]

    # A new key heals it, once it is seen to work.
    provided.outage, provided.key = None, f"sk-{secrets.token_hex(12)}"
    ok(prober.put(f"{CREDENTIALS}/{new['credential_id']}", json={"data": {"api_key": provided.key}}))
    assert state(prober, made) == ("error", "credential_rejected")
    healed = look_again(prober, made)
    assert str(healed) == GOOD
    shown = read(prober, made)
    assert (shown["status"], shown["status_reason"]) == ("active", "verified")
    assert shown["status_since"] == healed.body["checked_at"]
    assert story(prober, made)[-5:] == [
        "test_started",
        "status_changed error>testing test_started",
        "tested",
        "status_changed testing>active verified",
        "recovered",
    ]


def test_an_inconclusive_test_leaves_an_active_one_active(prober: httpx.Client, provided: Provided) -> None:
    made = create(prober, provided.draft())
    provided.outage = Reply(503)
    assert str(look_again(prober, made)) == "inconclusive provider_error: connect http?"
    assert state(prober, made) == ("active", None)
    assert read(prober, made)["status_since"] == read(prober, made)["created_at"]


def test_it_shows_as_testing_meanwhile(prober: httpx.Client, provided: Provided) -> None:
    made = create(prober, provided.draft())
    provided.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(look_again, prober, made)
        provided.await_visitor()
        shown = read(prober, made)
        assert (shown["status"], shown["status_reason"]) == ("testing", "test_started")
        found = ok(prober.get(CONNECTIONS, params={"status": "testing"}))["connections"]
        assert [connection["id"] for connection in found] == [made]
        provided.gate.set()
        assert str(running.result()) == GOOD
    assert state(prober, made) == ("active", "verified")


def test_two_tests_at_once_are_one(prober: httpx.Client, provided: Provided) -> None:
    made = create(prober, provided.draft())
    provided.gate.clear()
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(look_again, prober, made)
        provided.await_visitor()
        others = [pool.submit(look_again, prober, made) for _ in range(3)]
        # They have no effect that could be awaited: the first one's end is theirs.
        time.sleep(0.3)
        provided.gate.set()
        told = [running.result().body for running in (first, *others)]
    assert all(body == told[0] for body in told)
    assert len(provided.scripted.visits) == 1
    assert story(prober, made).count("tested") == 1


def test_somebody_s_word_in_the_middle_of_a_test(prober: httpx.Client, provided: Provided) -> None:
    """What a person says meanwhile holds where the test found out nothing, and `inactive` against all it found."""
    for outage, word, expected in (
        (None, "inactive", "inactive"),
        (Reply(500), "inactive", "inactive"),
        (Reply(500), "error", "error"),
        (Reply.json({}, 401), "inactive", "inactive"),
    ):
        provided.outage = outage
        made = create(prober, provided.draft())
        provided.gate.clear()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(look_again, prober, made)
            provided.await_visitor()
            ok(prober.put(f"{CONNECTIONS}/{made}", json={"status": word}))
            provided.gate.set()
            running.result()
        assert state(prober, made) == (expected, "asserted")


def test_a_connection_that_is_gone_before_its_test_ends(prober: httpx.Client, provided: Provided) -> None:
    made = create(prober, provided.draft())
    provided.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(prober.post, f"{CONNECTIONS}/{made}/test")
        provided.await_visitor()
        assert prober.delete(f"{CONNECTIONS}/{made}").status_code == 204
        provided.gate.set()
        assert running.result().status_code == 404


def test_who_hangs_up_leaves_a_test_that_ends(prober: httpx.Client, provided: Provided) -> None:
    made = create(prober, provided.draft())
    provided.gate.clear()
    with pytest.raises(httpx.ReadTimeout):
        prober.post(f"{CONNECTIONS}/{made}/test", timeout=0.3)
    provided.gate.set()
    wait_until(lambda: state(prober, made)[0] != "testing", "the end of a test that nobody waits for")
    assert state(prober, made) in (("active", "verified"), ("active", None))


def test_inactive_is_left_alone(prober: httpx.Client, provided: Provided) -> None:
    made = create(prober, provided.draft())
    ok(prober.put(f"{CONNECTIONS}/{made}", json={"status": "inactive"}))
    answer = prober.post(f"{CONNECTIONS}/{made}/test")
    assert answer.status_code == 409 and answer.json()["error_code"] == "connection_inactive", answer.text
    assert provided.scripted.visits == []
    assert state(prober, made) == ("inactive", "asserted")
    ok(prober.put(f"{CONNECTIONS}/{made}", json={"status": "active"}))
    assert str(look_again(prober, made)) == GOOD


def test_a_secret_goes_nowhere_else(prober: httpx.Client, provided: Provided) -> None:
    """The config points elsewhere: the key that was entered for the old place stays."""
    made = create(prober, provided.draft())
    elsewhere = Scripted()
    try:
        ok(prober.put(f"{CONNECTIONS}/{made}", json={"config": {"base_url": f"{elsewhere.url}/v1"}}))
        answer = prober.post(f"{CONNECTIONS}/{made}/test")
        assert answer.status_code == 409 and answer.json()["error_code"] == "secret_rebind_required", answer.text
        assert elsewhere.visits == []
    finally:
        elsewhere.close()


def test_what_a_person_says_and_what_is_found(prober: httpx.Client, provided: Provided) -> None:
    made = create(prober, provided.draft())
    for status in ("error", "expired", "testing", "active", "inactive", "expired"):
        shown = ok(prober.put(f"{CONNECTIONS}/{made}", json={"status": status}))
        assert (shown["status"], shown["status_reason"]) == (status, "asserted")
    assert str(look_again(prober, made)) == GOOD
    assert state(prober, made) == ("active", "verified")
    assert story(prober, made) == [
        "created",
        "status_changed active>error asserted",
        "status_changed error>expired asserted",
        "status_changed expired>testing asserted",
        "status_changed testing>active asserted",
        "status_changed active>inactive asserted",
        "status_changed inactive>expired asserted",
        "test_started",
        "status_changed expired>testing test_started",
        "tested",
        "status_changed testing>active verified",
        "recovered",
    ]


# Evidence


def test_a_timeline_with_its_evidence(prober: httpx.Client, probe_tenant: Tenant, provided: Provided) -> None:
    made = create(prober, provided.draft())
    look_again(prober, made)
    provided.key = "another-key"
    answer = prober.post(f"{CONNECTIONS}/{made}/test", headers={"X-Request-Id": "e2e-request-1"})
    assert answer.headers["X-Request-Id"] == "e2e-request-1"

    page = timeline(prober, made)
    shown = read(prober, made)
    assert page["status"] == {
        "status": "error",
        "reason_code": "credential_rejected",
        "since": shown["status_since"],
    }
    assert page["next_cursor"] is None
    assert story(prober, made) == [
        "created",
        "test_started",
        "status_changed active>testing test_started",
        "tested",
        "status_changed testing>active verified",
        "test_started",
        "status_changed active>testing test_started",
        "tested",
        "status_changed testing>error credential_rejected",
    ]
    change, tested, *_ = page["entries"]
    assert change["actor"] == tested["actor"] == probe_tenant.key_id
    assert change["request_id"] == tested["request_id"] == "e2e-request-1"
    evidence = {
        "reason_code": "credential_rejected",
        "layer": "auth",
        "http_status": 401,
        "provider_code": "invalid_api_key",
    }
    assert tested["data"] == {"verdict": "invalid", **evidence}
    assert evidence.items() <= change["data"].items()
    assert [entry["sequence"] for entry in page["entries"]] == list(range(len(page["entries"]), 0, -1))


def test_a_timeline_by_pages(prober: httpx.Client, provided: Provided) -> None:
    made = create(prober, provided.draft())
    for _ in range(3):
        look_again(prober, made)
    whole = timeline(prober, made)["entries"]
    paged: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 5}
    while True:
        page = timeline(prober, made, **query)
        assert len(page["entries"]) <= 5
        paged += page["entries"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert paged == whole and len(whole) > 10
    for wrong in ({"cursor": "x"}, {"at": "yesterday"}, {"limit": 0}, {"skip": 1}):
        assert prober.get(f"{CONNECTIONS}/{made}/timeline", params=wrong).status_code == 422, wrong


def test_the_state_at_an_instant(prober: httpx.Client, provided: Provided) -> None:
    made = create(prober, provided.draft())
    look_again(prober, made)
    provided.outage = Reply.json({}, 401)
    look_again(prober, made)
    ok(prober.put(f"{CONNECTIONS}/{made}", json={"status": "inactive"}))
    ok(prober.put(f"{CONNECTIONS}/{made}", json={"status": "active"}))

    changes = [entry for entry in timeline(prober, made)["entries"] if "to" in entry["data"]]
    for newer, entry in zip([None, *changes], changes, strict=False):
        if newer is not None and newer["at"] == entry["at"]:
            continue
        page = timeline(prober, made, at=entry["at"])
        assert page["status"]["status"] == entry["data"]["to"], entry
        assert page["entries"][0]["at"] <= entry["at"]
        # Until just before the next one.
        if newer is not None:
            last = moment(newer["at"]) - datetime.timedelta(microseconds=1)
            page = timeline(prober, made, at=last.isoformat().replace("+00:00", "Z"))
            assert page["status"]["status"] == entry["data"]["to"], entry
    before = timeline(prober, made, at="2020-01-01T00:00:00Z")
    assert before == {"status": None, "entries": [], "next_cursor": None}
    now = timeline(prober, made, at="2099-01-01T00:00:00Z")
    assert now == timeline(prober, made)


def test_a_grant_that_is_gone(prober: httpx.Client, scripted: Scripted) -> None:
    """The provider's own word for it, by the catalog's data; what is expired stays so until it is seen to work."""
    probes.define_acme(prober)
    scripted.on("GET", "/me", Reply.json({"error": {"code": "token_revoked"}}, 403))
    made = create(prober, probes.acme(scripted.url))
    assert str(look_again(prober, made)) == "invalid grant_gone: connect http auth!"
    assert state(prober, made) == ("expired", "grant_gone")
    scripted.on("GET", "/me", Reply.json({"error": {"code": "wrong_key"}}, 401))
    assert str(look_again(prober, made)) == REFUSED
    assert state(prober, made) == ("expired", "credential_rejected")
    scripted.on("GET", "/me", Reply.json({"user": {"id": 1, "email": "ada@acme.example"}}))
    assert look_again(prober, made).body["verdict"] == "valid"
    assert state(prober, made) == ("active", "verified")
    told = story(prober, made)
    assert told.count("needs_reauthorization") == 1 and told.count("recovered") == 1


def test_oauth(oauth_tenant: Tenant, authlib: Provider) -> None:
    """A token that the provider no longer takes is exchanged; only where that fails, the grant is gone."""
    config = {**endpoints(authlib, "oauth2"), "test_url": f"{authlib.base_url}/me"}
    app = register_app(oauth_tenant, authlib, config=config)
    client = oauth_tenant.client
    made = app.connect("alice", config={"test_url": config["test_url"]})
    told = look_again(client, made)
    assert str(told) == "valid verified: connect http auth", read(client, made)
    app.registration.withdraw()
    told = look_again(client, made)
    assert str(told) == "invalid needs_reauthorization: auth!"
    # The refresh found it out, and says what the provider said.
    assert state(client, made) == ("expired", "invalid_grant")
    assert story(client, made).count("needs_reauthorization") == 1
    assert str(look_again(client, made)) == "invalid needs_reauthorization: auth!"
    assert read(client, made)["status"] == "expired"
    assert story(client, made).count("needs_reauthorization") == 1


# Identity


def test_another_account(prober: httpx.Client, scripted: Scripted) -> None:
    probes.define_acme(prober)

    def account(number: int, email: str) -> None:
        scripted.on("GET", "/me", Reply.json({"user": {"id": number, "email": email}}))

    account(1, "ada@acme.example")
    made = create(prober, probes.acme(scripted.url))
    assert look_again(prober, made).body["identity"] == {"label": "ada@acme.example", "changed": False}
    # A person who moves is the same one.
    account(1, "ada@new.example")
    assert look_again(prober, made).body["identity"] == {"label": "ada@new.example", "changed": False}
    assert "identity_changed" not in story(prober, made)
    account(2, "bob@acme.example")
    assert look_again(prober, made).body["identity"] == {"label": "bob@acme.example", "changed": True}
    assert look_again(prober, made).body["identity"] == {"label": "bob@acme.example", "changed": False}
    assert story(prober, made).count("identity_changed") == 1
    assert state(prober, made) == ("active", "verified")


def test_the_account_of_a_database(prober: httpx.Client, postgres: PostgresServer) -> None:
    postgres.show(None)
    made = create(prober, probes.postgresql(postgres.uri()))
    assert look_again(prober, made).body["identity"] == {"label": "alice@shop", "changed": False}
    credential = read(prober, made)["credential_id"]
    ok(prober.put(f"{CREDENTIALS}/{credential}", json={"data": {"connection_string": postgres.uri("narrow")}}))
    assert look_again(prober, made).body["identity"] == {"label": "narrow@shop", "changed": True}
    assert "identity_changed" in story(prober, made)


def test_the_name_of_an_mcp_server(prober: httpx.Client, mcp_servers: McpServers) -> None:
    made = create(prober, probes.mcp(mcp_servers.url("protected"), mcp_servers.token))
    assert look_again(prober, made).body["identity"] == {"label": "Protected desk", "changed": False}


# A crash


def test_killed_in_the_middle_of_a_test(
    make_server: Callable[..., Server], probe_environment: dict[str, str], provided: Provided
) -> None:
    """What was being tested is, after a crash, what it was before: neither `testing` for ever nor anything made up."""
    server = make_server(probe_environment).start()
    tenant = make_tenant(server)
    client = tenant.client
    healthy, broken = create(client, provided.draft()), create(client, provided.draft("sk-wrong-0123456789"))
    look_again(client, healthy)
    look_again(client, broken)
    asserted = create(client, provided.draft())
    ok(client.put(f"{CONNECTIONS}/{asserted}", json={"status": "testing"}))
    before = [read(client, made) for made in (healthy, broken)]
    provided.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(client.post, f"{CONNECTIONS}/{made}/test") for made in (healthy, broken)]
        wait_until(lambda: all(state(client, made)[0] == "testing" for made in (healthy, broken)), "two tests")
        server.kill()
        for test in running:
            assert isinstance(test.exception(PATIENCE), httpx.TransportError)
    provided.gate.set()
    client.close()

    server.start()
    with server.client(tenant.key) as client:
        wait_until(lambda: state(client, healthy)[0] != "testing", "a test undone")
        wait_until(lambda: state(client, broken)[0] != "testing", "another test undone")
        for made, earlier in zip((healthy, broken), before, strict=True):
            shown = read(client, made)
            for key in ("status", "status_reason", "status_since", "last_checked_at"):
                assert shown[key] == earlier[key], key
            undone = timeline(client, made)["entries"][0]
            assert undone["actor"] == "system"
            assert undone["data"]["reason_code"] == "test_interrupted"
        # Nobody but the person who said so takes back what a person said.
        assert state(client, asserted) == ("testing", "asserted")
        assert str(look_again(client, healthy)) == GOOD
    assert server.stop() == 0


def test_stopped_in_the_middle_of_a_test(
    make_server: Callable[..., Server], probe_environment: dict[str, str], provided: Provided
) -> None:
    """An orderly end waits for no peer for long, and leaves what a crash does."""
    server = make_server(probe_environment).start()
    tenant = make_tenant(server)
    made = create(tenant.client, provided.draft())
    provided.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(tenant.client.post, f"{CONNECTIONS}/{made}/test")
        provided.await_visitor()
        threading.Timer(0.5, provided.gate.set).start()
        assert server.stop() == 0
        running.exception(PATIENCE)
    tenant.client.close()
    server.start()
    with server.client(tenant.key) as client:
        wait_until(lambda: state(client, made)[0] == "active", "active, as before")
    assert server.stop() == 0


# Without saving


def test_validate_live(prober: httpx.Client, probe_tenant: Tenant, probe_server: Server, provided: Provided) -> None:
    which = {"integration_id": "openai-compatible", "auth_method_id": "api_key"}

    def validate(key: str, **query: Any) -> dict[str, Any]:
        body = {name: provided.draft(key)[name] for name in ("credentials", "config")}
        return ok(prober.post(probes.VALIDATE, params={**which, **query}, json=body))

    # Without it nobody is asked, and the answer is the one of the contract.
    assert validate("sk-wrong-0123456789") == {"valid": True, "errors": []}
    assert provided.scripted.visits == []
    good = validate(provided.key, live="true")
    probes.check(good["live"])
    assert (good["valid"], good["errors"], good["live"]["verdict"]) == (True, [], "valid")
    bad = validate("sk-wrong-0123456789", live="true")
    assert (bad["valid"], bad["errors"]) == (False, [bad["live"]["message"]])
    provided.outage = Reply(500)
    unknown = validate(provided.key, live="true")
    assert (unknown["valid"], unknown["errors"], unknown["live"]["verdict"]) == (True, [], "inconclusive")
    # What is wrong by itself is not sent anywhere.
    visits = len(provided.scripted.visits)
    missing = ok(prober.post(probes.VALIDATE, params={**which, "live": "true"}, json={"credentials": {}}))
    assert missing["valid"] is False and missing["errors"] and missing["live"] is None
    assert len(provided.scripted.visits) == visits
    with client_with(probe_server, probe_tenant, "read") as reader:
        body = {"credentials": {}, "config": {}}
        assert reader.post(probes.VALIDATE, params=which, json=body).status_code == 200
        assert reader.post(probes.VALIDATE, params={**which, "live": "true"}, json=body).status_code == 403


def test_who_may_test(prober: httpx.Client, probe_server: Server, probe_tenant: Tenant, provided: Provided) -> None:
    made = create(prober, provided.draft())
    with client_with(probe_server, probe_tenant, "read") as reader:
        assert reader.post(f"{CONNECTIONS}/{made}/test").status_code == 403
        assert reader.post(probes.TEST, json=provided.draft()).status_code == 403
        assert timeline(reader, made)["entries"]
    credential = read(prober, made)["credential_id"]
    borrowed = {**provided.draft(), "credential_id": credential}
    del borrowed["credentials"]
    with client_with(probe_server, probe_tenant, "read", "write") as writer:
        # Somebody's secret is not sent where another points it to.
        assert writer.post(probes.TEST, json=borrowed).status_code == 403
    assert provided.scripted.visits == []
    assert str(probes.told(prober.post(probes.TEST, json=borrowed))) == GOOD


def test_nothing_is_left_of_what_is_not_saved(prober: httpx.Client, provided: Provided) -> None:
    look(prober, provided.draft())
    assert ok(prober.get(CONNECTIONS))["total"] == 0
    assert ok(prober.get(CREDENTIALS))["total"] == 0


def test_too_many_tests(
    prober: httpx.Client, probe_tenant: Tenant, probe_server: Server, hostile: Callable[..., Hostile]
) -> None:
    """A workspace has thirty at once, and one a second after that; another one's are its own."""
    draft = probes.model(f"http://{hostile('answers 500').address}/v1")
    answers = [prober.post(probes.TEST, json=draft) for _ in range(34)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:30] == [200] * 30 and 429 in statuses[30:], statuses
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 5
    # All doors to it are one, for all keys of the workspace.
    with probe_server.client(create_key(probe_tenant.client)["secret"]) as other_key:
        which = {"integration_id": "openai-compatible", "live": "true"}
        body = {name: draft[name] for name in ("credentials", "config")}
        made = create(prober, draft)
        for ask in (
            lambda: other_key.post(probes.TEST, json=draft),
            lambda: other_key.post(probes.VALIDATE, params=which, json=body),
            lambda: other_key.post(f"{CONNECTIONS}/{made}/test"),
        ):
            # One may have come back meanwhile, and a second one not.
            assert 429 in {ask().status_code for _ in range(3)}
        # What is wrong by itself costs nothing.
        broken = {**draft, "credentials": {}}
        assert other_key.post(probes.TEST, json=broken).status_code in (422, 429)
    neighbour = make_tenant(probe_server)
    assert neighbour.client.post(probes.TEST, json=draft).status_code == 200
    neighbour.client.close()
    time.sleep(int(refused.headers["Retry-After"]) + 0.1)
    assert 200 in {prober.post(probes.TEST, json=draft).status_code for _ in range(2)}
