"""A token endpoint in front of the simulated one that stops where a test wants it to."""

import select
import socket
import threading
from http.client import HTTPConnection
from urllib.parse import urlsplit

_LIMIT = 1 << 20


class Relay:
    """Passes token requests on, one to a connection, and the answers back.

    With `hold` it stops at one place, says so by `reached`, and goes on when it is `release`d or the caller is gone:
    `unread` before a byte of the request was taken from the socket, `unanswered` once the provider has answered.
    """

    def __init__(self, provider: str) -> None:
        target = urlsplit(provider)
        assert target.hostname is not None and target.port is not None
        self._provider = (target.hostname, target.port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.hold: str | None = None
        self.reached = threading.Event()
        self._released = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop_at(self, place: str | None) -> None:
        """From the next request on."""
        self.hold = place
        self.reached.clear()
        self._released.clear()

    def release(self) -> None:
        self._released.set()

    def close(self) -> None:
        self.release()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer:
            try:
                if self.hold == "unread":
                    select.select([peer], [], [], 60)
                    self._stop(peer)
                    return
                head, body = _read_request(peer)
                status, answer = self._ask(head, body)
                if self.hold == "unanswered":
                    self._stop(peer)
                peer.sendall(
                    f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n"
                    "Connection: close\r\n\r\n".encode()
                    + answer
                )
            except OSError:
                # Whoever was shot while it waited is not there any more.
                return

    def _stop(self, peer: socket.socket) -> None:
        self.reached.set()
        self._released.wait(60)

    def _ask(self, head: list[str], body: bytes) -> tuple[int, bytes]:
        path = head[0].split(" ")[1]
        headers = dict(line.split(": ", 1) for line in head[1:])
        for name in [name for name in headers if name.lower() in ("host", "connection", "content-length")]:
            del headers[name]
        connection = HTTPConnection(*self._provider, timeout=60)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def _read_request(peer: socket.socket) -> tuple[list[str], bytes]:
    text = b""
    while b"\r\n\r\n" not in text:
        text += _more(peer, text)
    head, _, body = text.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), 0)
    while len(body) < length:
        body += _more(peer, body)
    return lines, body


def _more(peer: socket.socket, so_far: bytes) -> bytes:
    chunk = peer.recv(65_536)
    if not chunk or len(so_far) > _LIMIT:
        raise ConnectionError
    return chunk
