"""Hostile peers send back what they were shown, in every place and in every dress, and it is looked for everywhere.

In answers to tests, timelines, events and their stream, webhooks as they arrive, the log of deliveries, the log and the
store. A secret goes to the peer that it is for, and nowhere else.
"""

import base64
import contextlib
import json
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from support import probes
from support.api import API, CONNECTIONS, CREDENTIALS, Tenant, make_tenant, ok
from support.canary import Ears, Nest
from support.hostile import Hostile
from support.probes import EVENTS, VALIDATE, WEBHOOKS, Draft
from support.scripted import Reply, Scripted, Visit
from support.server import Server, wait_until

# How a peer may write what it was shown.
DRESSES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "in Base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in Base64 of URLs": lambda secret: base64.urlsafe_b64encode(f"a{secret}".encode()).decode().rstrip("="),
    "in hex": lambda secret: secret.encode().hex(),
    "quoted for URLs": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "a piece": lambda secret: f"key-{secret[:16]}",
    "in the middle": lambda secret: f"The key {secret} is wrong",
}
ANSWERS = (200, 401, 403)
# Of these, one dress says all.
RARE_ANSWERS = (302, 400, 404, 429, 500, 503)


class Echo:
    """An HTTP server that answers with what it was told to say, wherever any protocol has a place for words."""

    def __init__(self) -> None:
        self._server = Scripted()
        self.url = self._server.url

    def say(self, name: str, status: int, words: str) -> str:
        """Returns the base of all addresses below which it says that."""
        headers = self._headers(words)

        def answer(visit: Visit) -> Reply:
            return Reply(status, self._body(visit, words, status), headers)

        for method in ("GET", "POST", "DELETE", "HEAD"):
            for path in ("v1/models", "me", "graphql", "mcp", "e2e-bucket", "e2e", ""):
                self._server.on(method, f"/{name}/{path}".rstrip("/"), answer)
        return f"{self.url}/{name}"

    def close(self) -> None:
        self._server.close()

    def _headers(self, words: str) -> dict[str, str]:
        header = quote(words, safe=" /+=%-._~")
        return {
            "WWW-Authenticate": f'Bearer error="{header}", error_description="{header}"',
            "Location": f"{self.url}/elsewhere?token={quote(words)}",
            "Retry-After": header,
            "RateLimit": header,
            "x-amz-bucket-region": header,
            "x-ms-error-code": header,
            "x-ms-request-id": header,
            "Mcp-Session-Id": header,
            "Set-Cookie": f"session={quote(words)}",
            "X-Request-Id": header,
            "Server": header,
        }

    def _body(self, visit: Visit, words: str, status: int) -> bytes:
        if "x-amz-date" in {name.lower() for name in visit.headers} or "x-ms-version" in {
            name.lower() for name in visit.headers
        }:
            if status == 200:
                return f"<ListBucketResult><Name>{words}</Name></ListBucketResult>".encode()
            parts = "".join(f"<{tag}>{words}</{tag}>" for tag in ("Code", "Message", "Region", "AccessKeyId", "HostId"))
            return f"<Error>{parts}</Error>".encode()
        if visit.path.endswith("/mcp"):
            return json.dumps(self._message(visit, words)).encode()
        error = {"code": words, "type": words, "message": words, "extensions": {"code": words}}
        good = {"object": "list", "data": [{"id": words, "name": words, "type": "model"}]}
        who = {"user": {"id": words, "email": words, "name": words}}
        return json.dumps({**good, **who, "error": error, "errors": [error], "type": words, "code": words}).encode()

    @staticmethod
    def _message(visit: Visit, words: str) -> dict[str, Any]:
        asked = json.loads(visit.body or b"{}")
        message = {"jsonrpc": "2.0", "id": asked.get("id")}
        info = {"name": words, "version": words, "title": words}
        match asked.get("method"):
            case "initialize":
                result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
                return {**message, "result": {**result, "instructions": words}}
            case "tools/list":
                return {**message, "result": {"tools": [{"name": words, "inputSchema": {}}], "nextCursor": words}}
        return {**message, "error": {"code": -32601, "message": words, "data": {"token": words}}}


