"""The fixtures of the tests of connections: peers of every kind, and a server that may reach them."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from support.api import Tenant, make_tenant
from support.authority import Authority
from support.hostile import BEHAVIOURS, Behaviour, Hostile
from support.peers import McpServers, S3Server
from support.postgres import PostgresServer
from support.server import Server

# Peers take a while to start, and do so side by side: whoever needs one waits for it where it is first asked.


@pytest.fixture(scope="session")
def mcp_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpServers]:
    servers = McpServers(tmp_path_factory.mktemp("mcp"))
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whose certificates the server under test trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def probe_environment(authority: Authority) -> dict[str, str]:
    """What a server gets that may reach this machine, at this one address."""
    return {
        "PATCHBAY_EGRESS_ALLOW": "127.0.0.1/32",
        "PATCHBAY_EGRESS_CA_FILE": str(authority.file),
        # Whatever anybody might log is asked for.
        "PATCHBAY_LOG_LEVEL": "trace",
    }


@pytest.fixture(scope="session")
def probe_server(tmp_path_factory: pytest.TempPathFactory, probe_environment: dict[str, str]) -> Iterator[Server]:
    """The server that these tests share, each in a workspace of its own."""
    server = Server(tmp_path_factory.mktemp("probes"), probe_environment)
    try:
        yield server.start()
        assert server.stop() == 0, server.log()[-4000:]
    finally:
        server.discard()


@pytest.fixture
def probe_tenant(probe_server: Server) -> Iterator[Tenant]:
    tenant = make_tenant(probe_server)
    yield tenant
    tenant.client.close()


@pytest.fixture
def prober(probe_tenant: Tenant) -> httpx.Client:
    """The client of a fresh workspace, which has all of its tests left."""
    return probe_tenant.client


@pytest.fixture
def hostile() -> Iterator[Callable[..., Hostile]]:
    """Makes servers that behave in one of the ways of `BEHAVIOURS`, or as a function says."""
    made: list[Hostile] = []

    def make(behaviour: str | Behaviour, **options: object) -> Hostile:
        made.append(Hostile(BEHAVIOURS[behaviour] if isinstance(behaviour, str) else behaviour, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for server in made:
        server.close()
