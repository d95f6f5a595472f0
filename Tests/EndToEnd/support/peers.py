"""The servers of the folder `peers`, started on loopback, and what a test does with them."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from support.api import ok
from support.server import NO_TLS, PATIENCE

TESTS = Path(__file__).resolve().parents[1]


class Peer:
    """A process that says as JSON where it is once it can be reached. It starts while others do."""

    def __init__(self, module: str, folder: Path, environment: Mapping[str, str] | None = None):
        self._module = module
        self._log = folder / f"{module}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=TESTS,
                env={**os.environ, "PYTHONWARNINGS": "ignore", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._told: Any = None

    @property
    def told(self) -> Any:
        if self._told is None:
            assert self._process.stdout is not None
            first = self._process.stdout.readline()
            if not first:
                raise RuntimeError(f"{self._module} did not start:\n{self._log.read_text(errors='replace')[-4000:]}")
            self._told = json.loads(first)
        return self._told

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()


class McpServers(Peer):
    """`open` and `protected`, and those that know the handshake only, whose names begin with `older_`."""

    def __init__(self, folder: Path):
        self.token, self.narrow_token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        tokens = {"MCP_TOKEN": self.token, "MCP_NARROW_TOKEN": self.narrow_token}
        super().__init__("peers.mcp_server", folder, tokens)

    def url(self, name: str) -> str:
        return f"{self.told[name]}/mcp"

    def seen(self, name: str) -> list[dict[str, Any]]:
        """Every request that this one was sent: method and session."""
        with httpx.Client(verify=NO_TLS, trust_env=False, timeout=PATIENCE) as client:
            return ok(client.get(f"{self.told[name]}/_seen"))


class S3Server(Peer):
    """moto's, with a bucket, and keys that are `good`, `temporary`, or `may_not_list`."""

    def __init__(self, folder: Path):
        super().__init__("peers.s3_server", folder)

    @property
    def config(self) -> dict[str, Any]:
        return {
            "bucket": self.told["bucket"],
            "region": self.told["region"],
            "endpoint": self.told["url"],
            "force_path_style": True,
        }

    def key(self, name: str) -> dict[str, str]:
        return dict(self.told["keys"][name])
