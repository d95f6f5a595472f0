"""What ends, and who is told of it ahead of time."""

from datetime import timedelta
from typing import Any

import httpx

from support.api import API, KEYS, create_credential, create_key, make_tenant, ok
from support.clock import Clock
from support.oauth import APPS
from support.oauth_fixtures import OwnServer
from support.server import wait_until

EXPIRATIONS = f"{API}/expirations"


def after(clock: Clock, **span: float) -> str:
    return (clock.now() + timedelta(**span)).isoformat()


def calendar(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    """All pages of it, two at a time."""
    found: list[dict[str, Any]] = []
    parameters = {"limit": 2, **query}
    while True:
        page = ok(client.get(EXPIRATIONS, params=parameters))
        found += page["expirations"]
        if page["next_cursor"] is None:
            return found
        parameters["cursor"] = page["next_cursor"]


class TestTheCalendar:
    def test_what_ends_in_order(self, own_server: OwnServer) -> None:
        client = own_server.tenant.client
        key = create_key(client, label="CI", expires_at=after(own_server.clock, days=10))
        credential = create_credential(client, label="old", expires_at=after(own_server.clock, hours=30))
        body = {
            "integration": "linear",
            "client_id": "client",
            "client_secret": "expiring-client-secret",
            "client_secret_expires_at": after(own_server.clock, days=20),
        }
        app = ok(client.post(APPS, json=body))
        create_key(client, label="later", expires_at=after(own_server.clock, days=60))
        create_key(client, label="never")

        found = calendar(client)
        assert [(one["kind"], one["subject_id"]) for one in found] == [
            ("credential", credential["id"]),
            ("api_key", key["id"]),
            ("client_secret", app["id"]),
        ]
        assert not any(one["renews_itself"] for one in found)
        assert [one["label"] for one in found] == ["old", "CI", "linear"]
        assert len(calendar(client, within="90d")) == 4
        assert [one["kind"] for one in calendar(client, within="31h")] == ["credential"]
        assert [one["kind"] for one in calendar(client, kind="api_key")] == ["api_key"]
        other = make_tenant(own_server.server)
        with other.client:
            assert calendar(other.client) == []

    def test_a_token_without_a_refresh_token(self, own_server: OwnServer) -> None:
        client = own_server.tenant.client
        config = {name: f"https://api.test/{name}" for name in ("base_url", "authorize_url", "token_url")}
        for refresh in ({}, {"refresh_token": "refresh-0123456789"}):
            tokens = {"access_token": "access-0123456789", "expires_at": after(own_server.clock, days=2), **refresh}
            body = {"integration": "oauth2", "integration_type": "api", "config": config, "credentials": tokens}
            ok(client.post(f"{API}/connections", json=body))
        found = calendar(client, kind="access_token")
        assert sorted(one["renews_itself"] for one in found) == [False, True]
        assert all(len(one["connection_ids"]) == 1 for one in found)


class TestTheEvents:
    def test_each_threshold_once_whatever_restarts(self, own_server: OwnServer) -> None:
        ends = after(own_server.clock, days=40)
        key = create_key(own_server.tenant.client, expires_at=ends)

        def told() -> list[int]:
            with own_server.server.client(own_server.tenant.key) as client:
                listed = ok(client.get(f"{API}/events", params={"type": "api_key.expiring"}))["events"]
            assert all(event["data"]["api_key_id"] == key["id"] for event in listed)
            return [event["data"]["within_days"] for event in listed]

        seen: list[int] = []
        # At its start the server looks at once.
        for days, thresholds in ((11, [30]), (1, [30]), (22, [30, 7]), (5, [30, 7, 1])):
            own_server.clock.advance(hours=24 * days)
            own_server.server.restart()
            wait_until(lambda wanted=thresholds: told() == wanted, f"events {thresholds}")
            seen = told()
        assert seen == [30, 7, 1]

        # An end that is put off begins anew.
        with own_server.server.client(own_server.tenant.key) as client:
            ok(client.put(f"{KEYS}/{key['id']}", json={"expires_at": after(own_server.clock, days=20)}))
        own_server.server.restart()
        wait_until(lambda: told() == [30, 7, 1, 30], "the event of the new end")
