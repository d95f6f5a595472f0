"""The command line: beside a running server, on a stopped store, at the first start, and when something is wrong."""

import base64
import contextlib
import json
import os
import pty
import re
import secrets
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.api import CONNECTIONS, KEYS, create_custom, create_slack, make_tenant, ok
from support.canary import Nest
from support.server import BINARY, PATIENCE, Server, ServerEnded, free_port, wait_until
from support.writers import Writers, counter_of

MakeServer = Callable[..., Server]
Run = Callable[..., subprocess.CompletedProcess[str]]


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command that has to succeed printed with --json."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_refused(done: subprocess.CompletedProcess[str], *words: str, with_usage: bool = False) -> None:
    """Not zero, nothing on stdout that a script could take for a result, one line that says why.

    What is wrong with the arguments themselves may be followed by how they are written.
    """
    assert done.returncode != 0, done.stdout
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 or (with_usage and lines), done.stderr
    for word in words:
        assert word.lower() in lines[0].lower(), done.stderr


@pytest.fixture(params=["running", "stopped"])
def store(request: pytest.FixtureRequest, make_server: MakeServer) -> Server:
    """A store that has been served, with its server still there or gone."""
    server = make_server().start()
    if request.param == "stopped":
        assert server.stop() == 0
    return server


@contextlib.contextmanager
def served(server: Server) -> Iterator[Server]:
    """The store with a server in front, whichever way it was found."""
    if server.process is None:
        server.start()
    yield server


class TestHelp:
    def test_names_every_command(self, make_server: MakeServer) -> None:
        done = make_server().command("--help")
        assert done.returncode == 0
        for command in (
            *("serve", "migrate", "keys", "workspaces", "catalog", "backup", "restore", "resume", "import"),
            *("simulate", "version"),
        ):
            assert re.search(rf"^\s+{command}\b", done.stdout, re.MULTILINE), done.stdout

    @pytest.mark.parametrize(
        "command", ["serve", "migrate", "keys create", "keys list", "keys revoke", "workspaces create"]
    )
    def test_each_command_explains_itself(self, make_server: MakeServer, command: str) -> None:
        done = make_server().command(*command.split(), "--help")
        assert done.returncode == 0 and "USAGE" in done.stdout

    @pytest.mark.parametrize("command", [["version"], ["--version"]])
    def test_version(self, make_server: MakeServer, command: list[str]) -> None:
        server = make_server()
        done = server.command(*command)
        assert done.returncode == 0 and re.search(r"\b\d+\.\d+\.\d+\b", done.stdout)
        assert not server.data.exists(), "asking for the version made a data folder"

    @pytest.mark.parametrize(
        "command", [["nonsense"], ["keys"], ["keys", "create"], ["serve", "--nonsense"], ["backup"]]
    )
    def test_what_is_not_understood(self, make_server: MakeServer, command: list[str]) -> None:
        done = make_server().command(*command)
        assert done.returncode != 0 or "USAGE" in done.stdout
        assert done.stdout + done.stderr != ""