def kinds(nest: Nest, place: str, say: Callable[[str], str]) -> dict[str, tuple[str, Callable[[str], Draft]]]:
    """The secret of one of each kind, and what makes it of an address. `say` gives the address where it is said."""

    def of(kind: str) -> str:
        return nest.core(f"{place}: {kind}")

    def s3(secret: str, url: str) -> Draft:
        config = {"bucket": "e2e-bucket", "region": "us-east-1", "endpoint": url, "force_path_style": True}
        key = {"access_key_id": "ASIA" + "E" * 16, "secret_access_key": secret, "session_token": secret}
        return probes.s3(config, key)

    def basic(secret: str, url: str) -> Draft:
        made = probes.custom_http(f"{url}/me")
        return {**made, "auth_method_id": "basic", "credentials": {"username": "ada", "password": secret}}

    def azure(secret: str, url: str) -> Draft:
        # An account key only signs; this is sent.
        signed = {"sas_token": f"sv=2024-11-04&sr=c&sp=rl&se=2099-01-01T00%3A00%3A00Z&sig={secret}"}
        return {**probes.azure(url), "auth_method_id": "sas", "credentials": signed}

    makers: dict[str, Callable[[str, str], Draft]] = {
        "models": lambda secret, url: probes.model(f"{url}/v1", secret),
        "config": lambda secret, url: probes.rest_api(f"{url}/me", secret),
        "basic": basic,
        "graphql": lambda secret, url: probes.graphql(url, secret),
        "request": lambda secret, url: probes.acme(url, secret),
        "mcp": lambda secret, url: probes.mcp(f"{url}/mcp", secret),
        "s3": s3,
        "azure": azure,
    }
    made = {}
    for kind, make in makers.items():
        secret = of(kind)
        made[kind] = (secret, lambda url, make=make, secret=secret: make(secret, url))
    return made


@dataclass
class Stage:
    """A server that hears everything, a receiver of webhooks, and the peers."""

    server: Server
    nest: Nest
    ears: Ears
    stack: ExitStack
    receiver: Scripted
    echo: Echo
    events: set[str] = field(default_factory=set)

    def tenant(self) -> tuple[Tenant, httpx.Client, str]:
        """A workspace whose events go to the receiver; its client is heard."""
        tenant = make_tenant(self.server)
        webhook = ok(tenant.client.post(WEBHOOKS, json={"url": f"{self.receiver.url}/hook", "events": ["*"]}))
        secret = webhook.pop("secret").removeprefix("whsec_")
        # What was not made here is looked for one by one, which takes long: a few tell what there is to tell.
        if len(self.nest.others) < 4:
            self.nest.plant("the secret of a webhook", secret)
        self.ears.heard.append(("a new webhook", json.dumps(webhook).encode()))
        tenant.client.close()
        client = self.stack.enter_context(self.server.client(tenant.key, event_hooks=self.ears.hooks))
        probes.define_acme(client)
        return tenant, client, webhook["id"]

    def listen_to_stream(self, tenant: Tenant, until: int) -> None:
        """The events of a workspace as they are streamed, from the first one on."""
        told = b""
        headers = {"Accept": "text/event-stream"}
        query = {"since": "2020-01-01T00:00:00Z"}
        with (
            self.server.client(tenant.key, headers=headers) as client,
            client.stream("GET", EVENTS, params=query) as stream,
        ):
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            for chunk in stream.iter_raw():
                told += chunk
                if told.count(b"\nid:") + told.startswith(b"id:") >= until:
                    break
        self.ears.heard.append(("the stream of events", told))

    def list_events(self, client: httpx.Client) -> int:
        told = ok(client.get(EVENTS, params={"limit": 1000}))
        assert told["has_more"] is False
        self.events |= {event["id"] for event in told["events"]}
        return len(told["events"])

    def await_webhooks(self) -> None:
        """Until every event that was listed has come."""

        def missing() -> set[str]:
            return self.events - {json.loads(visit.body)["id"] for visit in self.receiver.visited("/hook")}

        wait_until(lambda: not missing(), "webhooks of all events")

    def received(self) -> list[tuple[str, bytes]]:
        return [("a webhook", str(visit.headers).encode() + visit.body) for visit in self.receiver.visited("/hook")]


