"""The fixtures of the OAuth tests: providers, servers that may reach them, a browser, the application's own page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support import clock
from support.api import Tenant, make_tenant
from support.browser import Browser
from support.clock import Clock
from support.leaks import Watch
from support.oauth import ENVIRONMENT
from support.provider import Provider
from support.scripted import Reply, Scripted
from support.server import Server

# Providers


@pytest.fixture(scope="session")
def django_toolkit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """django-oauth-toolkit, shared: each test registers an application of its own there."""
    provider = Provider.django_toolkit(tmp_path_factory.mktemp("django"))
    yield provider
    provider.stop()


@pytest.fixture(scope="session")
def authlib(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """Authlib's server, shared alike."""
    provider = Provider.authlib(tmp_path_factory.mktemp("authlib"))
    yield provider
    provider.stop()


@pytest.fixture(params=["django_toolkit", "authlib"])
def provider(request: pytest.FixtureRequest) -> Provider:
    """The test runs with each of the providers."""
    return request.getfixturevalue(request.param)


# Servers


@pytest.fixture(scope="session")
def oauth_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that OAuth tests share, each in a workspace of its own. Its clock is the machine's."""
    server = Server(tmp_path_factory.mktemp("oauth"), ENVIRONMENT)
    try:
        yield server.start()
        assert server.stop() == 0, server.log()[-4000:]
    finally:
        server.discard()


@pytest.fixture
def oauth_tenant(oauth_server: Server) -> Iterator[Tenant]:
    tenant = make_tenant(oauth_server)
    yield tenant
    tenant.client.close()


@dataclass(frozen=True)
class OwnServer:
    """A server of the test's own, running, whose clock it may put forward, with a tenant."""

    server: Server
    clock: Clock
    tenant: Tenant


@pytest.fixture
def clock_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clock.library(tmp_path_factory.getbasetemp())


@pytest.fixture
def make_own_server(
    make_server: Callable[..., Server], clock_library: Path, tmp_path: Path
) -> Iterator[Callable[..., OwnServer]]:
    """Keyword arguments are environment variables."""
    made: list[OwnServer] = []

    def make(**environment: str) -> OwnServer:
        server = make_server({**ENVIRONMENT, **environment}, keeps_port=True)
        own_clock = Clock(tmp_path / f"clock-{len(made)}", clock_library)
        own_clock.give_to(server)
        made.append(OwnServer(server, own_clock, make_tenant(server.start())))
        return made[-1]

    yield make
    for own in made:
        own.tenant.client.close()


@pytest.fixture
def own_server(make_own_server: Callable[..., OwnServer]) -> OwnServer:
    return make_own_server()


@pytest.fixture
def watch(oauth_server: Server) -> Watch:
    """Ears and memory on the shared server."""
    return Watch(oauth_server)


# People


@pytest.fixture
def application() -> Iterator[Scripted]:
    """The page of the customer's application to which people come back: `/connected`."""
    page = Scripted().on("GET", "/connected", Reply.html("<title>App</title><h1>Welcome back</h1>"))
    yield page
    page.close()


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A provider that answers as the test says."""
    provider = Scripted()
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.quit()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    report = yield
    if report.when == "call":
        browser = getattr(item, "funcargs", {}).get("browser")
        if report.failed and isinstance(browser, Browser):
            files = browser.photograph(item.funcargs["tmp_path"])
            shown = f"{browser.url}\n{browser.text[:2000]}\n" + "\n".join(str(path) for path in files)
            report.sections.append(("browser", shown))
    return report


@pytest.fixture
def browser(chromium: Browser, tmp_path: Path) -> Browser:
    """Chromium without cookies. After a failure a picture and the page's source lie in the test's folder."""
    chromium.forget()
    return chromium
