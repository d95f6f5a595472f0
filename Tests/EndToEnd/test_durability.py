"""Acknowledged is durable: through kill -9, seen by strace, on a full disk and on a read-only file."""

import contextlib
import json
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import disk, trace
from support.api import CONNECTIONS, Tenant, create_custom, make_tenant, ok
from support.server import Server, wait_until
from support.writers import Ledger, Writers, counter_of

MakeServer = Callable[..., Server]


def assert_sound(database: Path, scratch: Path) -> None:
    """What a dead process left is a sound database. Looks at a copy, so that the store stays as it was left."""
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(database.parent, scratch, ignore=shutil.ignore_patterns("*.sock"))
    with contextlib.closing(sqlite3.connect(scratch / database.name)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("PRAGMA foreign_key_check").fetchall() == []


class TestKill:
    def test_ten_kills_under_concurrent_writes(self, make_server: MakeServer, tmp_path: Path) -> None:
        server = make_server().start()
        tenant = make_tenant(server)
        ledgers = Writers.connections(tenant.client, 8)
        chance = random.Random(2)

        for _ in range(10):
            writers = Writers(server, tenant.key, ledgers).start()
            writers.await_acknowledged(chance.randint(50, 400))
            server.kill()
            writers.join()
            assert_sound(server.database(), tmp_path / "copy")
            server.start()
            with server.client(tenant.key) as client:
                for ledger in ledgers:
                    stored = counter_of(ok(client.get(f"{CONNECTIONS}/{ledger.connection}")))
                    assert ledger.acknowledged <= stored <= ledger.sent, ledger
                    # What was cut off and stored all the same is acknowledged by having been read.
                    ledger.acknowledged = stored

        with server.client(tenant.key) as client:
            assert ok(client.get(CONNECTIONS))["total"] == len(ledgers)

    def test_creates_and_deletes_survive_too(self, make_server: MakeServer) -> None:
        server = make_server().start()
        tenant = make_tenant(server)
        kept = [create_custom(tenant.client, label=f"kept {n}")["id"] for n in range(5)]
        gone = [create_custom(tenant.client, label=f"gone {n}")["id"] for n in range(5)]
        for connection in gone:
            assert tenant.client.delete(f"{CONNECTIONS}/{connection}").status_code == 204
        server.kill()
        server.start()
        with server.client(tenant.key) as client:
            listed = ok(client.get(CONNECTIONS))
        assert {connection["id"] for connection in listed["connections"]} == set(kept)
        assert listed["total"] == len(kept)


class TestTrace:
    @pytest.fixture
    def may_trace(self, tmp_path: Path) -> None:
        done = subprocess.run(["strace", "-o", str(tmp_path / "probe"), "true"], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"this machine does not let us trace: {done.stderr.strip()}")

    def test_no_answer_leaves_before_its_sync(self, may_trace: None, make_server: MakeServer, tmp_path: Path) -> None:
        output = tmp_path / "trace"
        server = make_server(wrapper=[*trace.COMMAND, str(output)]).start()
        tenant = make_tenant(server)
        ledgers = Writers.connections(tenant.client, 4)
        # One after the other, each with a commit of its own, then together, when commits are shared.
        requests = [f"one-by-one-{n:04}" for n in range(20)]
        for request in requests:
            put(tenant.client, ledgers[0].connection, request)
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.client(tenant.key)) for _ in ledgers]
            requests += together(clients, ledgers)
        assert server.stop() == 0
        # The tracer outlives its child by a moment, until all is written down.
        wait_until(lambda: "+++ exited with" in output.read_text(errors="replace")[-2000:], "the tracer's last line")

        calls = trace.read(output)
        verdicts = [trace.judge(calls, request) for request in requests]
        assert len(verdicts) == 100
        assert [verdict for verdict in verdicts if verdict.problem] == []

    def test_the_judge_can_say_no(self) -> None:
        head = '7 read(9<socket:[1]>, "PUT /c HTTP/1.1\\r\\nx-request-id: r1\\r\\n", 99) = 42\n'
        wal = '8 pwrite64(4</d/p.db-wal>, "..", 4120, 32) = 4120\n'
        sync = "8 fdatasync(4</d/p.db-wal>) = 0\n"
        early = "8 fdatasync(4</d/p.db-wal> <unfinished ...>\n"
        late = "8 <... fdatasync resumed>) = 0\n"
        failed = "8 fdatasync(4</d/p.db-wal>) = -1 EIO (Input/output error)\n"
        answer = (
            '7 writev(9<socket:[1]>, [{iov_base="HTTP/1.1 200 OK\\r\\nX-Request-Id: r1\\r\\n", iov_len=9}], 1) = 9\n'
        )
        log = '7 write(2</l>, "{\\"id\\":\\"r1\\"}", 9) = 9\n'

        def problem(*lines: str) -> str | None:
            return trace.judge(trace.parse("".join(lines)), "r1").problem

        assert problem(head, wal, sync, log, answer) is None
        assert problem(head, wal, early, late, answer) is None
        for unsafe in (
            (head, wal, answer, sync),
            (head, wal, early, answer, late),
            (wal, head, sync, answer),
            (wal, sync, head, answer),
            (head, sync, wal, answer),
            (head, wal, failed, answer),
            (head, wal, "8 fdatasync(5</d/other>) = 0\n", answer),
            (head, wal, sync, log),
            (wal, sync, answer),
        ):
            assert problem(*unsafe) is not None, unsafe


