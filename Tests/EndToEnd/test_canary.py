"""Secrets of every kind are planted, everything is done with them, right and wrong, and then they are looked for.

The store, the log, the metrics and every answer are searched: raw, base64 at three offsets, hex, percent-encoded,
JSON-escaped. The one place where a secret may stand is the answer that creates an API key.
"""

import base64
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from support import fields, tokens
from support.api import API, CONNECTIONS, CREDENTIALS, EVERYTHING, KEYS, WORKSPACES, never_an_id, ok
from support.canary import Ears, Nest
from support.server import Server

MASK = "********"
JSON = {"Content-Type": "application/json"}


class Scene:
    """A server whose every secret is a canary, and the clients that act on it."""

    def __init__(self, server: Server, nest: Nest, jwt_secret: str, stack: ExitStack):
        self.server, self.nest, self.jwt_secret, self.stack = server, nest, jwt_secret, stack
        self.ears = Ears()
        # Sent once, in the answer that creates it, which is therefore not heard.
        with server.admin() as admin:
            self.workspace = ok(admin.post(WORKSPACES, json={"name": "Canary"}))["id"]
        with server.admin(self.workspace) as admin:
            self.key = self.new_key(admin)
        self.admin = self.heard(server.bootstrap_key, self.workspace)
        self.client = self.heard(self.key)

    def heard(self, key: str | None, workspace: str | None = None) -> httpx.Client:
        return self.stack.enter_context(self.server.client(key, workspace, event_hooks=self.ears.hooks))

    def new_key(self, client: httpx.Client) -> str:
        made = ok(client.post(KEYS, json={"label": "canary", "permissions": EVERYTHING}))
        secret = made.pop("secret")
        self.nest.plant("the secret of an API key", secret)
        assert self.nest.found_in("the rest of the answer", json.dumps(made).encode()) == []
        return secret

    def expect(self, response: httpx.Response, *statuses: int) -> None:
        assert response.status_code in statuses, (response.request.url, response.status_code, response.text)


@pytest.fixture
def scene(make_server: Callable[..., Server]) -> Iterator[Scene]:
    nest = Nest()
    master_key = secrets.token_bytes(32)
    jwt_secret = secrets.token_urlsafe(48)
    nest.plant("the master key", master_key)
    nest.plant("the master key as it was given", base64.b64encode(master_key).decode())
    nest.plant("the JWT secret", jwt_secret)
    server = make_server(
        {
            "PATCHBAY_MASTER_KEY": base64.b64encode(master_key).decode(),
            "PATCHBAY_JWT_SECRET": jwt_secret,
            "PATCHBAY_JWT_ISSUER": tokens.ISSUER,
            "PATCHBAY_JWT_AUDIENCE": tokens.AUDIENCE,
            # Whatever anybody might log is asked for.
            "PATCHBAY_LOG_LEVEL": "trace",
        }
    )
    nest.plant("the bootstrap key", server.bootstrap_key)
    with ExitStack() as stack:
        yield Scene(server.start(), nest, jwt_secret, stack)


def test_no_secret_comes_out(scene: Scene, tmp_path: Path) -> None:
    server, nest = scene.server, scene.nest
    control = plant_a_control(scene)

    planted = plant_in_every_integration(scene)
    assert planted >= 12, "secrets of few integrations only were planted"
    plant_in_free_form(scene)
    plant_in_credentials(scene)
    plant_where_they_do_not_belong(scene)
    plant_in_the_head(scene)
    plant_user_tokens(scene)
    scene.new_key(server.client(scene.key))
    for path in ("/metrics", "/health/ready", "/openapi.json", f"{API}/auth/session", KEYS, CONNECTIONS, CREDENTIALS):
        scene.expect(scene.client.get(path), 200)
    for path in (f"{API}/expirations", f"{API}/webhooks", f"{API}/oauth/apps"):
        scene.expect(scene.client.get(path), 200)
    assert read_all_events(scene) > 100

    backup = tmp_path / "backup" / "copy.db"
    backup.parent.mkdir()
    for command in (["backup", str(backup)], ["keys", "list", "--json"], ["workspaces", "list", "--json"]):
        done = server.command(*command)
        assert done.returncode == 0, done.stderr
        scene.ears.heard.append((" ".join(command[:2]), (done.stdout + done.stderr).encode()))

    def sights() -> list[str]:
        return (
            [sight for where, content in scene.ears.heard for sight in nest.found_in(where, content, answer=True)]
            + nest.found_in("the log", server.log().encode())
            + nest.found_under(server.data)
            + nest.found_under(backup.parent)
        )

    # While it runs the newest rows are in the write-ahead log, afterwards in the database.
    running = sights()
    assert server.stop() == 0
    stopped = sights()
    server.start()
    server.kill()
    everything = running + stopped + sights()
    assert not everything, "\n".join(everything[:50])

    # The search finds what is there: the same text as a label is in the store and in answers.
    assert control.found_under(server.data) != []
    assert any(control.found_in(where, content) for where, content in scene.ears.heard)
    assert len(scene.ears.heard) > 150


