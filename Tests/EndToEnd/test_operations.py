"""What an operator relies on: health, metrics, logs, and an end that loses nothing."""

import json
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from support.api import API, CONNECTIONS, Tenant, create_custom, make_tenant, ok
from support.document import operations
from support.rawhttp import Wire, request, unread_by_server
from support.server import Server, wait_until


class TestTheEnd:
    def test_sigterm_finishes_what_is_in_flight(self, make_server: Callable[..., Server]) -> None:
        server = make_server().start()
        tenant = make_tenant(server)
        made = create_custom(tenant.client, label="before")
        body = b'{"label":"in flight"}'
        put = request("PUT", f"{CONNECTIONS}/{made['id']}", tenant.key, body, Content_Type="application/json")
        with Wire(server) as idle, Wire(server) as busy:
            for wire in (idle, busy):
                wire.send(request("GET", "/health/live"))
                assert wire.read_answer().status == 200
            busy.send(put[:-5])
            wait_until(lambda: unread_by_server(server.port, busy.port) == 0, "the server to read what was sent")
            server.signal(signal.SIGTERM)
            # The one that waits for nothing is let go at once, which shows that the end has begun.
            assert idle.is_closed_by_server()
            busy.send(put[-5:])
            assert json.loads(busy.read_answer().body)["label"] == "in flight"
            assert busy.is_closed_by_server()
        assert server.wait() == 0
        server.start()
        with server.client(tenant.key) as client:
            assert ok(client.get(f"{CONNECTIONS}/{made['id']}"))["label"] == "in flight"

    def test_sigint_is_an_end_too(self, make_server: Callable[..., Server]) -> None:
        server = make_server().start()
        server.signal(signal.SIGINT)
        assert server.wait() == 0


IDENTIFIER = re.compile(r"\b(conn|cred|wsp|usr|key|evt|pbk)_[0-9A-HJKMNP-TV-Z]{26}", re.IGNORECASE)
SAMPLE = re.compile(
    r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\.|[^"\\])*",?)*\})? (NaN|[+-]?Inf|[-+0-9.e]+)( \d+)?$'
)


class TestWhatItSaysOfItself:
    def test_health(self, server: Server) -> None:
        assert ok(httpx.get(f"{server.url}/health/live")) == {"status": "ok"}
        ready = ok(httpx.get(f"{server.url}/health/ready"))
        assert ready == {"status": "ready", "paused": False, "checks": {"store": "ok", "vault": "ok"}}

    def test_metrics(self, server: Server, client: httpx.Client) -> None:
        connection = create_custom(client)
        ok(client.get(f"{CONNECTIONS}/{connection['id']}", params={"marker": "zebra-metrics"}))
        client.get("/nowhere/zebra-metrics")
        answer = httpx.get(f"{server.url}/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain")
        lines = answer.text.splitlines()
        samples = [line for line in lines if line and not line.startswith("#")]
        assert samples and [line for line in samples if not SAMPLE.match(line)] == []
        assert any("/api/v1/connections/{connection_id}" in line for line in samples)
        assert not IDENTIFIER.search(answer.text)
        assert "zebra" not in answer.text
        # Each family is described once.
        described = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
        assert described and len(described) == len(set(described))

    def test_log(self, server: Server, tenant: Tenant) -> None:
        connection = create_custom(tenant.client)
        path = f"{CONNECTIONS}/{connection['id']}"
        marked = {"X-Request-Id": "log-read", "User-Agent": "zebra-agent", "Cookie": "zebra=1"}
        ok(tenant.client.get(path, params={"marker": "zebra-query"}, headers=marked))
        tenant.client.put(path, json={"label": "zebra-body"}, headers={"X-Request-Id": "log-write"})
        tenant.client.get(f"/zebra-path/{connection['id']}", headers={"X-Request-Id": "log-nowhere"})

        def lines_of(identifier: str) -> list[dict[str, Any]]:
            lines = [line for line in server.log().splitlines() if identifier in line]
            return [json.loads(line) for line in lines]

        for identifier, status, route in (
            ("log-read", 200, "/api/v1/connections/{connection_id}"),
            ("log-write", 200, "/api/v1/connections/{connection_id}"),
            ("log-nowhere", 404, None),
        ):
            # The line may follow the answer by a moment.
            lines = wait_until(lambda wanted=identifier: lines_of(wanted), f"the log line of {identifier}")
            assert len(lines) == 1, lines
            said = [str(value) for value in flat(lines[0])]
            assert str(status) in said, lines
            if route:
                assert route in said and tenant.workspace in said, lines
        assert "zebra" not in server.log()
        assert tenant.key not in server.log()

    def test_every_log_line_is_json(self, server: Server) -> None:
        lines = server.log().splitlines()
        assert lines
        for line in lines:
            assert isinstance(json.loads(line), dict), line

    def test_the_document_names_every_route_once(self, server: Server) -> None:
        document = ok(httpx.get(f"{server.url}/openapi.json"))
        names = [operation.name for operation in operations(document)]
        assert len(names) == len(set(names)) >= 47
        # Where a browser comes by, which has no key.
        open_paths = {f"{API}/oauth/connect/{{token}}", f"{API}/oauth/callback/{{app_id}}"}
        for operation in operations(document):
            if operation.path.startswith(API):
                assert operation.needs_a_key == (operation.path not in open_paths), operation
            if operation.needs_a_key:
                with server.client() as anonymous:
                    path = re.sub(r"\{[^}]*\}", "x", operation.path)
                    assert anonymous.request(operation.method, path).status_code == 401, operation


def flat(value: Any) -> Iterator[Any]:
    """All the leaves of a JSON value."""
    if isinstance(value, dict):
        for item in value.values():
            yield from flat(item)
    elif isinstance(value, list):
        for item in value:
            yield from flat(item)
    else:
        yield value