class TestKeysAndWorkspaces:
    def test_keys(self, store: Server) -> None:
        made = answer(
            store.command("keys", "create", "--label", "From the shell", "--permissions", "read,write", "--json")
        )
        assert made["secret"].startswith("pbk_")
        assert (made["label"], sorted(made["permissions"])) == ("From the shell", ["read", "write"])

        listed = answer(store.command("keys", "list", "--json"))
        (found,) = [key for key in listed if key["id"] == made["id"]]
        assert "secret" not in found and made["secret"] not in json.dumps(listed)

        with served(store), store.client(made["secret"]) as client:
            ok(client.get(CONNECTIONS))
            assert client.get(KEYS).status_code == 403
            revoked = store.command("keys", "revoke", made["id"])
            assert revoked.returncode == 0, revoked.stderr
            # By a running server it stops being taken at once.
            assert client.get(CONNECTIONS).status_code == 401

    def test_revoked_while_nobody_serves(self, make_server: MakeServer) -> None:
        server = make_server().start()
        made = answer(server.command("keys", "create", "--label", "x", "--json"))
        assert server.stop() == 0
        assert server.command("keys", "revoke", made["id"]).returncode == 0
        server.start()
        with server.client(made["secret"]) as client:
            assert client.get(CONNECTIONS).status_code == 401

    def test_workspaces(self, store: Server) -> None:
        made = answer(store.command("workspaces", "create", "--name", "Shell & Söhne", "--slug", "shell", "--json"))
        assert (made["name"], made["slug"]) == ("Shell & Söhne", "shell")
        listed = answer(store.command("workspaces", "list", "--json"))
        assert {"default", "shell"} <= {workspace["slug"] for workspace in listed}

        key = answer(store.command("keys", "create", "--label", "x", "--workspace", made["id"], "--json"))
        with served(store), store.client(key["secret"]) as client:
            assert ok(client.get("/api/v1/auth/session"))["workspace"]["id"] == made["id"]

        assert_refused(store.command("workspaces", "create", "--name", "Again", "--slug", "shell", "--json"), "shell")

    def test_without_json_it_is_for_people(self, store: Server) -> None:
        made = store.command("keys", "create", "--label", "for people")
        secret = re.search(r"pbk_[0-9A-Z]{26}_\S+", made.stdout)
        assert made.returncode == 0 and secret, made.stderr
        listed = store.command("keys", "list")
        assert listed.returncode == 0 and "for people" in listed.stdout
        assert secret[0] not in listed.stdout

    def test_refused(self, store: Server) -> None:
        assert_refused(store.command("keys", "revoke", "key_00000000000000000000000000"), "key")
        assert_refused(store.command("keys", "revoke", "nonsense"), "key")
        assert_refused(
            store.command("keys", "create", "--label", "x", "--permissions", "read,fly"), "permission", with_usage=True
        )
        assert_refused(store.command("keys", "create", "--label", "x" * 256, "--json"), "label")
        nowhere = "wsp_00000000000000000000000000"
        assert_refused(store.command("keys", "create", "--label", "x", "--workspace", nowhere, "--json"), "workspace")


GOOD = """\
id: acme
name: Acme
type: connectors
category: communication
description: An integration for a test.
docs_url: https://acme.example/docs
base_url: https://{region}.acme.example/api
auth_methods:
  - id: token
    name: Token
    type: bearer
    auth_type: access_token
    description: From the settings page.
    fields:
      - key: token
        label: Token
        type: password
        required: true
        min_length: 8
config:
  - key: region
    label: Region
    type: text
    required: true
"""


class TestCatalog:
    def test_list(self, make_server: MakeServer) -> None:
        server = make_server()
        listed = answer(server.command("catalog", "list", "--json"))
        names = {integration["id"] for integration in listed}
        known = "slack github notion hubspot mcp tavily openai anthropic s3 postgresql rest-api"
        assert set(known.split()) <= names and len(names) == len(listed) >= 12
        assert not server.data.exists(), "the catalog is in the binary"

    def test_a_good_file(self, make_server: MakeServer, tmp_path: Path) -> None:
        (tmp_path / "acme.yaml").write_text(GOOD)
        done = make_server().command("catalog", "check", str(tmp_path / "acme.yaml"))
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.parametrize(
        "line, old, new",
        [
            (3, "type: connectors", "type: connector"),
            (4, "category: communication", "categories: communication"),
            (5, "description: An", "description: [An"),
            (11, "type: bearer", "type: carrier-pigeon"),
            (12, "auth_type: access_token", "auth_type: token"),
            (17, "type: password", "type: secret"),
            (18, "required: true", "required: perhaps"),
            (19, "min_length: 8", "min_length: 8\n        pattern: '['"),
        ],
        ids=lambda value: str(value).split(":")[0],
    )
    def test_a_bad_file(self, make_server: MakeServer, tmp_path: Path, line: int, old: str, new: str) -> None:
        """File, line and reason, in the form that editors follow; exit status 1."""
        path = tmp_path / "acme.yaml"
        path.write_text(GOOD.replace(old, new, 1))
        assert path.read_text() != GOOD
        done = make_server().command("catalog", "check", str(path))
        assert done.returncode == 1
        said = done.stdout + done.stderr
        found = re.findall(rf"{re.escape(str(path))}:(\d+):.*\S", said)
        assert found, said
        # A pattern stands one line further down; YAML that does not parse may be noticed one line later.
        assert any(int(number) in (line, line + 1) for number in found), said

    def test_something_missing(self, make_server: MakeServer, tmp_path: Path) -> None:
        path = tmp_path / "acme.yaml"
        path.write_text(GOOD.replace("docs_url: https://acme.example/docs\n", "").replace("    name: Token\n", ""))
        done = make_server().command("catalog", "check", str(path))
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert re.search(rf"{re.escape(str(path))}:\d+:.*(docs_url|name)", said), said

    def test_no_file(self, make_server: MakeServer, tmp_path: Path) -> None:
        done = make_server().command("catalog", "check", str(tmp_path / "nowhere.yaml"))
        assert done.returncode != 0 and "nowhere.yaml" in done.stderr