def read_all_events(scene: Scene) -> int:
    """All that the workspace's journal tells to the outside. Returns how many events there were."""
    count, query = 0, {"limit": 1000}
    while True:
        page = ok(scene.client.get(f"{API}/events", params=query))
        count += len(page["events"])
        if not page["has_more"]:
            return count
        query["cursor"] = page["next_cursor"]


def plant_a_control(scene: Scene) -> Nest:
    control = Nest()
    body = {
        "integration": "e2e-thing",
        "integration_type": "custom",
        "label": control.core("a label, which is no secret"),
    }
    ok(scene.client.post(CONNECTIONS, json=body))
    return control


# The catalog


def plant_in_every_integration(scene: Scene) -> int:
    """Connects everything that the catalog knows in every way it knows, and gets each of them wrong as well."""
    planted = 0
    for integration in ok(scene.client.get(f"{API}/integrations"))["integrations"]:
        if integration["type"] == "custom":
            continue
        for method in integration["auth_methods"]:
            connect(scene, integration, method)
            planted += any(field["secure"] for field in method["fields"])
    return planted


def values(scene: Scene, place: str, described: list[dict[str, Any]]) -> dict[str, Any]:
    """A valid value for every field; the secure ones are planted."""
    result = {}
    for field in described:
        nest = scene.nest if field.get("secure") else Nest()
        result[field["key"]] = fields.value_for(field, nest.core(f"{place}.{field['key']}"))
    return result


def connect(scene: Scene, integration: dict[str, Any], method: dict[str, Any]) -> None:
    client = scene.client
    place = f"{integration['id']}/{method['id']}"
    config_fields = integration.get("config_fields", [])
    secure = [field for field in config_fields if field.get("secure")]

    def body(**changes: Any) -> dict[str, Any]:
        return {
            "integration": integration["id"],
            "integration_type": integration["type"],
            "auth_method_id": method["id"],
            "credentials": values(scene, f"{place} credentials", method["fields"]),
            "config": values(scene, f"{place} config", config_fields),
            **changes,
        }

    made = ok(client.post(CONNECTIONS, json=body()))
    address = f"{CONNECTIONS}/{made['id']}"
    assert {field["key"]: made["config"].get(field["key"]) for field in secure} == {f["key"]: MASK for f in secure}
    ok(client.get(address, params={"include_credential": "true"}))
    # The mask that was shown keeps what is stored; a new value replaces it.
    ok(client.put(address, json={"config": made["config"]}))
    ok(client.put(address, json={"config": values(scene, f"{place} new config", config_fields)}))
    ok(
        client.put(
            f"{CREDENTIALS}/{made['credential_id']}", json={"data": values(scene, f"{place} data", method["fields"])}
        )
    )
    ok(client.get(f"{CREDENTIALS}/{made['credential_id']}"))

    ok(client.put(address, json={"status": "error"}))
    ok(client.get(f"{address}/timeline"))

    validate = {"integration_id": integration["id"], "auth_method_id": method["id"]}
    good = body()
    ok(client.post(f"{CONNECTIONS}/validate", params=validate, json={n: good[n] for n in ("credentials", "config")}))
    for key, value in [*good["credentials"].items(), *((f["key"], good["config"][f["key"]]) for f in secure)]:
        if not isinstance(value, str):
            continue
        # One field wrong in every way, the others right.
        inside = "credentials" if key in good["credentials"] else "config"
        for wrong in (value * 400, [value], {"value": value}, {"value": {"deeper": [value]}}):
            attempt = {**good, inside: {**good[inside], key: wrong}}
            answer = client.post(CONNECTIONS, json=attempt)
            # Long is wrong only where the catalog sets a limit.
            scene.expect(answer, 422, *([200] if wrong == value * 400 else []))
            ok(
                client.post(
                    f"{CONNECTIONS}/validate", params=validate, json={n: attempt[n] for n in ("credentials", "config")}
                )
            )
            client.put(f"{CREDENTIALS}/{made['credential_id']}", json={"data": {key: wrong}})
        misspelt = {**good["credentials"], f"{key}s": value}
        misspelt.pop(key, None)
        scene.expect(client.post(CONNECTIONS, json={**good, "credentials": misspelt}), 422)
    for wrong_body in (
        body(integration_type="nonsense"),
        body(integration="nonsense"),
        body(auth_method_id="nonsense"),
    ):
        scene.expect(client.post(CONNECTIONS, json=wrong_body), 422)


