"""A copy must not spend the original's grants: backups, copies of the folder, and what ends the pause."""

import json
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.api import CONNECTIONS, KEYS, create_custom, make_tenant, ok
from support.oauth import ENVIRONMENT, access_token, connection, read_token, refresh
from support.oauth_fixtures import OwnServer
from support.server import PATIENCE, Server, free_port, wait_until
from support.simulator import Simulator

MakeServer = Callable[..., Server]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    made = Simulator(tmp_path)
    yield made
    made.stop()


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode != 0 and done.stdout == "", done.stdout
    for word in words:
        assert word in done.stderr, done.stderr


def is_paused(server: Server) -> bool:
    text = httpx.get(f"{server.url}/metrics", timeout=PATIENCE).text
    found = re.search(r"^patchbay_paused ([01](?:\.0)?)$", text, re.MULTILINE)
    assert found, text
    ready = httpx.get(f"{server.url}/health/ready", timeout=PATIENCE)
    # Whoever asks goes on being served.
    assert (ready.status_code, ready.json()["paused"]) == (200, float(found[1]) == 1)
    return float(found[1]) == 1


def epoch_file(server: Server) -> Path:
    return server.data / "instance-epoch"


def backup(server: Server, name: str = "backup.db") -> Path:
    file = server.folder / name
    assert server.command("backup", str(file)).returncode == 0
    return file


def restore(server: Server, file: Path, *options: str) -> dict[str, Any]:
    return answer(server.command("restore", str(file), "--json", *options))


