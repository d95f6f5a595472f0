"""Servers and tenants for the tests. Most share one server, each in a workspace of its own."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.api import Tenant, make_tenant
from support.server import Server
from support.tokens import AUDIENCE, ISSUER

pytest_plugins = ["support.oauth_fixtures", "support.probe_fixtures"]


@pytest.fixture(scope="session")
def jwt_secret() -> str:
    return secrets.token_urlsafe(48)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, jwt_secret: str) -> Iterator[Server]:
    """The server that tests share. Whoever kills, fills or reconfigures takes `make_server` instead."""
    shared = Server(
        tmp_path_factory.mktemp("shared"),
        {"PATCHBAY_JWT_SECRET": jwt_secret, "PATCHBAY_JWT_ISSUER": ISSUER, "PATCHBAY_JWT_AUDIENCE": AUDIENCE},
    )
    try:
        yield shared.start()
        # A crash that a test mistook for something else would show here.
        assert shared.stop() == 0, shared.log()[-4000:]
    finally:
        shared.discard()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers of the test's own, not yet started; whatever is left of them goes with the test."""
    made: list[Server] = []

    def make(*arguments: Any, **options: Any) -> Server:
        made.append(Server(tmp_path / f"server-{len(made)}", *arguments, **options))
        return made[-1]

    yield make
    for server in made:
        server.discard()


@pytest.fixture
def admin(server: Server) -> Iterator[httpx.Client]:
    """The instance-wide key, in the workspace `default`."""
    with server.admin() as client:
        yield client


@pytest.fixture
def tenant(server: Server) -> Iterator[Tenant]:
    """A fresh workspace on the shared server."""
    made = make_tenant(server)
    yield made
    made.client.close()


@pytest.fixture
def client(tenant: Tenant) -> httpx.Client:
    """The client of a fresh workspace."""
    return tenant.client