# Outside the catalog


def plant_in_free_form(scene: Scene) -> None:
    nest, client = scene.nest, scene.client
    custom = {"integration": "e2e-free", "integration_type": "custom"}
    awkward = {
        "plain": nest.core("custom: plain"),
        "quoted": f'"{nest.core("custom: quoted")}"\\/\n\té\u2028\U0001f600\0',
        "number as text": f"0{nest.core('custom: number')}",
        f"key {secrets.token_hex(4)}": nest.core("custom: any key"),
    }
    made = ok(client.post(CONNECTIONS, json={**custom, "credentials": awkward}))
    ok(client.put(f"{CONNECTIONS}/{made['id']}", json={"status": "error", "config": {"a": 1}}))
    kept = {"plain": MASK, "quoted": nest.core("custom: replaced"), "number as text": None}
    ok(client.put(f"{CREDENTIALS}/{made['credential_id']}", json={"data": kept}))
    duplicate = {**custom, "external_id": "twice", "credentials": {"token": nest.core("custom: conflict")}}
    ok(client.post(CONNECTIONS, json=duplicate))
    scene.expect(client.post(CONNECTIONS, json=duplicate), 409)
    ok(client.get(f"{CONNECTIONS}/{made['id']}", params={"include_credential": "true"}))
    scene.expect(client.delete(f"{CONNECTIONS}/{made['id']}"), 204)


def plant_in_credentials(scene: Scene) -> None:
    nest, client = scene.nest, scene.client
    body = {"label": "kept", "auth_type": "api_key", "data": {"api_key": nest.core("credential: data")}}
    made = ok(client.post(CREDENTIALS, json=body))
    address = f"{CREDENTIALS}/{made['id']}"
    ok(
        client.put(
            address, json={"data": {"api_key": nest.core("credential: new"), "more": nest.core("credential: more")}}
        )
    )
    for wrong in (nest.core("credential: text"), [nest.core("credential: list")], 5):
        scene.expect(client.put(address, json={"data": wrong}), 422)
        scene.expect(client.post(CREDENTIALS, json={**body, "data": wrong}), 422)
    # A missing field is reported with the whole body in FastAPI, which must not be so here.
    scene.expect(client.post(CREDENTIALS, json={"data": {"api_key": nest.core("credential: no label")}}), 422)
    scene.expect(client.put(address, json={"label": 5, "data": {"api_key": nest.core("credential: bad label")}}), 422)
    stale = {"If-Match": '"0"'}
    scene.expect(client.put(address, json={"data": {"api_key": nest.core("credential: stale")}}, headers=stale), 412)
    unknown = f"{CREDENTIALS}/{never_an_id('cred')}"
    scene.expect(client.put(unknown, json={"data": {"api_key": nest.core("credential: unknown id")}}), 404)
    ok(client.get(CREDENTIALS, params={"search": "kept"}))
    scene.expect(client.delete(address), 204)


