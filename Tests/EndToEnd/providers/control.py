"""What stands before each provider: tests register clients here, and see what the provider was asked and answered.

Nothing of OAuth is in it. The requests go to the provider as they came, and its answers come back as they are.
"""

import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote_plus

import waitress

# The people who have an account at every provider, and the password of each.
PEOPLE = ("alice", "bob")
PASSWORD = "correct horse battery"

SCOPES = {
    "openid": "Know who you are",
    "profile": "See your name",
    "email": "See your address",
    "read": "Read your things",
    "write": "Change your things",
}

# What passes between a client and its provider and nobody else may see.
SECRET = ("code", "code_verifier", "client_secret", "refresh_token", "access_token", "id_token", "token")


@dataclass(frozen=True)
class Asked:
    """One request to the token or revocation endpoint, without what is secret in it."""

    endpoint: str
    grant_type: str | None
    client_auth: str
    verifier: bool
    status: int
    error: str | None


class Backend(Protocol):
    """What the control plane needs of a provider."""

    app: Callable[..., Iterable[bytes]]
    endpoints: dict[str, str]

    def create_client(self, client_id: str, client_secret: str, public: bool) -> None: ...
    def change_client(self, client_id: str, **changes: Any) -> None: ...
    def withdraw(self, client_id: str) -> None: ...


class Control:
    """A WSGI application around the provider's own."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._lock = threading.Lock()
        self._asked: dict[str, list[Asked]] = {}
        self._delays: dict[str, float] = {}
        self._outages: dict[str, bool] = {}
        self._secrets: dict[str, list[tuple[str, str]]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/_test/clients/"):
            answer = self._serve(environ, path.removeprefix("/_test/clients/"))
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(answer).encode()]
        if environ["REQUEST_METHOD"] == "POST" and path in self._backend.endpoints.values():
            return self._watch(environ, start_response, path)
        return self._backend.app(environ, start_response)

    def _serve(self, environ: dict[str, Any], rest: str) -> Any:
        client_id, _, verb = rest.partition("/")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        wanted = json.loads(body) if body else {}
        match verb:
            case "":
                self._backend.create_client(client_id, wanted["client_secret"], wanted["public"])
            case "change":
                self._delays[client_id] = wanted.pop("delay", self._delays.get(client_id, 0.0))
                self._outages[client_id] = wanted.pop("outage", self._outages.get(client_id, False))
                if wanted:
                    self._backend.change_client(client_id, **wanted)
            case "withdraw":
                self._backend.withdraw(client_id)
            case "asked":
                with self._lock:
                    return [asdict(asked) for asked in self._asked.get(client_id, [])]
            case "secrets":
                with self._lock:
                    return list(self._secrets.get(client_id, []))
        return {}

    def _watch(self, environ: dict[str, Any], start_response: Callable[..., Any], path: str) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = _Body(body)
        form = {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}
        client_id, client_auth = _client_of(environ, form)
        time.sleep(self._delays.get(client_id, 0.0))
        if self._outages.get(client_id):
            start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"out of order"]

        said: list[str] = []

        def remember(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            said.append(status)
            return start_response(status, headers, *more)

        answer = self._backend.app(environ, remember)
        content = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        parsed: Any = None
        with contextlib.suppress(ValueError):
            parsed = json.loads(content)
        told: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
        error = told.get("error")
        passed = [(name, value) for part in (form, told) for name, value in part.items() if name in SECRET]
        endpoint = next(name for name, at in self._backend.endpoints.items() if at == path)
        asked = Asked(
            endpoint, form.get("grant_type"), client_auth, "code_verifier" in form, int(said[0].split(" ")[0]), error
        )
        with self._lock:
            self._asked.setdefault(client_id, []).append(asked)
            self._secrets.setdefault(client_id, []).extend(passed)
        return [content]


class _Body:
    """The request's body once more, after it was looked at."""

    def __init__(self, content: bytes):
        self._rest = content

    def read(self, size: int = -1) -> bytes:
        size = len(self._rest) if size is None or size < 0 else size
        part, self._rest = self._rest[:size], self._rest[size:]
        return part

    def readline(self, size: int = -1) -> bytes:
        end = self._rest.find(b"\n") + 1 or len(self._rest)
        return self.read(end if size is None or size < 0 else min(end, size))

    def readlines(self, hint: int = -1) -> list[bytes]:
        return list(self)

    def __iter__(self) -> Any:
        while line := self.readline():
            yield line


def _client_of(environ: dict[str, Any], form: dict[str, str]) -> tuple[str, str]:
    scheme, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            return unquote_plus(base64.b64decode(value).decode().partition(":")[0]), "client_secret_basic"
    return form.get("client_id", ""), "client_secret_post" if "client_secret" in form else "none"


def serve(make: Callable[[str], Backend]) -> None:
    """Serves on a port that the kernel chooses, and says on standard output where."""
    holder: list[Control] = []
    server = waitress.create_server(
        lambda environ, start: holder[0](environ, start),
        host="127.0.0.1",
        port=0,
        threads=16,
        backlog=1024,
        connection_limit=1000,
    )
    url = f"http://127.0.0.1:{server.effective_port}"
    holder.append(Control(make(url)))
    print(json.dumps({"url": url}), flush=True)
    server.run()