@pytest.fixture
def stage(make_server: Callable[..., Server], probe_environment: dict[str, str]) -> Iterator[Stage]:
    with ExitStack() as stack:
        receiver, echo = Scripted(), Echo()
        stack.callback(receiver.close)
        stack.callback(echo.close)
        receiver.on("POST", "/hook", Reply(204))
        server = make_server(probe_environment)
        nest = Nest()
        nest.plant("the bootstrap key", server.bootstrap_key)
        yield Stage(server.start(), nest, Ears(), stack, receiver, echo)


def test_no_peer_makes_us_say_a_secret(stage: Stage, tmp_path: Path) -> None:
    server, nest, ears = stage.server, stage.nest, stage.ears
    rounds = [(dress, status) for dress in DRESSES for status in ANSWERS]
    rounds += [("as it is", status) for status in RARE_ANSWERS]
    # A region is one by its characters alone.
    rounds += [("in small letters", 400), ("in hex", 400)]
    with ThreadPoolExecutor(4) as pool:
        tested = sum(pool.map(lambda number: one_round(stage, number, *rounds[number]), range(len(rounds))))
    assert tested == len(rounds) * 8
    without_saving(stage)
    databases(stage)
    control = plant_a_control(stage)
    stage.await_webhooks()
    with server.admin() as admin:
        ears.listen(admin.get("/metrics"))

    backup = tmp_path / "backup" / "copy.db"
    backup.parent.mkdir()
    done = server.command("backup", str(backup))
    assert done.returncode == 0, done.stderr

    def sights() -> list[str]:
        return (
            [sight for where, content in [*ears.heard, *stage.received()] for sight in nest.found_in(where, content)]
            + nest.found_in("the log", server.log().encode())
            + nest.found_under(server.data)
            + nest.found_under(backup.parent)
        )

    running = sights()
    assert server.stop() == 0
    everything = running + sights()
    assert not everything, "\n".join(sorted(set(everything))[:60])
    # The search finds what is there.
    assert control.found_under(server.data) != []
    assert any(control.found_in(where, content) for where, content in ears.heard)
    assert any(b"connection.tested" in content for _, content in stage.received())


def one_round(stage: Stage, number: int, dress: str, status: int) -> int:
    """One of each kind is saved, tested, and read in every way. Returns how many there were."""
    tenant, client, webhook = stage.tenant()
    made = {}
    for kind, (secret, draft) in kinds(stage.nest, f"{dress}, {status}", str).items():
        base = stage.echo.say(f"{number}-{kind}", status, DRESSES[dress](secret))
        made[kind] = ok(client.post(CONNECTIONS, json=draft(base)))["id"]
    for connection in made.values():
        # In errors no body of the peer's is worth more than its status: the verdict is not asked for here.
        ok(client.post(f"{CONNECTIONS}/{connection}/test"))
        ok(client.get(f"{CONNECTIONS}/{connection}/timeline"))
        ok(client.get(f"{CONNECTIONS}/{connection}", params={"include_credential": "true"}))
    stage.listen_to_stream(tenant, stage.list_events(client))
    for path in (CREDENTIALS, CONNECTIONS, f"{API}/expirations", WEBHOOKS, f"{WEBHOOKS}/{webhook}"):
        ok(client.get(path))
    ok(client.get(f"{WEBHOOKS}/{webhook}/deliveries"))
    return len(made)