def plant_where_they_do_not_belong(scene: Scene) -> None:
    """Bodies that are refused before anybody has understood them."""
    nest, client = scene.nest, scene.client
    made = ok(client.post(CONNECTIONS, json={"integration": "e2e-thing", "integration_type": "custom"}))
    address = f"{CONNECTIONS}/{made['id']}"

    def wrongly(body: str, *statuses: int, headers: dict[str, str] = JSON) -> None:
        for method, path in (("POST", CONNECTIONS), ("PUT", address), ("POST", CREDENTIALS), ("POST", KEYS)):
            answer = client.request(method, path, content=body, headers=headers)
            scene.expect(answer, *statuses)

    wrongly(json.dumps([nest.core("body: list")]), 422)
    wrongly(json.dumps(nest.core("body: text")), 422)
    wrongly('{"credentials":{"token":"' + nest.core("body: cut off"), 422)
    wrongly('{"token":' + nest.core("body: bare word") + "}", 422)
    wrongly("token=" + nest.core("body: form"), 415, headers={"Content-Type": "application/x-www-form-urlencoded"})
    # The answer to what is too large may be lost with the connection; tests of HTTP see to it, not this one.
    with suppress(httpx.TransportError):
        wrongly(json.dumps({"x": nest.core("body: too large") * 50_000}), 413)
    for method in ("PATCH", "POST"):
        body = json.dumps({"token": nest.core(f"body of a {method}")})
        scene.expect(client.request(method, address, content=body, headers=JSON), 405)

    for name in ("config", "metadata", "tags", "credentials"):
        text = nest.core(f"{name} as text")
        wrong = {"integration": "slack", "integration_type": "connectors", name: text}
        scene.expect(client.post(CONNECTIONS, json=wrong), 422)
        if name != "credentials":
            scene.expect(client.put(address, json={name: text}), 422)
    # These hold no secret by their nature: the sender may be shown them, but nobody keeps them.
    for name in ("label", "status", "external_id"):
        wrong_value = {"token": nest.core(f"{name} as an object", echo_allowed=True)}
        scene.expect(client.put(address, json={name: wrong_value}), 422)
    both = {"integration": "slack", "integration_type": "connectors", "credential_id": made["credential_id"]}
    scene.expect(client.post(CONNECTIONS, json={**both, "credentials": {"bot_token": nest.core("both ways")}}), 422)
    scene.expect(client.post(CONNECTIONS, json={"credentials": {"bot_token": nest.core("no integration")}}), 422)
    longer = {"integration": "slack", "integration_type": "connectors", "label": "x" * 256}
    scene.expect(client.post(CONNECTIONS, json={**longer, "credentials": {"bot_token": nest.core("long label")}}), 422)


def plant_in_the_head(scene: Scene) -> None:
    """Paths, queries and headers."""
    nest, client = scene.nest, scene.client
    for path in (CONNECTIONS, CREDENTIALS, KEYS, WORKSPACES, f"{API}/integrations", f"{API}/nowhere", ""):
        scene.expect(client.get(f"{path}/{nest.core('path')}"), 404)
    for query in ("search", "external_id", "tag", "user_id", "integration", "unknown"):
        ok(client.get(CONNECTIONS, params={query: nest.core(f"query {query}", echo_allowed=True)}))
    for query in ("limit", "skip", "cursor", "status", "integration_type"):
        scene.expect(client.get(CONNECTIONS, params={query: nest.core(f"query {query}", echo_allowed=True)}), 422)
    for name in ("User-Agent", "Cookie", "Referer", "X-Forwarded-For", "X-Unknown", "If-None-Match", "Accept"):
        ok(client.get(CONNECTIONS, headers={name: nest.core(f"header {name}")}))
    ok(client.get(CONNECTIONS, headers={"X-Request-Id": f"not a sane id {nest.core('header X-Request-Id')}"}))
    scene.expect(client.get(CONNECTIONS, headers={"X-Workspace-Id": nest.core("header X-Workspace-Id")}), 404)
    content_type = {"Content-Type": f"text/{nest.core('header Content-Type')}"}
    scene.expect(client.post(CONNECTIONS, content="{}", headers=content_type), 415)
    for header in (
        {"Authorization": f"Bearer {nest.core('a wrong key')}"},
        {"Authorization": f"Basic {nest.core('a basic password')}"},
        {"Authorization": nest.core("no scheme")},
        {"X-API-Key": nest.core("another key beside the right one")},
        {"Authorization": f"Bearer pbk_{never_an_id('')[1:]}_{nest.core('a key of our form')}"},
        {"Authorization": f"Bearer {scene.key}x"},
    ):
        scene.expect(client.get(CONNECTIONS, headers=header), 401)


def plant_user_tokens(scene: Scene) -> None:
    """A token's signature is what must not be seen: without it the rest opens nothing."""

    def token(payload: dict[str, Any], secret: str = scene.jwt_secret) -> str:
        signed = tokens.sign(payload, secret)
        scene.nest.plant("the signature of a user's token", signed.rsplit(".", 1)[1])
        return signed

    good = token(tokens.claims(scene.workspace, permissions=("read", "write", "secrets")))
    for prefix in ("", "supabase_"):
        user = scene.heard(prefix + good)
        ok(user.get(f"{API}/auth/session"))
        ok(user.get(CONNECTIONS))
        body = {"integration": "e2e-thing", "integration_type": "custom"}
        ok(user.post(CONNECTIONS, json={**body, "credentials": {"t": scene.nest.core("a user's secret")}}))
    wrong = [
        token(tokens.claims(scene.workspace, exp=1)),
        token(tokens.claims(scene.workspace, role="anon")),
        token(tokens.claims(scene.workspace), "another secret, which is also long enough"),
    ]
    for signed in wrong:
        scene.expect(scene.heard(signed).get(CONNECTIONS), 401)


