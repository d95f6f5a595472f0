"""PATCHBAY_PORT=0 without PATCHBAY_PUBLIC_URL: what is registered at providers names the port that was taken."""

import re
from collections.abc import Callable

import httpx

from support.api import make_tenant, ok
from support.oauth import APPS
from support.server import Server, wait_until


def test_addresses_name_the_real_port(make_server: Callable[..., Server]) -> None:
    server = make_server({"PATCHBAY_PORT": "0"})
    server.spawn()

    def listens_on() -> int | None:
        found = re.search(r'"message":"listening".*"server.port":"?(\d+)', server.log())
        return int(found[1]) if found else None

    server.port = wait_until(listens_on, "the port in the log", 20)
    assert server.port != 0
    wait_until(lambda: httpx.get(f"{server.url}/health/ready").status_code == 200, "readiness", 20)
    with make_tenant(server).client as client:
        app = ok(client.post(APPS, json={"integration": "slack", "client_id": "c", "client_secret": "secret-0123"}))
        assert app["redirect_uri"] == f"{server.url}/api/v1/oauth/callback/{app['id']}"
        flow = ok(client.post("/api/v1/oauth/initiate", json={"integration_id": "slack", "app_id": app["id"]}))
        assert flow["connect_url"].startswith(f"{server.url}/api/v1/oauth/connect/")
    assert server.stop() == 0