def put(client: httpx.Client, connection: str, request: str) -> None:
    answer = client.put(f"{CONNECTIONS}/{connection}", json={"label": "traced"}, headers={"X-Request-Id": request})
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (200, request)


def together(clients: list[httpx.Client], ledgers: list[Ledger]) -> list[str]:
    """Twenty PUTs from each client, all clients at once."""

    def work(number: int) -> list[str]:
        requests = [f"together-{number}-{n:04}" for n in range(20)]
        for request in requests:
            put(clients[number], ledgers[number].connection, request)
        return requests

    with ThreadPoolExecutor(len(clients)) as pool:
        return [request for requests in pool.map(work, range(len(clients))) for request in requests]


# A store that cannot write


class Filled:
    """A connection after another is given a large config until the store takes no more."""

    LARGE = "x" * 200_000

    def __init__(self, tenant: Tenant):
        self.tenant = tenant
        self.acknowledged: dict[str, Any] = {}
        self.refused = httpx.Response(0)

    def fill(self) -> "Filled":
        for number in range(1000):
            body = {"integration": "e2e-thing", "integration_type": "custom", "config": {"n": number, "x": self.LARGE}}
            answer = self.tenant.client.post(CONNECTIONS, json=body)
            if answer.status_code != 200:
                self.refused = answer
                return self
            self.acknowledged[answer.json()["id"]] = answer.json()
        raise AssertionError("the store took 200 MB")

    def assert_refused_properly(self, server: Server) -> None:
        """Says that it cannot write now, and says so to the operator too."""
        assert self.refused.status_code == 503, self.refused.text
        assert isinstance(self.refused.json()["detail"], str)
        assert int(self.refused.headers["Retry-After"]) >= 0
        levels = {json.loads(line)["level"] for line in server.log().splitlines()}
        assert levels & {"warning", "error", "critical"}

    def assert_all_there(self, client: httpx.Client) -> None:
        """Reads go on, and what was acknowledged is there as it was."""
        for connection, content in self.acknowledged.items():
            assert ok(client.get(f"{CONNECTIONS}/{connection}")) == content
        assert ok(client.get(CONNECTIONS, params={"limit": 1}))["total"] == len(self.acknowledged)

    def await_recovery(self) -> None:
        """The same process takes writes again."""
        some = next(iter(self.acknowledged))

        def written() -> bool:
            answer = self.tenant.client.put(f"{CONNECTIONS}/{some}", json={"label": "recovered"})
            assert answer.status_code in (200, 503), answer.text
            if answer.status_code == 200:
                self.acknowledged[some] = answer.json()
            return answer.status_code == 200

        wait_until(written, "a write that is taken again")
        ok(self.tenant.client.get("/health/ready"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[disk.SmallDisk]:
    with contextlib.ExitStack() as stack:
        try:
            mounted = stack.enter_context(disk.small(tmp_path / "small", megabytes=12))
        except (PermissionError, FileNotFoundError) as error:
            pytest.skip(f"this machine lets us mount no small disk: {error}")
        yield mounted


def test_full_disk(small_disk: disk.SmallDisk, make_server: MakeServer) -> None:
    server = make_server(data=small_disk.path / "data").start()
    filled = Filled(make_tenant(server)).fill()
    filled.assert_refused_properly(server)
    filled.assert_all_there(filled.tenant.client)

    small_disk.resize(200)
    filled.await_recovery()
    filled.assert_all_there(filled.tenant.client)

    server.kill()
    server.start()
    with server.client(filled.tenant.key) as client:
        filled.assert_all_there(client)
    # The processes that hold the disk go before it does.
    assert server.stop() == 0


def test_file_that_may_not_grow(make_server: MakeServer) -> None:
    """The same by a limit on file sizes, which another error number tells and which needs no root."""
    megabyte = 1024 * 1024

    def ignore_the_signal() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    server = make_server(preexec=ignore_the_signal).start()
    tenant = make_tenant(server)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (6 * megabyte, resource.RLIM_INFINITY))
    filled = Filled(tenant).fill()
    filled.assert_refused_properly(server)
    filled.assert_all_there(tenant.client)

    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    filled.await_recovery()
    server.kill()
    server.start()
    with server.client(tenant.key) as client:
        filled.assert_all_there(client)


def test_read_only_file(make_server: MakeServer) -> None:
    """A database that may only be read: reads go on, writes get 503, and with the mode set right all goes on."""
    server = make_server(preexec=disk.obey_file_modes).start()
    tenant = make_tenant(server)
    before = create_custom(tenant.client, label="before")
    address = f"{CONNECTIONS}/{before['id']}"
    assert server.stop() == 0

    database = server.database()
    database.chmod(0o400)
    server.start()
    with server.client(tenant.key) as client:
        assert ok(client.get(address)) == before
        refused = client.put(address, json={"label": "after"})
        assert (refused.status_code, isinstance(refused.json()["detail"], str)) == (503, True)
        assert ok(client.get(address)) == before
        database.chmod(0o600)
        wait_until(lambda: client.put(address, json={"label": "after"}).status_code == 200, "a write that is taken")
    assert server.stop() == 0

    server.start()
    with server.client(tenant.key) as client:
        assert ok(client.get(address))["label"] == "after"