class TestBackup:
    def test_while_it_is_written_to(self, make_server: MakeServer, tmp_path: Path) -> None:
        """Consistent, complete, opens elsewhere with the same master key, and does not hold that key."""
        master_key = secrets.token_bytes(32)
        given = {"PATCHBAY_MASTER_KEY": base64.b64encode(master_key).decode()}
        server = make_server(given).start()
        tenant = make_tenant(server)
        slack = create_slack(tenant.client, label="kept")
        ledgers = Writers.connections(tenant.client, 4)
        writers = Writers(server, tenant.key, ledgers).start()
        writers.await_acknowledged(50)
        before = {ledger.connection: ledger.acknowledged for ledger in ledgers}
        copy = tmp_path / "copy.db"
        told = answer(server.command("backup", str(copy), "--json"))
        writers.await_acknowledged(100)
        writers.join(stop=True)
        assert isinstance(told, dict)
        assert server.stop() == 0

        assert copy.stat().st_mode & 0o077 == 0
        assert sorted(path.name for path in tmp_path.glob("copy.db*")) == ["copy.db"]
        with contextlib.closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        nest = Nest()
        nest.plant("the master key", master_key)
        assert nest.found_in("the backup", copy.read_bytes()) == []

        restored = make_server({**given, "PATCHBAY_DATABASE_URL": f"sqlite://{copy}"}).start()
        with restored.client(tenant.key) as client:
            assert ok(client.get(f"{CONNECTIONS}/{slack['id']}")) == slack
            for ledger in ledgers:
                stored = counter_of(ok(client.get(f"{CONNECTIONS}/{ledger.connection}")))
                assert before[ledger.connection] <= stored <= ledger.acknowledged
        assert restored.stop() == 0

        another = {"PATCHBAY_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode()}
        with pytest.raises(ServerEnded):
            make_server({**another, "PATCHBAY_DATABASE_URL": f"sqlite://{copy}"}).start()

    def test_of_a_stopped_store(self, make_server: MakeServer, tmp_path: Path) -> None:
        server = make_server().start()
        tenant = make_tenant(server)
        create_custom(tenant.client, label="kept")
        assert server.stop() == 0
        done = server.command("backup", str(tmp_path / "copy.db"))
        assert done.returncode == 0, done.stderr
        with contextlib.closing(sqlite3.connect(f"file:{tmp_path / 'copy.db'}?mode=ro", uri=True)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    def test_refused(self, store: Server, tmp_path: Path) -> None:
        (tmp_path / "there").write_text("something that somebody needs")
        assert_refused(store.command("backup", str(tmp_path / "there")), "there")
        assert (tmp_path / "there").read_text() == "something that somebody needs"
        assert_refused(store.command("backup", str(tmp_path / "no-folder" / "copy.db")), "no-folder")


class TestStart:
    def test_migrate(self, make_server: MakeServer) -> None:
        server = make_server()
        for _ in range(2):
            done = server.command("migrate")
            assert done.returncode == 0, done.stderr
        server.start()
        with server.admin() as admin:
            ok(admin.get(CONNECTIONS))

    def test_first_start_without_a_terminal(self, make_server: MakeServer) -> None:
        """The key goes to a file of the owner's, and is not said."""
        server = make_server({"PATCHBAY_BOOTSTRAP_API_KEY": None}).start()
        file = server.data / "bootstrap-api-key"
        assert file.stat().st_mode & 0o777 == 0o600
        key = file.read_text().strip()
        assert key not in server.log()
        with server.client(key) as client:
            ok(client.post("/api/v1/workspaces", json={"name": "Made with the first key"}))
        # Armed once: neither a restart nor the loss of the file makes another.
        file.unlink()
        server.restart()
        assert not file.exists()
        with server.client(key) as client:
            ok(client.get(CONNECTIONS))

    def test_first_start_on_a_terminal(self, make_server: MakeServer) -> None:
        """URL, key and a curl line that works when it is pasted."""
        server = make_server({"PATCHBAY_BOOTSTRAP_API_KEY": None, "PATCHBAY_LOG_FORMAT": None})
        server.port = free_port()
        with terminal(server) as screen:
            screen.await_text(r"curl .*\n")
            wait_until(lambda: listening(server), "the server")
            shown = screen.text
            assert server.url in shown
            assert re.search(r"pbk_[0-9A-Z]{26}_\S+", shown)
            command = curl_line(shown)
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE)
            assert done.returncode == 0, (command, done.stderr)
            assert "detail" not in json.loads(done.stdout), done.stdout
            assert not (server.data / "bootstrap-api-key").exists()

    def test_the_bootstrap_key_is_armed_once(self, make_server: MakeServer) -> None:
        server = make_server().start()
        first = server.bootstrap_key
        server.change(PATCHBAY_BOOTSTRAP_API_KEY="another-key-" + secrets.token_urlsafe(32))
        server.restart()
        with server.client(server.environment["PATCHBAY_BOOTSTRAP_API_KEY"]) as client:
            assert client.get(CONNECTIONS).status_code == 401
        with server.client(first) as client:
            ok(client.get(CONNECTIONS))

    def test_a_secret_from_a_file(self, make_server: MakeServer, tmp_path: Path) -> None:
        key = "from-a-file-" + secrets.token_urlsafe(32)
        (tmp_path / "key").write_text(key + "\n")
        given = {"PATCHBAY_BOOTSTRAP_API_KEY": None, "PATCHBAY_BOOTSTRAP_API_KEY_FILE": str(tmp_path / "key")}
        server = make_server(given).start()
        with server.client(key) as client:
            ok(client.get(CONNECTIONS))

    def test_a_wrong_master_key(self, make_server: MakeServer) -> None:
        keys = [base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2)]
        server = make_server({"PATCHBAY_MASTER_KEY": keys[0]}).start()
        tenant = make_tenant(server)
        slack = create_slack(tenant.client)
        assert server.stop() == 0

        server.change(PATCHBAY_MASTER_KEY=keys[1])
        with pytest.raises(ServerEnded) as ended:
            server.start()
        assert ended.value.code != 0
        last = ended.value.output.strip().splitlines()[-1]
        assert "master key" in last.lower(), last
        assert keys[1] not in ended.value.output

        # No key at all is a wrong key too, once there has been one: none is made in its place.
        server.change(PATCHBAY_MASTER_KEY=None)
        with pytest.raises(ServerEnded):
            server.start()

        server.change(PATCHBAY_MASTER_KEY=keys[0])
        server.start()
        with server.client(tenant.key) as client:
            assert ok(client.get(f"{CONNECTIONS}/{slack['id']}")) == slack

    def test_a_lost_master_key_file(self, make_server: MakeServer) -> None:
        """A generated key that is gone is not replaced by a new one, under which nothing would open."""
        server = make_server().start()
        create_slack(make_tenant(server).client)
        assert server.stop() == 0
        database = server.database()
        for path in server.data.iterdir():
            if path.is_file() and not path.name.startswith(database.name):
                path.unlink()
        with pytest.raises(ServerEnded) as ended:
            server.start()
        assert "master key" in ended.value.output.lower()

    def test_one_store_is_served_once(self, make_server: MakeServer) -> None:
        first = make_server().start()
        second = make_server(data=first.data)
        with pytest.raises(ServerEnded) as ended:
            second.start()
        assert ended.value.code != 0
        assert str(first.data) in ended.value.output.strip().splitlines()[-1]
        # The first has not noticed, nor has what commands talk to.
        with first.admin() as admin:
            ok(admin.get(CONNECTIONS))
        assert first.command("keys", "list", "--json").returncode == 0
        # A lock that its holder could not give back holds nobody up.
        first.kill()
        second.bootstrap_key = first.bootstrap_key
        second.start()

    @pytest.mark.parametrize(
        "wrong, word",
        [
            ({"PATCHBAY_PORT": "eighty"}, "PATCHBAY_PORT"),
            ({"PATCHBAY_PORT": "70000"}, "PATCHBAY_PORT"),
            ({"PATCHBAY_MASTER_KEY": "bm90IGxvbmcgZW5vdWdo"}, "PATCHBAY_MASTER_KEY"),
            ({"PATCHBAY_MASTER_KEY": base64.b64encode(b"x" * 31).decode()}, "PATCHBAY_MASTER_KEY"),
            ({"PATCHBAY_BOOTSTRAP_API_KEY": "x" * 31}, "PATCHBAY_BOOTSTRAP_API_KEY"),
            ({"PATCHBAY_BOOTSTRAP_API_KEY": None, "PATCHBAY_BOOTSTRAP_API_KEY_FILE": "/nowhere"}, "KEY_FILE"),
            ({"PATCHBAY_DATABASE_URL": "mysql://localhost/x"}, "PATCHBAY_DATABASE_URL"),
            ({"PATCHBAY_LOG_LEVEL": "loud"}, "PATCHBAY_LOG_LEVEL"),
            ({"PATCHBAY_JWT_SECRET": "x" * 40}, "PATCHBAY_JWT_ISSUER"),
            ({"PATCHBAY_JWT_SECRET": "x" * 40, "PATCHBAY_JWT_ISSUER": "i"}, "PATCHBAY_JWT_AUDIENCE"),
            (
                {"PATCHBAY_JWT_SECRET": "x" * 31, "PATCHBAY_JWT_ISSUER": "i", "PATCHBAY_JWT_AUDIENCE": "a"},
                "32 bytes",
            ),
            (
                {
                    "PATCHBAY_JWT_SECRET": "x" * 40,
                    "PATCHBAY_JWT_ISSUER": "i",
                    "PATCHBAY_JWT_AUDIENCE": "a",
                    "PATCHBAY_JWT_CLAIMS": "workspaces=user_metadata.workspaces,permissions=app_metadata.permissions",
                },
                "user_metadata",
            ),
        ],
        ids=str,
    )
    def test_settings_that_make_no_sense(
        self, make_server: MakeServer, wrong: dict[str, str | None], word: str
    ) -> None:
        """Said in the last line, by the name of the variable, and without its value if that is a secret."""
        server = make_server(wrong)
        with pytest.raises(ServerEnded) as ended:
            server.start()
        assert ended.value.code != 0
        lines = [line for line in ended.value.output.splitlines() if line.strip()]
        assert word in lines[-1], lines
        for name in ("PATCHBAY_MASTER_KEY", "PATCHBAY_BOOTSTRAP_API_KEY", "PATCHBAY_JWT_SECRET"):
            assert (wrong.get(name) or "never said") not in ended.value.output

    def test_a_port_that_is_taken(self, make_server: MakeServer) -> None:
        first = make_server().start()
        second = make_server({"PATCHBAY_PORT": str(first.port)})
        second.spawn()
        assert second.wait() != 0
        assert str(first.port) in second.log()


