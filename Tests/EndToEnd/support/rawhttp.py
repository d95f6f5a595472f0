"""HTTP by hand, for what a well-behaved client would never send."""

import contextlib
import socket
from dataclasses import dataclass

from support.server import PATIENCE, Server


@dataclass
class Answer:
    """One response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection to the server."""

    def __init__(self, server: Server):
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self._received = b""
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, content: bytes) -> None:
        self._socket.sendall(content)

    def send_until_refused(self, content: bytes) -> None:
        """Sends what it can: a server that has refused need not read the rest."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(content)

    def read_answer(self, to_head: bool = False) -> Answer:
        """Reads one whole response, by its Content-Length or its chunks; one to HEAD ends with its head."""
        while b"\r\n\r\n" not in self._received:
            self._read_more()
        head, self._received = self._received.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        status = int(first.split(" ")[1])
        if to_head:
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return Answer(status, headers, self._read_chunks())
        return Answer(status, headers, self._read_exactly(int(headers.get("content-length", "0"))))

    def is_closed_by_server(self) -> bool:
        """Reads to the end of what the server sends, and waits for that end."""
        try:
            while self._socket.recv(65536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def _read_more(self) -> None:
        more = self._socket.recv(65536)
        if not more:
            raise ConnectionError(f"closed after {self._received!r}")
        self._received += more

    def _read_exactly(self, length: int) -> bytes:
        while len(self._received) < length:
            self._read_more()
        body, self._received = self._received[:length], self._received[length:]
        return body

    def _read_chunks(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._received:
                self._read_more()
            size, self._received = self._received.split(b"\r\n", 1)
            chunk = self._read_exactly(int(size, 16) + 2)[:-2]
            if not chunk:
                return body
            body += chunk


def request(method: str, path: str, key: str | None = None, body: bytes = b"", **headers: str) -> bytes:
    """A request as bytes; header names are given with underscores. Content-Length is the body's unless given."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if "Transfer-Encoding" not in named:
        named.setdefault("Content-Length", str(len(body)))
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def unread_by_server(server_port: int, client_port: int) -> int:
    """How many bytes of this connection the server has not yet read, by the kernel's own books."""
    with open("/proc/net/tcp") as table:
        for line in table.readlines()[1:]:
            local, remote, _, queues = line.split()[1:5]
            if (int(local.split(":")[1], 16), int(remote.split(":")[1], 16)) == (server_port, client_port):
                return int(queues.split(":")[1], 16)
    return 0
