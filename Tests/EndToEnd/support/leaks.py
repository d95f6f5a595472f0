"""Everything secret that passes in an OAuth flow is remembered as it passes, and looked for where it must not be."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from support.canary import forms
from support.person import query
from support.provider import Registration
from support.server import Server

# Where a secret of a kind may stand in an answer of ours: the last word of the path that was asked, or its beginning.
_ALLOWED = {
    "state": ("/oauth/initiate", "/oauth/connect/"),
    "connect token": ("/oauth/initiate", "/token"),
    "cookie": ("/oauth/connect/",),
    "ticket": ("/oauth/callback/",),
    "access_token": ("/token",),
    "what the provider said": ("/token",),
}
# Shorter ones are no secrets, and would be found everywhere.
_SHORTEST = 16


def _may(kind: str, path: str) -> bool:
    return any(path.endswith(word) or (word.endswith("/") and word in path) for word in _ALLOWED.get(kind, ()))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _what_is_new(content: bytes, before: bytes, block: int = 4096) -> bytes:
    """The blocks that were written since, with those beside each other in one piece.

    A store that many tests share grows large, and what was there before cannot hold what was made since.
    """
    new = []
    for start in range(0, len(content), block):
        part = content[start : start + block]
        new.append(part if part != before[start : start + block] else b"")
    # A gap between pieces, so that no match is made of two that lie apart.
    return b"".join(part or b"\0\n" for part in new)


class Watch:
    """Listens to the clients that it is given to, from the moment at which it is made."""

    def __init__(self, server: Server):
        self._server = server
        self._log_before = server.log_file.stat().st_size
        self._store_before = {path: path.read_bytes() for path in _files(server.data)}
        self._secrets: dict[str, dict[str, None]] = {}
        self._heard: list[tuple[str, str, bytes]] = []

    @property
    def hooks(self) -> dict[str, Any]:
        """For an httpx client's `event_hooks`."""
        return {"response": [self.listen]}

    def remember(self, kind: str, value: str | None) -> None:
        if value is not None and len(value) >= _SHORTEST:
            self._secrets.setdefault(kind, {})[value] = None

    def remember_all(self, secrets: Iterable[tuple[str, str]]) -> None:
        for kind, value in secrets:
            self.remember("access_token" if kind == "token" else kind, value)

    def remember_registration(self, registration: Registration) -> None:
        self.remember("client_secret", registration.client_secret)
        self.remember_all(registration.secrets())

    def listen(self, response: httpx.Response) -> None:
        response.read()
        asked = response.request.url
        self._learn_from(str(asked))
        self._learn_from(response.headers.get("Location", ""))
        if asked.port != self._server.port:
            return
        for cookie in response.headers.get_list("Set-Cookie"):
            self.remember("cookie", cookie.split(";")[0].partition("=")[2])
        if asked.path.endswith("/oauth/initiate") and response.is_success:
            told = response.json()
            self.remember("state", told["state"])
            self.remember("connect token", told["connect_url"].rpartition("/")[2])
        if asked.path.endswith("/token") and response.is_success:
            self.remember("access_token", response.json().get("access_token"))
        head = b"".join(name + b": " + value + b"\n" for name, value in response.headers.raw)
        what = f"{response.status_code} of {response.request.method} {asked.path.partition('/connect/')[0]}"
        self._heard.append((what, asked.path, head + b"\n" + response.content))

    def _learn_from(self, url: str) -> None:
        given = query(url)
        for kind in ("code", "state", "ticket"):
            self.remember(kind, given.get(kind))
        # Error pages of some callbacks are asked for with what is none of ours.
        if urlsplit(url).path.startswith("/api/v1/oauth/connect/"):
            self.remember("connect token", url.rpartition("/")[2])

    def sights(self) -> list[str]:
        """Every secret that stands where it must not: in the log, in the store, in answers of the wrong kind."""
        nowhere = [("the log", self._server.log_file.read_bytes()[self._log_before :])]
        nowhere += [
            (path.name, _what_is_new(path.read_bytes(), self._store_before.get(path, b"")))
            for path in _files(self._server.data)
        ]
        found: list[str] = []
        for kind, values in self._secrets.items():
            places = nowhere + [(what, content) for what, path, content in self._heard if not _may(kind, path)]
            for value in values:
                needles = forms(value.encode())
                found += [
                    f"{kind}: {form} in {where}"
                    for where, content in places
                    for form, needle in needles.items()
                    if needle in content
                ]
        return found

    @property
    def kinds(self) -> set[str]:
        """What has been seen to pass, so that a test can tell a search for nothing."""
        return set(self._secrets)
