"""`patchbay simulate`: the hostile provider in the binary, with its control plane."""

import os
import re
import secrets
import subprocess
from pathlib import Path
from typing import Any

import httpx

from support.api import Tenant, ok
from support.oauth import APPS, INITIATE, connection_ids
from support.server import BINARY, NO_TLS, PATIENCE, wait_until


class Simulator:
    """A running one. Its address is in what it says first."""

    CLIENT_SECRET = "simulator-secret"

    def __init__(self, folder: Path, *arguments: str):
        self._log = folder / f"simulator-{secrets.token_hex(4)}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(BINARY), "simulate", "--port", "0", *arguments],
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(folder), "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
            )
        self.url = wait_until(self._address, "the simulator's address", 20)
        self._client = httpx.Client(base_url=self.url, timeout=PATIENCE, verify=NO_TLS)
        wait_until(self._listens, f"{self.url}/_simulate/stats", 20)

    def _address(self) -> str | None:
        said = self._log.read_text(errors="replace")
        assert self._process.poll() is None, f"the simulator ended with {self._process.returncode}:\n{said}"
        found = re.search(r"http://(?:127\.0\.0\.1|localhost):\d+", said.replace("\\/", "/"))
        return found[0] if found else None

    def _listens(self) -> bool:
        try:
            return httpx.get(f"{self.url}/_simulate/stats", timeout=PATIENCE, verify=NO_TLS).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self._client.close()
        self._process.kill()
        self._process.wait(PATIENCE)

    # The control plane

    def stats(self) -> dict[str, Any]:
        return ok(self._client.get("/_simulate/stats"))

    def advance(self, seconds: int) -> None:
        """Puts the provider's clock forward."""
        ok(self._client.post("/_simulate/clock", json={"advance_seconds": seconds}))

    def grants(self, count: int, modes: str = "rotate", **fields: Any) -> list[dict[str, Any]]:
        """Grants out of nothing, obtained by the client whose name says the modes: what another system holds."""
        body = {"count": count, "client_id": f"simulator--{modes}", "scope": "read", **fields}
        return ok(self._client.post("/_simulate/grants", json=body))["grants"]

    def family(self, refresh_token: str) -> dict[str, Any]:
        """What became of the grant that this refresh token belonged to."""
        return ok(self._client.get("/_simulate/family", params={"refresh_token": refresh_token}))

    def who(self, access_token: str) -> str | None:
        """Whose token this is; None if the provider does not take it (any more)."""
        answer = self._client.get("/api/me", headers={"Authorization": f"Bearer {access_token}"})
        assert answer.status_code in (200, 401), f"{answer.status_code} {answer.text}"
        return answer.json()["login"] if answer.status_code == 200 else None

    # Connections to it

    def app(self, tenant: Tenant, modes: str) -> dict[str, Any]:
        """An app whose client's name says how the provider behaves to it."""
        body = {
            "integration": "oauth2",
            "client_id": f"simulator--{modes}",
            "client_secret": self.CLIENT_SECRET,
            "scopes": ["read"],
            "config": {
                "authorize_url": f"{self.url}/authorize",
                "token_url": f"{self.url}/token",
                "revoke_url": f"{self.url}/revoke",
                "base_url": f"{self.url}/api",
            },
        }
        return ok(tenant.client.post(APPS, json=body))

    def connect(self, tenant: Tenant, app: dict[str, Any], login: str) -> str:
        """The simulator consents at once, so a flow is a walk of two steps. Returns the connection's id."""
        known = set(connection_ids(tenant.client))
        flow = ok(
            tenant.client.post(INITIATE, json={"integration_id": "oauth2", "app_id": app["id"], "external_id": login})
        )
        with httpx.Client(follow_redirects=True, timeout=PATIENCE, verify=NO_TLS) as person:
            sent = person.get(flow["connect_url"], follow_redirects=False)
            assert sent.status_code == 302, sent.text
            page = person.get(f"{sent.headers['Location']}&login={login}")
        assert page.status_code == 200, f"{page.status_code} {page.text}"
        made = set(connection_ids(tenant.client)) - known
        assert len(made) == 1, f"the flow made {len(made)} connections"
        return made.pop()
