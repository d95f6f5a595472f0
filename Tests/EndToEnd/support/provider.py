"""The OAuth servers of the folder `providers`, started on loopback, and what a test does with them."""

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from support.server import NO_TLS, PATIENCE

TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Registration:
    """What a provider gave us to show: an application registered there, and its secret."""

    provider: "Provider"
    client_id: str
    client_secret: str

    def change(self, **changes: Any) -> None:
        """`redirect_uris`, `client_secret`, `lifetime` in seconds, `delay` in seconds and
        `outage` of the token and revocation endpoints.

        Authlib's server also knows `granted`, all that people ever allow, and `lifetime=None` for none told.
        """
        self.provider.control(self.client_id, "change", changes)

    def withdraw(self) -> None:
        """What people do who take back what they allowed, at the provider."""
        self.provider.control(self.client_id, "withdraw")

    def asked(self, endpoint: str | None = None, grant_type: str | None = None) -> list[dict[str, Any]]:
        """What the token and revocation endpoints were asked for this client, and answered, oldest first."""
        return [
            asked
            for asked in self.provider.control(self.client_id, "asked")
            if endpoint in (None, asked["endpoint"]) and grant_type in (None, asked["grant_type"])
        ]

    def secrets(self) -> list[tuple[str, str]]:
        """Every code, verifier and token that passed between this client and the provider, with what it was."""
        return [(name, value) for name, value in self.provider.control(self.client_id, "secrets")]


class Provider:
    """A running OAuth server."""

    def __init__(self, name: str, module: str, folder: Path, paths: dict[str, str]):
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(folder)],
                cwd=TESTS,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        if not first:
            raise RuntimeError(f"{name} did not start:\n{self.log()[-4000:]}")
        self.url: str = json.loads(first)["url"]
        self._client = httpx.Client(base_url=self.url, timeout=PATIENCE, verify=NO_TLS)
        self.issuer = self.url + paths["issuer"]
        self.authorize_url = self.url + paths["authorize"]
        self.token_url = self.url + paths["token"]
        self.revoke_url = self.url + paths["revoke"]
        self.introspect_url = self.url + paths["introspect"]
        self.base_url = f"{self.url}/api"

    @classmethod
    def django_toolkit(cls, folder: Path) -> "Provider":
        paths = {"issuer": "/o", "authorize": "/o/authorize/", "token": "/o/token/"}
        paths |= {"revoke": "/o/revoke_token/", "introspect": "/o/introspect/"}
        return cls("django-oauth-toolkit", "providers.django_toolkit", folder, paths)

    @classmethod
    def authlib(cls, folder: Path) -> "Provider":
        paths = {"issuer": "", "authorize": "/oauth/authorize", "token": "/oauth/token"}
        paths |= {"revoke": "/oauth/revoke", "introspect": "/oauth/introspect"}
        return cls("authlib", "providers.authlib_server", folder, paths)

    def stop(self) -> None:
        self._client.close()
        self._process.kill()
        self._process.wait(PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def control(self, client_id: str, verb: str = "", body: Any = None) -> Any:
        path = f"/_test/clients/{client_id}/{verb}" if verb else f"/_test/clients/{client_id}"
        answer = self._client.post(path, json={} if body is None else body)
        assert answer.status_code == 200, f"{self.name} {verb}: {answer.status_code}\n{self.log()[-4000:]}"
        return answer.json()

    def register(self, public: bool = False, **changes: Any) -> Registration:
        """A new application. Its callback address comes with `change`, once it is known."""
        client_id, client_secret = f"client-{secrets.token_hex(8)}", secrets.token_urlsafe(32)
        self.control(client_id, "", {"client_secret": client_secret, "public": public})
        registration = Registration(self, client_id, client_secret)
        if changes:
            registration.change(**changes)
        return registration

    def who(self, access_token: str) -> str | None:
        """The name of the person for whom this token speaks; None if the provider does not take it (any more)."""
        answer = self._client.get("/api/me", headers={"Authorization": f"Bearer {access_token}"})
        assert answer.status_code in (200, 401, 403), f"{self.name}: {answer.status_code} {answer.text}"
        return answer.json()["name"].lower() if answer.status_code == 200 else None
