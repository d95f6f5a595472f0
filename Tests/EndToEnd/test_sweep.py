"""Connections are looked at on their own clock: what is found, what a dead host costs, and what a crash leaves."""

import threading
import time
from typing import Any

import httpx
import pytest

from support.api import API, CONNECTIONS, ok
from support.oauth_fixtures import OwnServer
from support.scripted import Reply, Scripted
from support.server import free_port, wait_until

EVENTS = f"{API}/events"
TOKEN = "sweep-token-0123456789"


def connect(client: httpx.Client, base: str, path: str = "/me", **fields: Any) -> str:
    """A connection to an HTTP API, looked at once a minute unless it says otherwise."""
    body = {
        "integration": "rest-api",
        "integration_type": "api",
        "auth_method_id": "bearer",
        "credentials": {"token": TOKEN},
        "config": {"base_url": base, "test_url": f"{base}{path}"},
        "check_interval": 60,
        **fields,
    }
    return ok(client.post(CONNECTIONS, json=body))["id"]


def read(client: httpx.Client, connection: str) -> dict[str, Any]:
    return ok(client.get(f"{CONNECTIONS}/{connection}"))


def events(client: httpx.Client, kind: str) -> list[dict[str, Any]]:
    return ok(client.get(EVENTS, params={"type": kind, "limit": 1000}))["events"]


class TestTheClock:
    def test_a_connection_is_looked_at_again_and_again(self, own_server: OwnServer, scripted: Scripted) -> None:
        client = own_server.tenant.client
        scripted.on("GET", "/me", Reply.json({"login": "me"}))
        connection = connect(client, scripted.url)
        assert read(client, connection)["last_checked_at"] is None

        own_server.clock.advance(minutes=2)
        wait_until(lambda: read(client, connection)["last_checked_at"], "the first look")
        assert scripted.visited("/me")[0].headers["Authorization"] == f"Bearer {TOKEN}"
        assert read(client, connection)["status"] == "active"

        scripted.on("GET", "/me", Reply.json({"error": "bad token"}, 401))
        own_server.clock.advance(minutes=2)
        wait_until(lambda: read(client, connection)["status"] == "error", "the error")
        assert read(client, connection)["status_reason"] == "credential_rejected"

        # A provider that fails says nothing of the connection, and seldom.
        scripted.on("GET", "/me", Reply(500))
        scripted.visits.clear()
        own_server.clock.advance(minutes=5)
        wait_until(lambda: scripted.visited("/me"), "the next look")
        assert read(client, connection)["status"] == "error"

        scripted.on("GET", "/me", Reply.json({"login": "me"}))
        own_server.clock.advance(minutes=20)
        wait_until(lambda: read(client, connection)["status"] == "active", "its recovery")
        assert len(events(client, "connection.recovered")) == 1
        assert TOKEN not in own_server.server.log()

    def test_off_and_inactive_are_left_alone(self, own_server: OwnServer, scripted: Scripted) -> None:
        client = own_server.tenant.client
        for path in ("/on", "/off", "/inactive"):
            scripted.on("GET", path, Reply.json({}))
        connect(client, scripted.url, "/off", check_interval=0)
        inactive = connect(client, scripted.url, "/inactive")
        ok(client.put(f"{CONNECTIONS}/{inactive}", json={"status": "inactive"}))
        on = connect(client, scripted.url, "/on")
        for _ in range(3):
            own_server.clock.advance(hours=2)
            before = read(client, on)["last_checked_at"]
            wait_until(lambda before=before: read(client, on)["last_checked_at"] != before, "a look")
        assert scripted.visited("/off") == scripted.visited("/inactive") == []
        ok(client.put(f"{CONNECTIONS}/{inactive}", json={"status": "active"}))
        own_server.clock.advance(minutes=2)
        wait_until(lambda: scripted.visited("/inactive"), "one that is active again")


class TestADeadHost:
    def test_many_connections_cost_a_few_looks_and_one_event(self, own_server: OwnServer, scripted: Scripted) -> None:
        client = own_server.tenant.client
        dead = f"http://127.0.0.1:{free_port()}"
        scripted.on("GET", "/me", Reply.json({}))
        connections = [connect(client, dead) for _ in range(60)]
        alive = connect(client, scripted.url)
        own_server.clock.advance(minutes=2)
        lost = wait_until(lambda: events(client, "host.unreachable"), "the host to be given up")
        wait_until(lambda: read(client, alive)["last_checked_at"], "the neighbour")
        assert lost[0]["data"]["reason_code"] == "connection_failed"
        assert lost[0]["data"]["host"] == dead
        for _ in range(3):
            before = read(client, alive)["last_checked_at"]
            own_server.clock.advance(minutes=10)
            wait_until(lambda before=before: read(client, alive)["last_checked_at"] != before, "the neighbour again")
        rows = [read(client, connection) for connection in connections]
        assert {row["status"] for row in rows} == {"active"}
        assert sum(row["last_checked_at"] is not None for row in rows) <= 12

        # A restart knows it still.
        own_server.server.restart()
        before = read(client, alive)["last_checked_at"]
        own_server.clock.advance(minutes=30)
        wait_until(lambda: read(client, alive)["last_checked_at"] != before, "the neighbour after the restart")
        assert len(events(client, "host.unreachable")) == 1
        assert events(client, "host.recovered") == []


class TestTheEnd:
    def test_nobody_waits_for_a_provider_that_hangs(self, own_server: OwnServer, scripted: Scripted) -> None:
        client = own_server.tenant.client
        go_on = threading.Event()

        def hang(_: object) -> Reply:
            go_on.wait(30)
            return Reply.json({})

        scripted.on("GET", "/me", hang)
        connection = connect(client, scripted.url)
        own_server.clock.advance(minutes=2)
        wait_until(lambda: scripted.visited("/me"), "a look")
        begin = time.monotonic()
        assert own_server.server.stop() == 0
        assert time.monotonic() - begin < 5
        go_on.set()
        # What was stopped says nothing, and is looked at again at once.
        scripted.on("GET", "/me", Reply.json({}))
        own_server.server.start()
        wait_until(lambda: read(client, connection)["last_checked_at"], "another look")
        assert read(client, connection)["status"] == "active"


class TestACrash:
    def test_a_test_that_nobody_ended_is_undone(self, own_server: OwnServer, scripted: Scripted) -> None:
        client = own_server.tenant.client
        asked, go_on = threading.Event(), threading.Event()

        def hang(_: object) -> Reply:
            asked.set()
            go_on.wait(30)
            return Reply.json({})

        scripted.on("GET", "/me", hang)
        connection = connect(client, scripted.url, check_interval=0)
        with own_server.server.client(own_server.tenant.key) as other:
            thread = threading.Thread(
                target=lambda: pytest.raises(httpx.TransportError, other.post, f"{CONNECTIONS}/{connection}/test")
            )
            thread.start()
            assert asked.wait(30)
            assert read(client, connection)["status"] == "testing"
            own_server.server.kill()
            thread.join()
        go_on.set()
        own_server.server.start()
        wait_until(lambda: read(client, connection)["status"] == "active", "the test to be undone")
        timeline = ok(client.get(f"{CONNECTIONS}/{connection}/timeline"))
        assert timeline["entries"][0]["data"]["reason_code"] == "test_interrupted"
        assert timeline["entries"][0]["actor"] == "system"
