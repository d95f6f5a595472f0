"""Moving in without a second consent: the API's import, the command line's, and the cut-over."""

import csv
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.api import CONNECTIONS, Tenant, make_tenant, ok
from support.oauth import client_with, connection_ids, read_token, refresh, token_of
from support.oauth_fixtures import OwnServer
from support.server import wait_until
from support.simulator import Simulator

IMPORT = f"{CONNECTIONS}/import"
CLIENT = "simulator--rotate"


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    made = Simulator(tmp_path)
    yield made
    made.stop()


def config(simulator: Simulator) -> dict[str, str]:
    return {
        "authorize_url": f"{simulator.url}/authorize",
        "token_url": f"{simulator.url}/token",
        "revoke_url": f"{simulator.url}/revoke",
        "base_url": f"{simulator.url}/api",
    }


def row(simulator: Simulator, grant: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """As another system would write down one of its grants."""
    return {
        "integration": "oauth2",
        "external_id": grant["login"],
        "client_id": CLIENT,
        "scopes": ["read"],
        "config": config(simulator),
        "credentials": {
            "access_token": grant["access_token"],
            "refresh_token": grant["refresh_token"],
            "expires_at": grant["expires_at"],
        },
        **fields,
    }


def send(client: httpx.Client, *rows: dict[str, Any] | str) -> list[dict[str, Any]]:
    """Text goes as it is."""
    body = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in rows)
    done = client.post(IMPORT, content=body.encode(), headers={"Content-Type": "application/x-ndjson"})
    assert done.status_code == 200, done.text
    assert done.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in done.text.splitlines()]


def statuses(results: list[dict[str, Any]]) -> list[str]:
    return [result["status"] for result in results]


def state_of(client: httpx.Client, connection_id: str) -> str:
    read = ok(client.get(f"{CONNECTIONS}/{connection_id}", params={"include_credential": "true"}))
    found = [value["state"] for value in nested(read) if "state" in value and "access_expires_at" in value]
    assert len(found) == 1, read
    return found[0]