def rescue(server: Server) -> str:
    """A key made by the command line, which can always make one."""
    made = server.command(
        "keys", "create", "--label", "rescue", "--workspace", "instance", "--permissions", "read,write,secrets,admin"
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


class TestTheEpoch:
    def test_first_start(self, make_server: MakeServer) -> None:
        server = make_server().start()
        assert epoch_file(server).stat().st_mode & 0o777 == 0o600
        assert not is_paused(server)
        first = epoch_file(server).read_text()
        server.restart()
        assert epoch_file(server).read_text() == first and not is_paused(server)

    def test_a_first_start_that_ended_in_between(self, make_server: MakeServer) -> None:
        """A store that nobody was ever served from is no copy, whatever lies about."""
        server = make_server()
        server.data.mkdir(mode=0o700)
        epoch_file(server).write_text("0" * 32 + " - -\n")
        assert not is_paused(server.start())

    @pytest.mark.parametrize("damage", ["gone", "another", "nonsense"])
    def test_store_and_file_disagree(self, make_server: MakeServer, damage: str) -> None:
        server = make_server().start()
        tenant = make_tenant(server)
        assert server.stop() == 0
        if damage == "gone":
            epoch_file(server).unlink()
        elif damage == "another":
            epoch_file(server).write_text("0" * 32 + " - -\n")
        else:
            epoch_file(server).write_bytes(b"\0\xff")
        server.start()
        assert is_paused(server)
        (line,) = [json.loads(line) for line in server.log().splitlines() if "instance is paused" in line]
        assert line["level"] == "warning" and "instance-epoch" in line["instance.reason"]
        # It reads and writes all the same.
        assert ok(tenant.client.get(f"{server.url}{CONNECTIONS}"))["total"] == 0
        with server.client(tenant.key) as client:
            create_custom(client)
        # It stays so until somebody says otherwise.
        server.restart()
        assert is_paused(server)

    def test_a_copy_of_the_whole_folder(self, make_server: MakeServer, tmp_path: Path) -> None:
        original = make_server().start()
        assert original.stop() == 0
        birth = subprocess.run(
            ["stat", "-c", "%W", str(epoch_file(original))], capture_output=True, text=True, check=True
        ).stdout.strip()
        if birth in ("0", "-"):
            pytest.skip("this file system does not tell when a file came into being")
        shutil.copytree(original.data, tmp_path / "copy", ignore=shutil.ignore_patterns("*.sock"))
        copy = make_server(data=tmp_path / "copy").start()
        assert is_paused(copy)
        assert not is_paused(original.start())
        # A folder that moves is no copy.
        assert original.stop() == 0
        original.data.rename(tmp_path / "moved")
        assert not is_paused(make_server(data=tmp_path / "moved").start())


class TestACopyOfLiveGrants:
    def test_nothing_is_spent_until_resume(self, own_server: OwnServer, simulator: Simulator) -> None:
        server, tenant = own_server.server, own_server.tenant
        made = simulator.connect(tenant, simulator.app(tenant, "rotate"), "alice")
        gone = simulator.connect(tenant, simulator.app(tenant, "rotate"), "bob")
        before = access_token(tenant.client, made)
        assert server.stop() == 0
        epoch_file(server).unlink()
        server.start()

        # The access token that it has is used up.
        assert access_token(tenant.client, made) == before
        assert tenant.client.delete(f"{CONNECTIONS}/{gone}").status_code == 204
        forced = refresh(tenant.client, made)
        assert (forced.status_code, forced.json()["error_code"]) == (409, "instance_paused")
        own_server.clock.advance(hours=2)
        simulator.advance(7200)
        late = read_token(tenant.client, made)
        assert (late.status_code, late.json()["error_code"]) == (409, "instance_paused")
        assert connection(tenant.client, made)["status"] == "active"
        # The scheduler looks every second, and has work that is overdue. Nothing else tells that it has looked.
        time.sleep(3)
        stats = simulator.stats()
        assert stats["refreshes_seen"] == stats["revocations"] == 0

        listed = answer(server.command("resume", "--list", "--json"))
        assert listed["paused"] is True and listed["grants_at_risk"] == 1
        assert [grant["connection_id"] for grant in listed["grants"]] == [made]
        resumed = answer(server.command("resume", "--yes", "--json", "--keep-key", tenant.key_id))
        assert [key["id"] for key in resumed["kept_keys"]] == [tenant.key_id]
        assert resumed.get("new_key") is None
        assert not is_paused(server)
        # Of the running server, and at once.
        with server.admin() as admin:
            assert admin.get(KEYS).status_code == 401
        token = access_token(tenant.client, made)
        assert token != before and simulator.who(token) == "alice"
        wait_until(lambda: simulator.stats()["revocations"] == 1, "the revocation that had to wait")
        server.restart()
        assert not is_paused(server)


class TestRestore:
    def test_there_and_back(self, own_server: OwnServer, simulator: Simulator) -> None:
        """What was refreshed since the backup is lost to the copy, and it must not find out by trying."""
        server, tenant = own_server.server, own_server.tenant
        made = simulator.connect(tenant, simulator.app(tenant, "rotate"), "alice")
        file = backup(server)
        later = create_custom(tenant.client)["id"]
        assert refresh(tenant.client, made).status_code == 200
        assert server.stop() == 0
        seen = simulator.stats()["refreshes_seen"]

        assert_refused(server.command("restore", str(file)), "--force")
        told = restore(server, file, "--force")
        aside = Path(told["previous_store"])
        with sqlite3.connect(f"file:{aside}?mode=ro", uri=True) as old:
            assert old.execute("SELECT COUNT(*) FROM connection WHERE id = ?", (later,)).fetchone() == (1,)
        aside.unlink()
        assert told["path"] == str(server.database())

        server.start()
        assert is_paused(server)
        assert tenant.client.get(f"{CONNECTIONS}/{later}").status_code == 404
        assert connection(tenant.client, made)["id"] == made
        own_server.clock.advance(hours=2)
        simulator.advance(7200)
        assert read_token(tenant.client, made).json()["error_code"] == "instance_paused"
        assert refresh(tenant.client, made).json()["error_code"] == "instance_paused"
        assert simulator.stats()["refreshes_seen"] == seen

    def test_on_a_machine_that_never_had_a_store(self, make_server: MakeServer) -> None:
        first = make_server().start()
        made = create_custom(make_tenant(first).client)
        file = backup(first)
        assert first.stop() == 0
        second = make_server()
        assert_refused(second.command("restore", str(file)), "master key")
        second.data.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(first.data / "master.key", second.data / "master.key")
        told = restore(second, file)
        assert told.get("previous_store") is None
        second.start()
        assert is_paused(second)
        assert_refused(second.command("resume"), "--yes")
        printed = second.command("resume", "--yes")
        assert printed.returncode == 0, printed.stderr
        token = re.search(r"pbk_[0-9A-Z]{26}_\S+", printed.stdout)
        assert token, printed.stdout
        assert not is_paused(second)
        with second.client(token[0], made["workspace_id"]) as client:
            assert ok(client.get(f"{CONNECTIONS}/{made['id']}")) == made
        with second.client(first.bootstrap_key) as client:
            assert client.get(KEYS).status_code == 401
        assert_refused(second.command("resume", "--yes"), "not paused")

    def test_resumed_while_nobody_serves(self, make_server: MakeServer) -> None:
        server = make_server().start()
        file = backup(server)
        assert server.stop() == 0
        restore(server, file, "--force")
        resumed = answer(server.command("resume", "--yes", "--json"))
        assert resumed["new_key"]["secret"].startswith("pbk_")
        assert not is_paused(server.start())
        with server.client(resumed["new_key"]["secret"]) as client:
            ok(client.get(KEYS))

    def test_refused_while_somebody_serves(self, make_server: MakeServer) -> None:
        server = make_server().start()
        assert_refused(server.command("restore", str(backup(server)), "--force"), "in use")
        assert not is_paused(server)

    @pytest.mark.parametrize("kind", ["missing", "text", "foreign", "cut", "flipped", "newer", "store"])
    def test_what_is_no_backup(self, make_server: MakeServer, kind: str) -> None:
        """Each is refused with a reason, and the store is as it was."""
        server = make_server().start()
        tenant = make_tenant(server)
        made = [create_custom(tenant.client, label="x" * 200)["id"] for _ in range(50)]
        file = backup(server)
        assert server.stop() == 0
        content = server.database().read_bytes()
        if kind == "missing":
            file.unlink()
        elif kind == "text":
            file.write_text("not a database\n" * 1000)
        elif kind == "foreign":
            file.unlink()
            with sqlite3.connect(file) as other:
                other.execute("CREATE TABLE thing (id)")
        elif kind == "cut":
            file.write_bytes(file.read_bytes()[:-8192])
        elif kind == "flipped":
            pages = bytearray(file.read_bytes())
            for offset in range(4096, len(pages), 4096):
                pages[offset : offset + 16] = b"\xa5" * 16
            file.write_bytes(pages)
        elif kind == "newer":
            with sqlite3.connect(file) as other:
                other.execute("INSERT INTO migration VALUES (9999, 'later', 0)")
        else:
            Path(f"{file}-wal").write_bytes(b"")
        done = server.command("restore", str(file), "--force")
        assert_refused(done, "Error: ")
        assert server.database().read_bytes() == content
        server.start()
        assert not is_paused(server)
        assert ok(tenant.client.get(f"{server.url}{CONNECTIONS}"))["total"] == len(made)

    def test_the_wrong_master_key(self, make_server: MakeServer) -> None:
        first, second = make_server().start(), make_server().start()
        file = backup(first)
        for server in (first, second):
            assert server.stop() == 0
        assert_refused(second.command("restore", str(file), "--force"), "sealed under master key")
        assert not is_paused(second.start())


class TestResume:
    @pytest.fixture
    def paused(self, make_server: MakeServer) -> Server:
        server = make_server().start()
        assert server.stop() == 0
        epoch_file(server).unlink()
        return server.start()

    def test_keys_are_kept_by_name(self, paused: Server) -> None:
        with paused.admin() as admin:
            keep = ok(admin.post(KEYS, json={"label": "the one", "permissions": ["read"]}))
            lose = ok(admin.post(KEYS, json={"label": "twin", "permissions": ["read"]}))
            also = ok(admin.post(KEYS, json={"label": "twin", "permissions": ["read"]}))
        for wrong, word in (("twin", "by its id"), ("nobody", "nobody")):
            assert_refused(paused.command("resume", "--yes", "--keep-key", wrong), word)
            assert is_paused(paused)
        done = paused.command("resume", "--yes", "--keep-key", "the one", "--keep-key", also["id"])
        assert done.returncode == 0, done.stderr
        for key, status in ((keep, 200), (also, 200), (lose, 401)):
            with paused.client(key["secret"]) as client:
                assert client.get(CONNECTIONS).status_code == status
        # An inactive key can be made active again by somebody who may.
        with paused.client(rescue(paused)) as client:
            ok(client.put(f"{KEYS}/{lose['id']}", json={"status": "active"}))
        with paused.client(lose["secret"]) as client:
            ok(client.get(CONNECTIONS))

    def test_it_is_in_the_journal(self, paused: Server) -> None:
        assert paused.command("resume", "--yes").returncode == 0
        with sqlite3.connect(f"file:{paused.database()}?mode=ro", uri=True) as store:
            rows = store.execute("SELECT actor, data FROM journal WHERE kind = 'instance.resumed'").fetchall()
        assert rows == [("console", '{"api_keys_kept":0,"api_keys_disabled":1}')]


def test_other_ports_are_not_the_point(make_server: MakeServer) -> None:
    """Where it listens says nothing of whose store it is."""
    server = make_server({"PATCHBAY_EGRESS_ALLOW": ENVIRONMENT["PATCHBAY_EGRESS_ALLOW"]}).start()
    assert server.stop() == 0
    server.change(PATCHBAY_PUBLIC_URL=f"http://localhost:{free_port()}")
    assert not is_paused(server.start())