# A terminal


class Screen:
    """What a person at the other end of a terminal would have seen so far."""

    def __init__(self, master: int):
        self._master = master
        self._text = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while more := os.read(self._master, 65536):
                with self._changed:
                    self._text += more.decode(errors="replace")
                    self._changed.notify_all()

    def await_text(self, pattern: str) -> None:
        with self._changed:
            seen = self._changed.wait_for(lambda: re.search(pattern, self.text), PATIENCE)
        assert seen, self.text

    @property
    def text(self) -> str:
        """Without colours and with plain line ends."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._text).replace("\r", "")


@contextlib.contextmanager
def terminal(server: Server) -> Iterator[Screen]:
    """Serves with a terminal for input and output."""
    master, slave = pty.openpty()
    server.folder.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [str(BINARY), "serve"],
        env={**server.environment, "TERM": "xterm"},
        cwd=server.folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Screen(master)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)


def listening(server: Server) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{server.url}/health/ready").status_code == 200
    return False


def curl_line(shown: str) -> str:
    """The command as one would select it: from `curl` to the end of its line, over lines that end in a backslash."""
    found = re.search(r"^[\s$>]*(curl (?:[^\n]*\\\n)*[^\n]*)$", shown, re.MULTILINE)
    assert found, shown
    return found[1]
