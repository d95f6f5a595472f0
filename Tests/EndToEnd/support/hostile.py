"""Servers on loopback that do not answer as they should."""

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable

from support.server import PATIENCE

Behaviour = Callable[[socket.socket], None]

_HTML = b"<!doctype html><title>Sign in</title><h1>Welcome to the network</h1>"


def _answer(status: str, body: bytes = b"", *headers: str) -> Behaviour:
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close", "", ""])

    def answer(peer: socket.socket) -> None:
        _read_request(peer)
        peer.sendall(head.encode() + body)

    return answer


def _read_request(peer: socket.socket) -> None:
    """All that a client sends before it waits: whoever hangs up on unread bytes resets the connection."""
    text = b""
    while b"\r\n\r\n" not in text and not (text and text[0] == 0):
        more = peer.recv(65_536)
        if not more:
            return
        text += more
    head, _, body = text.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0 and (more := peer.recv(65_536)):
        missing -= len(more)


def _reset(peer: socket.socket) -> None:
    peer.recv(1)
    # With unread bytes and no time to linger, the end is a reset.
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _hang_up(peer: socket.socket) -> None:
    _read_request(peer)


def _hang(peer: socket.socket) -> None:
    while peer.recv(65_536):
        pass


def _flood(peer: socket.socket) -> None:
    _read_request(peer)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900000000\r\n\r\n[")
    with contextlib.suppress(OSError):
        for _ in range(900):
            peer.sendall(b" " * 1_000_000)


def _greet(peer: socket.socket) -> None:
    _read_request(peer)
    peer.sendall(b"220 mail.example ESMTP\r\n")


BEHAVIOURS: dict[str, Behaviour] = {
    "hangs": _hang,
    "hangs up": _hang_up,
    "resets": _reset,
    "floods": _flood,
    "speaks something else": _greet,
    "answers HTML": _answer("200 OK", _HTML, "Content-Type: text/html; charset=utf-8"),
    "answers HTML as 403": _answer("403 Forbidden", _HTML, "Content-Type: text/html; charset=utf-8"),
    "redirects": _answer("302 Found", b"", "Location: https://elsewhere.example/"),
    "answers 404": _answer("404 Not Found"),
    "answers 429": _answer("429 Too Many Requests", b"{}", "Retry-After: 9", "Content-Type: application/json"),
    "answers 500": _answer("500 Internal Server Error", b"{}", "Content-Type: application/json"),
    "answers 503": _answer("503 Service Unavailable", _HTML, "Content-Type: text/html"),
}


class Hostile:
    """Behaves in one way to whoever comes, until it is closed."""

    def __init__(self, behaviour: Behaviour, certificate: ssl.SSLContext | None = None, host: str = "127.0.0.1"):
        self._behaviour, self._context = behaviour, certificate
        self._peers: set[socket.socket] = set()
        self.visits = 0
        self._listener = socket.create_server((host, 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"{host}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self.visits += 1
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        peer.settimeout(PATIENCE)
        with contextlib.suppress(OSError), peer:
            if self._context is not None:
                peer = self._context.wrap_socket(peer, server_side=True)
            self._peers.add(peer)
            with peer:
                self._behaviour(peer)

    def close(self) -> None:
        # Whoever waits in accept is not woken by a close alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in list(self._peers):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)


class Refusing:
    """A port that is taken, and at which nobody listens."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._socket.close()
