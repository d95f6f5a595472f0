"""The other side of webhooks: it keeps what comes, checks it as a customer would, and behaves as a test wants."""

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from standardwebhooks import Webhook

from support.api import API, ok
from support.server import wait_until

WEBHOOKS = f"{API}/webhooks"
EVENTS = f"{API}/events"


@dataclass(frozen=True)
class Message:
    """One request as it came. Names of headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def type(self) -> str:
        return self.body["type"]

    def verify(self, secret: str) -> Any:
        """As the published package does it, the clock included; it raises where anything is wrong."""
        return Webhook(secret).verify(self.raw, dict(self.headers))

    def is_signed_with(self, secret: str) -> bool:
        """Whatever the clocks of the two sides say."""
        sent = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        signature = Webhook(secret).sign(self.id, sent, self.raw.decode())
        return signature in self.headers["webhook-signature"].split(" ")


@dataclass(frozen=True)
class Answer:
    """What a receiver says to a message."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    # Hangs up in the middle instead.
    resets: bool = False


class _Listener(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A server that was killed leaves half a request behind, which is none of our failures."""


class Receiver:
    """Listens on loopback. It may be stopped and started again, at the same address."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answer: Callable[[Message], Answer] = lambda _: Answer()
        self._listener: _Listener | None = None
        self._connections: set[socket.socket] = set()
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self) -> None:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                owner._connections.add(self.connection)

            def finish(self) -> None:
                owner._connections.discard(self.connection)
                super().finish()

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                message = Message(self.path, headers, raw)
                owner.messages.append(message)
                answer = owner.answer(message)
                if answer.resets:
                    # Without lingering, closing is a reset.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in {"Content-Length": "0", **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._listener = _Listener(("127.0.0.1", self.port), Handler)
        self.port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Nobody listens any more, and connections that were kept are cut."""
        if self._listener is None:
            return
        self._listener.shutdown()
        self._listener.server_close()
        self._listener = None
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    # What came

    @property
    def ids(self) -> Counter[str]:
        return Counter(message.id for message in list(self.messages))

    def of(self, event: str) -> list[Message]:
        return [message for message in list(self.messages) if message.id == event]

    def wait_for(self, events: Iterable[str], what: str = "all events") -> None:
        wanted = set(events)
        wait_until(lambda: wanted <= set(self.ids), what)

    def wait_for_count(self, count: int) -> None:
        wait_until(lambda: len(self.messages) >= count, f"{count} messages")

    def stays_silent(self, seconds: float = 1.0) -> bool:
        """Nothing comes for a while, which can only be waited for."""
        before = len(self.messages)
        time.sleep(seconds)
        return len(self.messages) == before


def create_webhook(client: httpx.Client, receiver: Receiver, **fields: Any) -> dict[str, Any]:
    """With its `secret`."""
    return ok(client.post(WEBHOOKS, json={"url": receiver.url, **fields}))


def read_webhook(client: httpx.Client, webhook: dict[str, Any]) -> dict[str, Any]:
    return ok(client.get(f"{WEBHOOKS}/{webhook['id']}"))


def deliveries(client: httpx.Client, webhook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    return ok(client.get(f"{WEBHOOKS}/{webhook['id']}/deliveries", params={"limit": 1000, **query}))["deliveries"]


def delivery(client: httpx.Client, webhook: dict[str, Any], event: str) -> dict[str, Any] | None:
    return next((row for row in deliveries(client, webhook) if row["id"] == event), None)


def all_events(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    """Every event of the workspace, oldest first."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = ok(client.get(EVENTS, params={"limit": 1000, **query, **cursor}))
        found += page["events"]
        if not page["has_more"]:
            return found
        cursor = {"cursor": page["next_cursor"]}
