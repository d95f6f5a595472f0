"""Sweeps many connections to `patchbay simulate`, all of them due at one moment, while somebody asks for one after the other.

They are made through the API, since a secret opens only for the connection that it was sealed for.
"""

import http.client
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import load
import seed
from load import MeasurementError, Sample
from oauth import Client, sleep_until
from report import Goal, Results
from rounds import BINARY, RUN, Settings, Step, give_up, run_rounds, say
from server import HOST, Patchbay, ServerError, Simulator

CONNECTIONS = 100_000
# Of them, so many are asked for.
READ = 10_000
# All of one account at the simulator, whose token lives longer than anybody measures.
CLIENT = "simulator--honest"
TOKEN_LIFETIME = 86_400

SEEDERS = 4
# From the change of the store until all are due; the server is started in between.
LEAD = 1.5
POLL_INTERVAL = 0.5
# Of the sweep, at most so many seconds are measured: one host is asked by a few looks at once, however many are due.
WINDOW = 60.0

IDLE_GET = f"get at {CONNECTIONS:,}, idle"
BUSY_GET = f"get at {CONNECTIONS:,}, sweeping"
LOOKS = "looks beside get"


@dataclass
class Bench:
    """The server, the provider and what is measured with them. Both run, except while the store is changed."""

    server: Patchbay
    simulator: Simulator
    folder: Path
    count: int = CONNECTIONS
    # What the reader beside the sweep saw, and the server's peak memory during it in MiB.
    reader: Sample = Sample(0)
    memory: float = 0

    @property
    def ids(self) -> Path:
        """Lists the connections, one id a line."""
        return self.folder / "sweep-ids"

    def make_connections(self) -> None:
        with closing(Client(self.simulator.port)) as control:
            token = control.call("POST", "/_simulate/grants", {
                "count": 1, "client_id": CLIENT, "scope": "read", "expires_in": TOKEN_LIFETIME,
            })["grants"][0]["access_token"]
        ids: list[list[str]] = [[] for _ in range(SEEDERS)]
        failures: list[BaseException] = []

        def create(turn: int) -> None:
            try:
                with closing(Client(self.server.port, self.server.api_key)) as client:
                    for number in range(turn, self.count, SEEDERS):
                        answer = client.call("POST", "/api/v1/connections", self._body(token, number))
                        ids[turn].append(answer["id"])
            except (MeasurementError, OSError, http.client.HTTPException) as error:
                failures.append(error)

        threads = [threading.Thread(target=create, args=(turn,)) for turn in range(SEEDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise MeasurementError(str(failures[0])) from failures[0]
        self.ids.write_text("".join(f"{one}\n" for part in ids for one in part))

    def _body(self, token: str, number: int) -> dict:
        base = f"{self.simulator.url}/api"
        return {
            "integration": "rest-api", "integration_type": "api", "auth_method_id": "bearer",
            "label": f"Swept {number}", "config": {"base_url": base, "test_url": f"{base}/me"},
            "credentials": {"token": token}}

    # MARK: What is measured

    def requests(self, seconds: int) -> Sample:
        return load.wrk(self.server.url, "listed", READ, seconds, ids=self.ids)

    def sweep(self) -> Sample:
        """Looks a second while the sweep is under way, beside somebody who leaves in `reader` what was seen."""
        due = self._make_due()
        sleep_until(due)
        begin = time.time()
        before = self._left(due)
        with load.wrk_until_stopped(self.server.url, "listed", READ, self.ids) as reader:
            while self._left(due) > 0 and time.time() - begin < WINDOW:
                time.sleep(POLL_INTERVAL)
            seconds = time.time() - begin
            left = self._left(due)
        self.reader = reader()
        self.memory = self.server.peak_memory()
        self._check()
        return Sample((before - left) / seconds)

    def _make_due(self) -> float:
        """All at one moment, which no API can do: looks are spread on purpose. The server runs again before that."""
        self.server.stop()
        due = time.time() + LEAD
        with self._database("rw") as database:
            changed = database.execute(
                "UPDATE connection_check SET due_at = ?, failures = 0", (int(due * 1e6),)).rowcount
            database.commit()
        try:
            self.server.start()
        except ServerError as error:
            raise MeasurementError(str(error)) from error
        if changed != self.count:
            raise MeasurementError(f"{changed} connections, not {self.count}")
        return max(due, time.time())

    def _check(self) -> None:
        with self._database("ro") as database:
            wrong = database.execute("SELECT COUNT(*) FROM connection_check WHERE verdict <> 'valid'").fetchone()[0]
            lost = database.execute("SELECT COUNT(*) FROM unreachable_host").fetchone()[0]
        if wrong or lost:
            raise MeasurementError(f"{wrong} looks were not good, {lost} hosts were given up")

    def _left(self, due: float) -> int:
        with self._database("ro") as database:
            return database.execute(
                "SELECT COUNT(*) FROM connection_check WHERE due_at <= ?", (int((due + 1) * 1e6),)).fetchone()[0]

    @contextmanager
    def _database(self, mode: str) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"file:{self.server.data}/patchbay.db?mode={mode}", uri=True)) as database:
                yield database
        except sqlite3.Error as error:
            raise MeasurementError(f"the store: {error}") from error


# MARK: All of it


def measure(settings: Settings, results: Results) -> list[Goal]:
    """With a server and a provider of its own."""
    memory = _measure(settings, results)
    return [
        Goal(f"GET one connection while {CONNECTIONS:,} are looked at, against idle",
             results.ratio(BUSY_GET, to=IDLE_GET), 0.5),
        Goal("peak resident memory meanwhile", memory, 128, None, "MiB", less_is_better=True),
    ]


def _measure(settings: Settings, results: Results) -> float | None:
    data = RUN / "sweep"
    server = Patchbay(BINARY, data, seed.API_KEY, PATCHBAY_EGRESS_ALLOW=f"probe={HOST}/32")
    simulator = Simulator(BINARY, RUN / "sweep-simulator.log")
    with ExitStack() as running:
        try:
            running.enter_context(simulator)
            running.enter_context(server)
            say(f"making {CONNECTIONS:,} connections to a simulated provider")
            bench = Bench(server, simulator, RUN)
            bench.make_connections()
            server.empty_log()
        except (MeasurementError, ServerError) as error:
            give_up("no connections to look at", error, [IDLE_GET, LOOKS, BUSY_GET], results)
            return None
        steps = [
            Step(IDLE_GET, bench.requests, server),
            Step(LOOKS, lambda _: bench.sweep(), server, beside=(BUSY_GET, lambda: bench.reader)),
        ]
        run_rounds("sweep", steps, settings, results)
        return bench.memory or None
