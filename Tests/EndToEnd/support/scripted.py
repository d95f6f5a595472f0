"""A small HTTP server in the test's own process: the page people return to, or a provider that answers as told."""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Visit:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.body.decode(errors="replace")).items()}


@dataclass(frozen=True)
class Reply:
    """What to answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, content: Any, status: int = 200, **headers: str) -> "Reply":
        return cls(status, json.dumps(content).encode(), {"Content-Type": "application/json", **headers})

    @classmethod
    def html(cls, content: str, status: int = 200) -> "Reply":
        return cls(status, content.encode(), {"Content-Type": "text/html; charset=utf-8"})

    @classmethod
    def redirect(cls, to: str, status: int = 302) -> "Reply":
        return cls(status, b"", {"Location": to})


Answer = Callable[[Visit], Reply]


class _Listener(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up early, as a server that refuses to read on does, is no failure of ours."""


class _ListenerOverIPv6(_Listener):
    address_family = socket.AF_INET6


class Scripted:
    """Listens on loopback until it is closed, and remembers every visit."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.visits: list[Visit] = []
        self._answers: dict[tuple[str, str], Answer] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                target = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(target.query, keep_blank_values=True).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                visit = Visit(self.command, target.path, query, dict(self.headers.items()), body)
                owner.visits.append(visit)
                reply = owner._answers.get((self.command, target.path), lambda _: Reply(404))(visit)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_POST = do_DELETE = do_HEAD = _serve

            def log_message(self, format: str, *args: Any) -> None:
                pass

        listener = _ListenerOverIPv6 if ":" in host else _Listener
        self._server = listener((host, 0), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"http://{host}:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def on(self, method: str, path: str, answer: Reply | Answer) -> "Scripted":
        """From now on this is what it answers there."""
        self._answers[method, path] = answer if callable(answer) else lambda _: answer
        return self

    def visited(self, path: str) -> list[Visit]:
        return [visit for visit in self.visits if visit.path == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