# What surrounds the store


def test_the_process_keeps_to_itself(scene: Scene) -> None:
    """umask 077, nothing that others may read, and no core dump to hold a key."""
    server = scene.server
    status = Path(f"/proc/{server.pid}/status").read_text()
    assert re.search(r"^Umask:\s+0077$", status, re.MULTILINE)
    limits = Path(f"/proc/{server.pid}/limits").read_text()
    assert re.search(r"^Max core file size\s+0\s+0\s", limits, re.MULTILINE)
    assert server.data.stat().st_mode & 0o777 == 0o700
    for path in server.data.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_key_made_by_the_server_is_in_no_other_file(make_server: Callable[..., Server], tmp_path: Path) -> None:
    """The generated master key and the bootstrap key stand each in one file of their own, and only there."""
    server = make_server({"PATCHBAY_BOOTSTRAP_API_KEY": None}).start()
    bootstrap_file = server.data / "bootstrap-api-key"
    bootstrap_key = bootstrap_file.read_text().strip()
    with server.client(bootstrap_key) as client:
        body = {"integration": "e2e-thing", "integration_type": "custom", "credentials": {"t": "x"}}
        ok(client.post(CONNECTIONS, json=body))
    nest = Nest()
    nest.plant("the bootstrap key", bootstrap_key)
    keys = {path: key for path in server.data.iterdir() if (key := _master_key(path))}
    assert len(keys) == 1, list(keys)
    for key in keys.values():
        nest.plant("the master key", key)
    assert {path.stat().st_mode & 0o777 for path in (bootstrap_file, *keys)} == {0o600}
    assert nest.found_under(server.data, except_files=[bootstrap_file, *keys]) == []
    assert nest.found_in("the log", server.log().encode()) == []


def _master_key(path: Path) -> bytes | None:
    """The 32 bytes that a small file holds as base64, if that is what it holds."""
    if not path.is_file() or not 0 < path.stat().st_size < 200:
        return None
    try:
        key = base64.b64decode(path.read_text().strip(), validate=True)
    except ValueError:
        return None
    return key if len(key) == 32 else None


class TestTheSearch:
    """The search itself: what is hidden in a text in any of the promised ways is found."""

    @pytest.mark.parametrize("before", ["", "a", "ab", "abc", '{"token":"'])
    @pytest.mark.parametrize("after", ["", "z", "zz", '"}'])
    @pytest.mark.parametrize("style", [str, str.lower, str.upper])
    def test_finds_every_form(self, before: str, after: str, style: Callable[[str], str]) -> None:
        nest = Nest()
        secret = style(nest.core("here"))
        whole = (before + secret + after).encode()
        escaped = "".join(f"\\u{ord(character):04x}" for character in secret)
        for hidden in (
            *(whole, whole.hex().encode(), whole.hex().upper().encode()),
            *(base64.b64encode(whole), base64.urlsafe_b64encode(whole), base64.b64encode(whole[:-4])),
            *(quote(whole).encode(), "".join(f"%{byte:02X}" for byte in whole).encode(), escaped.encode()),
        ):
            (sight, *_) = nest.found_in("there", b"before " + hidden + b" after")
            assert sight.startswith(("here: ", "a part of a secret: ")) and secret not in sight

    def test_finds_bytes(self) -> None:
        key = bytes(range(200, 232))
        nest = Nest()
        nest.plant("here", key)
        for hidden in (
            b"x" + key,
            base64.b64encode(key),
            base64.urlsafe_b64encode(b"?" + key + b"?"),
            json.dumps(list(key), separators=(",", ":")).encode(),
        ):
            assert nest.found_in("there", hidden)

    def test_finds_nothing_in_something_else(self) -> None:
        nest = Nest()
        nest.core("here")
        nest.plant("there", secrets.token_bytes(32))
        assert nest.found_in("", os.urandom(1_000_000) + Nest().core("elsewhere").encode()) == []

    def test_what_the_sender_may_see_again(self) -> None:
        nest = Nest()
        text = nest.core("a query", echo_allowed=True).encode()
        assert nest.found_in("an answer", text, answer=True) == []
        assert nest.found_in("the log", text) != []