def nested(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from nested(each)


def run(own: OwnServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    return own.server.command("import", *arguments, "--workspace", own.tenant.workspace)


def report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def write_csv(file: Path, simulator: Simulator, grants: list[dict[str, Any]]) -> Path:
    places = [f"config.{name}" for name in config(simulator)]
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["external_id", "label", "access_token", "refresh_token", "expires_at", "client_id", *places])
        for grant in grants:
            writer.writerow(
                [
                    grant["login"],
                    f'{grant["login"]}, "the first"\nof its name',
                    grant["access_token"],
                    grant["refresh_token"],
                    # As JavaScript counts.
                    grant["expires_at"] * 1000,
                    CLIENT,
                    *config(simulator).values(),
                ]
            )
    return file


class TestTheAPI:
    def test_a_result_for_each_row(self, own_server: OwnServer, simulator: Simulator) -> None:
        client = own_server.tenant.client
        one, two, three = simulator.grants(3)
        good = row(simulator, one, label="Ünï", user_id="u1", tags=["moved"], metadata={"plan": 1.0})
        results = send(
            client,
            good,
            "",
            "{not json",
            "[1]",
            row(simulator, two, external_id=None),
            row(simulator, two, refresh_tokn="x"),
            row(simulator, two, integration="no-such-thing"),
            row(simulator, two, config={}),
            row(simulator, two, app_id="app_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            good,
            row(simulator, two, label="x" * 70_000),
            row(simulator, three),
        )
        assert [result["line"] for result in results] == [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
        assert statuses(results) == ["created"] + ["failed"] * 9 + ["created"]
        for result in results:
            assert ("connection_id" in result) == (result["status"] == "created")
            assert bool(result.get("errors")) == (result["status"] == "failed")
        said = json.dumps(results)
        for grant in (one, two, three):
            assert grant["access_token"] not in said and grant["refresh_token"] not in said
        read = ok(client.get(f"{CONNECTIONS}/{results[0]['connection_id']}"))
        assert (read["label"], read["user_id"], read["tags"], read["metadata"]) == (
            "Ünï",
            "u1",
            ["moved"],
            {"plan": 1.0},
        )
        assert read["external_id"] == one["login"] and read["status"] == "active"
        assert len(connection_ids(client)) == 2

    def test_again_and_again(self, own_server: OwnServer, simulator: Simulator) -> None:
        client = own_server.tenant.client
        (grant,) = simulator.grants(1)
        first = send(client, row(simulator, grant))
        assert statuses(first) == ["created"]
        again = send(client, row(simulator, grant))
        assert statuses(again) == ["unchanged"]
        assert again[0]["connection_id"] == first[0]["connection_id"]
        # The old system has refreshed meanwhile.
        (newer,) = simulator.grants(1, login=grant["login"])
        assert statuses(send(client, row(simulator, newer, label="now with a label"))) == ["updated"]
        made = first[0]["connection_id"]
        assert token_of(client, made)["access_token"] == newer["access_token"]
        assert ok(client.get(f"{CONNECTIONS}/{made}"))["label"] == "now with a label"
        # What a row leaves out stays.
        assert statuses(send(client, row(simulator, newer))) == ["unchanged"]
        moved = {**config(simulator), "base_url": f"{simulator.url}/other"}
        assert statuses(send(client, row(simulator, newer, config=moved))) == ["updated"]
        assert token_of(client, made)["access_token"] == newer["access_token"]
        assert not ok(client.get(f"{CONNECTIONS}/{made}"))["secret_rebind_required"]
        assert connection_ids(client) == [made]

    def test_suspended(self, own_server: OwnServer, simulator: Simulator) -> None:
        """The access token is used up, and the refresh token is the old system's."""
        client = own_server.tenant.client
        witness = simulator.connect(own_server.tenant, simulator.app(own_server.tenant, "rotate"), "witness")
        one, two = simulator.grants(2)
        made, deleted = (result["connection_id"] for result in send(client, row(simulator, one), row(simulator, two)))
        assert state_of(client, made) == "suspended"
        told = token_of(client, made)
        assert told["access_token"] == one["access_token"] and told["scopes"] == ["read"]
        assert refresh(client, made).json()["error_code"] == "grant_suspended"
        assert client.delete(f"{CONNECTIONS}/{deleted}").status_code == 204
        own_server.clock.advance(hours=2)
        simulator.advance(7200)
        late = read_token(client, made)
        assert (late.status_code, late.json()["error_code"]) == (409, "grant_suspended")
        # The scheduler has been there, and done what it had to.
        wait_until(lambda: simulator.stats()["refreshes_seen"], "the refresh of the one that is live")
        assert refresh(client, witness).status_code == 200
        for grant in (one, two):
            family = simulator.family(grant["refresh_token"])
            assert (family["alive"], family["refreshes"], family["is_current"]) == (True, 0, True)
        assert simulator.stats()["revocations"] == 0
        assert ok(client.get(f"{CONNECTIONS}/{made}"))["status"] == "active"

    def test_who_may(self, own_server: OwnServer, simulator: Simulator) -> None:
        (grant,) = simulator.grants(1)
        body = json.dumps(row(simulator, grant))
        for permissions in (["read"], ["read", "write"], ["secrets"], ["secrets", "read", "admin"]):
            with client_with(own_server.server, own_server.tenant, *permissions) as client:
                assert client.post(IMPORT, content=body).status_code == 403, permissions
        assert connection_ids(own_server.tenant.client) == []
        with client_with(own_server.server, own_server.tenant, "secrets", "write") as client:
            assert statuses(send(client, body)) == ["created"]

    def test_another_tenants_external_id(self, own_server: OwnServer, simulator: Simulator) -> None:
        (grant,) = simulator.grants(1)
        other: Tenant = make_tenant(own_server.server)
        try:
            (first,) = send(own_server.tenant.client, row(simulator, grant))
            (second,) = send(other.client, row(simulator, grant))
            assert first["status"] == second["status"] == "created"
            assert first["connection_id"] != second["connection_id"]
        finally:
            other.client.close()

    def test_limits(self, own_server: OwnServer) -> None:
        client = own_server.tenant.client
        typed = {"Content-Type": "application/x-ndjson"}
        assert client.post(IMPORT, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
        assert client.post(IMPORT, content=b"", headers=typed).text == ""
        announced = client.post(IMPORT, content=b" " * ((16 << 20) + 1), headers=typed)
        assert announced.status_code == 413
        many = client.post(IMPORT, content=b"[]\n" * 10_005, headers=typed)
        results = [json.loads(line) for line in many.text.splitlines()]
        assert len(results) == 10_001
        assert results[-1]["line"] == 10_001 and "10000" in results[-1]["errors"][0]

        def pieces() -> Iterator[bytes]:
            for _ in range(17):
                yield (b" " * ((1 << 20) - 1)) + b"\n"

        try:
            cut = client.post(IMPORT, content=pieces(), headers=typed)
        except httpx.TransportError:
            # The server has answered and closed while this side was still sending.
            return
        last = json.loads(cut.text.splitlines()[-1])
        assert last["status"] == "failed" and "not read" in last["errors"][0]


class TestTheCommand:
    @pytest.fixture(params=["running", "stopped"])
    def own(self, request: pytest.FixtureRequest, own_server: OwnServer) -> OwnServer:
        if request.param == "stopped":
            assert own_server.server.stop() == 0
        return own_server

    def served(self, own: OwnServer) -> httpx.Client:
        if own.server.process is None:
            own.server.start()
        return own.tenant.client

    def test_csv(self, own: OwnServer, simulator: Simulator, tmp_path: Path) -> None:
        grants = simulator.grants(250)
        file = write_csv(tmp_path / "tokens.csv", simulator, grants)
        rehearsed = report(run(own, "csv", str(file), "--integration", "oauth2", "--dry-run", "--json"))
        assert rehearsed["dry_run"] is True and statuses(rehearsed["rows"]) == ["created"] * 250
        done = report(run(own, "csv", str(file), "--integration", "oauth2", "--json"))
        assert statuses(done["rows"]) == ["created"] * 250
        # A label goes over two lines.
        assert [each["line"] for each in done["rows"][:3]] == [2, 4, 6]
        again = run(own, "csv", str(file), "--integration", "oauth2")
        assert "0 created, 0 updated, 250 unchanged, 0 failed" in again.stdout
        client = self.served(own)
        made = done["rows"][0]["connection_id"]
        assert token_of(client, made)["access_token"] == grants[0]["access_token"]
        assert ok(client.get(f"{CONNECTIONS}/{made}"))["label"].endswith('"the first"\nof its name')
        for grant in grants[:3]:
            for secret in (grant["access_token"], grant["refresh_token"]):
                assert secret not in again.stdout + again.stderr and secret not in own.server.log()

    def test_a_dry_run_writes_nothing(self, own: OwnServer, simulator: Simulator, tmp_path: Path) -> None:
        file = write_csv(tmp_path / "tokens.csv", simulator, simulator.grants(3))
        report(run(own, "csv", str(file), "--integration", "oauth2", "--dry-run", "--json"))
        assert connection_ids(self.served(own)) == []

    def test_what_is_wrong_is_told_without_a_secret(self, own: OwnServer, simulator: Simulator, tmp_path: Path) -> None:
        (grant,) = simulator.grants(1)
        file = tmp_path / "no-header.csv"
        file.write_text(f"{grant['login']},{grant['access_token']}\n")
        done = run(own, "csv", str(file), "--integration", "oauth2")
        assert done.returncode != 0 and "column 1" in done.stderr and grant["access_token"] not in done.stderr
        file.write_text('external_id,access_token\na,"b\n')
        done = run(own, "csv", str(file), "--integration", "oauth2")
        assert done.returncode != 0 and "never closed" in done.stderr
        file.write_text(f"external_id,access_token\na\nb,{grant['access_token']},c\n")
        done = run(own, "csv", str(file), "--integration", "oauth2", "--json")
        assert done.returncode != 0 and grant["access_token"] not in done.stdout + done.stderr
        assert statuses(json.loads(done.stdout)["rows"]) == ["failed", "failed"]

    def test_nango(self, own: OwnServer, simulator: Simulator, tmp_path: Path) -> None:
        one, two = simulator.grants(2)

        def exported(grant: dict[str, Any], **fields: Any) -> dict[str, Any]:
            return {
                "id": 7,
                "connection_id": f"uuid-{grant['login']}",
                "provider_config_key": "my-provider",
                "provider": "their-provider",
                "created_at": "2026-01-01T00:00:00.000Z",
                "end_user": {"id": "user-1", "email": "a@example.com", "display_name": None, "organization": None},
                "credentials": {
                    "type": "OAUTH2",
                    "access_token": grant["access_token"],
                    "refresh_token": grant["refresh_token"],
                    "expires_at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(grant["expires_at"])),
                    "raw": {"token_type": "Bearer", "scope": "read", "access_token": grant["access_token"]},
                },
                "connection_config": {**config(simulator), "oauth_scopes": "x"},
                "metadata": {"a": 1},
                "tags": {},
                "errors": [],
                **fields,
            }

        file = tmp_path / "nango.json"
        key = {"type": "API_KEY", "apiKey": "k-0123456789"}
        file.write_text(json.dumps({"connections": [exported(one), exported(two, credentials=key)]}))
        arguments = ["nango", str(file), "--map", "my-provider=oauth2", "--client", f"oauth2={CLIENT}", "--json"]
        done = run(own, *arguments)
        assert done.returncode != 0
        rows = json.loads(done.stdout)["rows"]
        assert statuses(rows) == ["created", "failed"] and "k-0123456789" not in done.stdout
        client = self.served(own)
        read = ok(client.get(f"{CONNECTIONS}/{rows[0]['connection_id']}"))
        assert read["external_id"] == f"uuid-{one['login']}" and read["user_id"] == "user-1"
        assert read["label"] == "a@example.com" and read["metadata"] == {"a": 1}
        assert "oauth_scopes" not in read["config"]
        assert token_of(client, read["id"])["access_token"] == one["access_token"]
        file.write_text(json.dumps([exported(one)]))
        assert statuses(report(run(own, *arguments))["rows"]) == ["unchanged"]


class TestTheCutOver:
    def test_the_old_system_lets_go(self, own_server: OwnServer, simulator: Simulator, tmp_path: Path) -> None:
        """Rehearsed, imported while the old one still refreshes, imported once more, activated: one system at a time."""
        client = own_server.tenant.client
        grants = simulator.grants(20)
        file = write_csv(tmp_path / "tokens.csv", simulator, grants)
        arguments = ["csv", str(file), "--integration", "oauth2", "--json"]
        report(run(own_server, *arguments))

        # Nobody here knows the client yet.
        early = run(own_server, *arguments, "--activate")
        assert early.returncode != 0
        rows = json.loads(early.stdout)["rows"]
        assert statuses(rows) == ["unchanged"] * 20 and not any(each["activated"] for each in rows)
        assert all("client_id" in each["errors"][0] for each in rows)

        simulator.app(own_server.tenant, "rotate")
        # The old system refreshes once more, which ends the refresh tokens of the first export.
        for grant in grants:
            with httpx.Client(base_url=simulator.url) as old:
                form = {
                    "grant_type": "refresh_token",
                    "refresh_token": grant["refresh_token"],
                    "client_id": CLIENT,
                    "client_secret": Simulator.CLIENT_SECRET,
                }
                answer = ok(old.post("/token", data=form))
            grant["access_token"], grant["refresh_token"] = answer["access_token"], answer["refresh_token"]
        before = simulator.stats()["refreshes_seen"]
        write_csv(file, simulator, grants)
        done = report(run(own_server, *arguments, "--activate"))
        assert statuses(done["rows"]) == ["updated"] * 20 and all(each["activated"] for each in done["rows"])
        made = [each["connection_id"] for each in done["rows"]]
        assert {state_of(client, each) for each in made} == {"live"}

        own_server.clock.advance(hours=2)
        simulator.advance(7200)
        for each, grant in zip(made, grants, strict=True):
            assert simulator.who(token_of(client, each)["access_token"]) == grant["login"]
        wait_until(lambda: simulator.stats()["refreshes_seen"] - before == 20, "one refresh of each")
        stats = simulator.stats()
        assert stats["refresh_token_replays"] == stats["families_killed"] == 0
        # From here on a copy of the tokens is older than what is here.
        late = run(own_server, *arguments)
        assert late.returncode != 0 and statuses(json.loads(late.stdout)["rows"]) == ["failed"] * 20
        assert {state_of(client, each) for each in made} == {"live"}

    def test_all_that_wait_at_once(self, own_server: OwnServer, simulator: Simulator) -> None:
        client = own_server.tenant.client
        simulator.app(own_server.tenant, "rotate")
        results = send(client, *(row(simulator, grant) for grant in simulator.grants(100)))
        assert statuses(results) == ["created"] * 100
        assert report(run(own_server, "activate", "--integration", "slack", "--json"))["activated"] == 0
        done = report(run(own_server, "activate", "--json"))
        assert (done["activated"], done["failures"]) == (100, [])
        assert report(run(own_server, "activate", "--json"))["activated"] == 0
        assert refresh(client, results[0]["connection_id"]).status_code == 200