def without_saving(stage: Stage) -> None:
    _, client, _ = stage.tenant()
    for kind, (secret, draft) in kinds(stage.nest, "not saved", str).items():
        sent = draft(stage.echo.say(f"unsaved-{kind}", 200 if kind in ("mcp", "request") else 401, secret))
        ok(client.post(probes.TEST, json=sent))
        which = {"integration_id": sent["integration"], "auth_method_id": sent["auth_method_id"], "live": "true"}
        ok(client.post(VALIDATE, params=which, json={name: sent[name] for name in ("credentials", "config")}))


# PostgreSQL, whose words are of another kind


def _packet(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


def _error(words: bytes, code: bytes = b"28P01") -> bytes:
    fields = (b"SFATAL", b"VFATAL", b"C" + code, b"M" + words, b"D" + words, b"H" + words, b"W" + words)
    return _packet(b"E", b"\0".join(fields) + b"\0\0")


def _row(*values: bytes) -> bytes:
    columns = b"".join(b"c\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0) for _ in values)
    cells = b"".join(struct.pack("!i", len(value)) + value for value in values)
    return _packet(b"T", struct.pack("!h", len(values)) + columns) + _packet(
        b"D", struct.pack("!h", len(values)) + cells
    )


def _postgres(words: bytes, ends: str) -> Callable[[Any], None]:
    """A server that wants the password in the clear, and then says this everywhere."""

    def behave(peer: Any) -> None:
        # What comes first, of a mode without TLS, is who wants to log in.
        peer.recv(65_536)
        peer.sendall(_packet(b"R", struct.pack("!i", 3)))
        peer.recv(65_536)
        if ends == "refuses":
            peer.sendall(_error(words))
            return
        notice = _packet(b"N", b"SNOTICE\0C00000\0M" + words + b"\0\0")
        settings = b"".join(
            _packet(b"S", name + b"\0" + words + b"\0") for name in (b"application_name", b"server_version")
        )
        ready = _packet(b"Z", b"I")
        peer.sendall(_packet(b"R", struct.pack("!i", 0)) + settings + notice + ready)
        peer.recv(65_536)
        peer.sendall(notice)
        if ends == "answers":
            peer.sendall(
                _packet(b"C", b"BEGIN\0")
                + _packet(b"C", b"SET\0")
                + _row(words, words, b"f")
                + _packet(b"C", b"SELECT 1\0")
                + _packet(b"C", b"COMMIT\0")
                + ready
            )
        else:
            peer.sendall(_error(words, b"XX000") + ready)
        peer.recv(65_536)

    return behave


def databases(stage: Stage) -> None:
    for ends, verdict in (("refuses", "invalid"), ("answers", "valid"), ("fails", "inconclusive")):
        _, client, _ = stage.tenant()
        for dress, wear in DRESSES.items():
            password = stage.nest.core(f"PostgreSQL {ends}, {dress}")
            with contextlib.closing(Hostile(_postgres(wear(password).encode(), ends))) as peer:
                uri = f"postgresql://alice:{password}@{peer.address}/shop?sslmode=disable"
                made = ok(client.post(CONNECTIONS, json=probes.postgresql(uri)))["id"]
                told = ok(client.post(f"{CONNECTIONS}/{made}/test"))
                assert told["verdict"] == verdict, told
                ok(client.get(f"{CONNECTIONS}/{made}/timeline"))
        stage.list_events(client)


def plant_a_control(stage: Stage) -> Nest:
    """A name that is no secret, of a server that may say it: the same search finds it."""
    control = Nest()
    _, client, _ = stage.tenant()
    base = stage.echo.say("control", 200, control.core("an account's name"))
    made = ok(client.post(CONNECTIONS, json=probes.acme(base, stage.nest.core("control"))))["id"]
    told = ok(client.post(f"{CONNECTIONS}/{made}/test"))
    assert told["identity"] is not None
    return control
